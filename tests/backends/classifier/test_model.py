"""Outputs to answers: P(fake), one look at each image, and errors that stay with their image."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import pytest
from PIL import Image

from fakebench_suite.backends.base import Capability, Reply
from fakebench_suite.backends.classifier.labels import OutputLabels
from fakebench_suite.backends.classifier.model import ClassifierBackend, Floats, Output
from fakebench_suite.errors import CardError, ModelError
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.grading.verdict import judge
from fakebench_suite.types import Answer, Outcome, Prompt, QuestionType
from tests.backends.asking import weigh
from tests.factories import make_record

BOTH = OutputLabels(names=("real", "fake"), fake=(1,))
Rows = Callable[[float], list[float]]


@dataclass
class Brightness:
    """A classifier whose outputs are a function of the red of the first pixel, from 0 to 1."""

    rows: Rows
    most: int = 99
    """Images that fit at once."""
    device: str = "cpu"
    says_logits: bool = False
    batches: list[int] = field(default_factory=list)

    def compute(self, images: Sequence[Image.Image]) -> Floats:
        """Outputs of each image; black ones break the whole batch."""
        self.batches.append(len(images))
        if len(images) > self.most:
            raise MemoryError("no room")
        reds = [image.convert("RGB").tobytes()[0] / 255 for image in images]
        if 0 in reds:
            raise ZeroDivisionError("black")
        return np.array([self.rows(red) for red in reds])


def make_backend(
    classifier: Brightness,
    labels: OutputLabels = BOTH,
    output: Output = "logits",
    batch_size: int | None = None,
    *,
    independent: bool = False,
) -> ClassifierBackend:
    """A backend that has looked at one grey image."""
    return ClassifierBackend(
        *(classifier, labels),
        output=output,
        batch_size=batch_size,
        place="det",
        independent=independent,
    )


def ask(backend: ClassifierBackend, reds: Sequence[int], *types: QuestionType) -> list[Reply]:
    """Replies about images of these reds, each asked in these ways."""
    kinds = types or (QuestionType.WHAT,)
    images = {str(red): Image.new("RGB", (4, 4), (red, 0, 0)) for red in reds}
    prompts = [
        Prompt(case=f"{name}:{kind}", image=name, question_type=kind, text="?")
        for name in images
        for kind in kinds
    ]
    return list(weigh(backend, prompts, images))


def read(reply: Reply) -> float:
    """P(fake) of an answer."""
    assert isinstance(reply, Answer)
    assert reply.p_fake is not None
    return reply.p_fake


@pytest.mark.parametrize(
    ("rows", "labels", "output", "expected"),
    [
        (lambda _: [0.0, math.log(3.0)], BOTH, "logits", 0.75),
        (lambda _: [math.log(3.0), 0.0], BOTH, "logits", 0.25),
        (lambda _: [1000.0, -1000.0], BOTH, "logits", 0.0),
        (
            lambda _: [0.5, 0.25, 0.25],
            OutputLabels(names=None, fake=(1, 2)),
            "probabilities",
            0.5,
        ),
        (lambda _: [math.log(3.0)], OutputLabels(names=None, fake=(0,)), "logits", 0.75),
        (lambda _: [math.log(3.0)], OutputLabels(names=("real",), fake=()), "logits", 0.25),
        (lambda _: [-800.0], OutputLabels(names=None, fake=(0,)), "logits", 0.0),
        (lambda _: [0.125], OutputLabels(names=("real",), fake=()), "probabilities", 0.875),
    ],
)
def test_outputs_become_p_fake(
    rows: Rows, labels: OutputLabels, output: Output, expected: float
) -> None:
    """By softmax, by sigmoid of a single logit, or as they are; fake ones are added up."""
    (reply,) = ask(make_backend(Brightness(rows), labels, output), [9])
    assert read(reply) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("row", "output", "expected"),
    [
        ([5.0, math.log(3.0)], "logits", 0.75),
        ([0.9, 0.25], "probabilities", 0.25),
    ],
)
def test_independent_labels_have_a_sigmoid_each(
    row: list[float], output: Output, expected: float
) -> None:
    """P(fake) is that of the label that means fake, whatever the other one is."""
    backend = make_backend(Brightness(lambda _: row), output=output, independent=True)
    assert read(ask(backend, [9])[0]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("red", "texts"), [(200, ["fake", "yes", "no"]), (20, ["real", "no", "yes"])]
)
def test_an_answer_is_the_likelier_option(red: int, texts: list[str]) -> None:
    """Of each question type, with the same probability and a share of the time."""
    backend = make_backend(Brightness(lambda red: [0.0, 9.0 * (red - 0.5)]))
    replies = ask(backend, [red], QuestionType.WHAT, QuestionType.ISFAKE, QuestionType.ISREAL)
    answers = [reply for reply in replies if isinstance(reply, Answer)]
    assert [answer.text for answer in answers] == texts
    assert len({answer.p_fake for answer in answers}) == 1
    assert {(answer.tokens, answer.batch_size, answer.finish_reason) for answer in answers} == {
        (0, 1, None)
    }


def test_an_even_probability_is_no_verdict() -> None:
    """The reply names neither option, as the reading of it does."""
    backend = make_backend(Brightness(lambda _: [1.0, 1.0]))
    for reply in ask(backend, [9], QuestionType.WHAT, QuestionType.ISFAKE, QuestionType.ISREAL):
        assert isinstance(reply, Answer)
        assert (reply.text, reply.p_fake) == ("", 0.5)
        verdict = judge(
            make_record("9.png", Outcome.CORRECT).case, reply, ReplyParserKind.LIKELIHOOD
        )
        assert verdict.outcome is Outcome.UNPARSED


def test_each_image_is_looked_at_once_in_batches() -> None:
    """However many questions there are about it."""
    classifier = Brightness(lambda red: [0.0, red])
    replies = ask(
        make_backend(classifier, batch_size=3), range(1, 8), QuestionType.WHAT, QuestionType.ISREAL
    )
    assert classifier.batches == [1, 3, 3, 1]  # The first is the grey image of the check.
    expected = [1 / (1 + math.exp(-red / 255)) for red in range(1, 8)]
    assert [read(reply) for reply in replies] == pytest.approx(
        [*chain(*zip(expected, expected, strict=True))]
    )


def test_an_image_that_fails_takes_no_other_along() -> None:
    """The batch is split until it is alone."""
    replies = ask(make_backend(Brightness(lambda red: [0.0, red])), [5, 0, 7])
    assert [type(reply) for reply in replies] == [Answer, ModelError, Answer]
    assert "ZeroDivisionError: black" in str(replies[1])


def test_a_batch_without_room_makes_later_ones_smaller() -> None:
    """And loses no image."""
    classifier = Brightness(lambda red: [0.0, red], most=2)
    backend = make_backend(classifier, batch_size=4)
    assert all(isinstance(reply, Answer) for reply in ask(backend, range(1, 9)))
    assert classifier.batches == [1, 4, 2, 2, 2, 2]
    assert backend.describe().details["batch_size"] == 2


@pytest.mark.parametrize(
    ("rows", "output", "message"),
    [
        (lambda red: [0.0, math.nan if red < 0.1 else 2.0], "logits", "are not finite"),
        (lambda red: [0.0, math.inf if red < 0.1 else 2.0], "logits", "are not finite"),
        (lambda red: [0.5, 1.5 if red < 0.1 else 0.5], "probabilities", "no probabilities: 0.5, 1"),
        (lambda red: [0.5, 0.1 if red < 0.1 else 0.5], "probabilities", "no probabilities: 0.5, 0"),
    ],
)
def test_outputs_without_a_probability_are_a_model_error(
    rows: Rows, output: Output, message: str
) -> None:
    """Of their image alone: an error is never an answer."""
    replies = ask(make_backend(Brightness(rows), output=output), [9, 200])
    assert isinstance(replies[0], ModelError)
    assert message in str(replies[0])
    assert isinstance(replies[1], Answer)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (lambda _: [0.0, 0.0, 1.5], "det has 3 outputs and 2 labels"),
        (lambda _: [0.25, 0.75], 'puts out probabilities, not logits.* output = "probabilities"'),
        (lambda _: [[0.0, 1.0]], r"puts out the shape \(1, 1, 2\) for one image"),
        (lambda _: list(range(1 // 0)), "det cannot be asked about an image: integer div"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_before_the_first_case(
    rows: Rows, message: str
) -> None:
    """A grey image shows it."""
    with pytest.raises(CardError, match=message):
        make_backend(Brightness(rows))


def test_the_backend_says_what_it_is() -> None:
    """It writes no text, and names what means fake."""
    backend = make_backend(Brightness(lambda red: [0.0, red]))
    assert backend.capabilities == {Capability.PROBABILITIES}
    info = backend.describe()
    assert (info.path, info.device) == ("plain", "cpu")
    assert info.details["fake_labels"] == ["fake"]
    assert info.details["labels"] == ["real", "fake"]
