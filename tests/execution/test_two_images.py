"""Cases about two images: both are opened, shown, recorded, and keys of what is reused."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from PIL import Image

from fakebench_suite.backends.base import Backend, Capability, Reply, Request
from fakebench_suite.backends.cards import Card, find_card
from fakebench_suite.backends.registry import find_capabilities
from fakebench_suite.backends.replay import ReplayBackend
from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.errors import MissingImageError, ModelError, UserError
from fakebench_suite.execution.engine import MAX_IMAGE_BYTES, cut_by_room
from fakebench_suite.execution.plan import RunPlan, RunRequest, find_lacking, list_needs
from fakebench_suite.execution.reusable_answers import find_reason, select_reusable
from fakebench_suite.execution.runner import execute
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.plugin.engines import check_backend
from fakebench_suite.provenance import collect_pixels, digest_pixels
from fakebench_suite.types import (
    Answer,
    Case,
    Outcome,
    PixelDigest,
    QuestionType,
    Record,
    Task,
    list_image_cases,
)
from tests.factories import CASE, make_record
from tests.fakes import FakeModel

GREY = {"a": 10, "b": 20, "c": 30}


def make_case(first: str, second: str | None, expected: str = "A") -> Case:
    """Which of two images is fake, or a question about one."""
    if second is None:
        return replace(CASE, id=f"{first}:what", image=first)
    return Case(
        id=f"{first}{second}:which",
        task=Task.COMPARISON,
        image=first,
        second_image=second,
        question="Which is fake?",
        question_type=QuestionType.WHICHFAKE,
        choices=("The first one.", "The second one."),
        expected_choice=expected,
    )


@dataclass
class Darkest(Backend):
    """Chooses the darker of two images, and says how often which were opened."""

    capabilities = frozenset({Capability.TEXT, Capability.TWO_IMAGES})
    shown: list[tuple[int, ...]] = field(default_factory=list)

    def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """A letter, or "fake" about one image."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Request) -> Answer:
        greys = tuple(image.getextrema()[0][0] for image in request.prompt_images)  # type: ignore[index]
        self.shown.append(greys)
        text = "fake" if len(greys) == 1 else "AB"[greys.index(min(greys))]
        return Answer(text=text, tokens=1, seconds=0.1, batch_size=1)


def make_plan(*cases: Case) -> tuple[RunPlan, list[str]]:
    """A plan over images of one grey each, and the names of those that were opened."""
    opened: list[str] = []

    def open_image(case: Case) -> Image.Image:
        opened.append(case.image)
        if case.image not in GREY:
            raise MissingImageError(f"{case.image} is missing")
        return Image.new("RGB", (2, 2), (GREY[case.image],) * 3)

    dataset = Dataset(
        name="d", kind="x", digest="0", cases=cases, open_image=open_image, has_images=lambda: True
    )
    plan = RunPlan(
        request=RunRequest(),
        card=Card(name="x", backend="none"),
        dataset=dataset,
        cases=cases,
        drawn=cases,
        planned=len(cases),
    )
    return plan, opened


def test_both_images_are_shown_in_order_and_recorded() -> None:
    """Each is opened once, whichever cases it is in."""
    plan, opened = make_plan(
        make_case("a", None), make_case("a", "b"), make_case("b", "a", "B"), make_case("c", "b")
    )
    backend = Darkest()
    records = list(execute(plan, backend))
    assert backend.shown == [(10,), (10, 20), (20, 10), (30, 20)]
    assert sorted(opened) == ["a", "b", "c"]
    assert [record.verdict.outcome for record in records[1:]] == [
        Outcome.CORRECT,
        Outcome.CORRECT,
        Outcome.INCORRECT,
    ]
    assert [record.verdict.label for record in records[1:]] == ["A", "B", "B"]
    assert records[0].second_pixels is None
    assert records[1].pixels == records[2].second_pixels != records[1].second_pixels
    assert collect_pixels(records).keys() == GREY.keys()
    assert None not in collect_pixels(records).values()


@pytest.mark.parametrize("pair", [("a", "gone"), ("gone", "a")])
def test_an_image_that_is_missing_costs_its_case(pair: tuple[str, str]) -> None:
    """Whichever of the two it is; others are asked."""
    plan, _ = make_plan(make_case(*pair), make_case("a", None))
    backend = Darkest()
    first, second = execute(plan, backend)
    assert first.verdict.outcome is Outcome.IMAGE_ERROR
    assert first.verdict.reason == "gone is missing"
    assert second.verdict.outcome is Outcome.CORRECT
    assert backend.shown == [(10,)]


def test_a_second_image_is_opened_as_the_image_of_a_case() -> None:
    """Without what is known of the first."""
    cases = list(list_image_cases([make_case("a", "b"), make_case("c", None)]))
    assert [case.image_names for case in cases] == [("a", "b"), ("b",), ("c",)]
    assert cases[1].label is None


def test_both_images_count_for_the_room_of_a_batch() -> None:
    """A case is never cut, and an image that is there already takes no more."""
    images = {name: Image.new("RGB", (2, 2)) for name in GREY}
    plan, _ = make_plan()
    requests = [
        plan.build_request(make_case(*pair), images)
        for pair in (("a", "b"), ("b", "a"), ("a", None), ("a", "c"))
    ]
    sizes = {"a": MAX_IMAGE_BYTES // 2, "b": MAX_IMAGE_BYTES // 2, "c": 1}
    assert [len(part) for part in cut_by_room(requests, sizes)] == [3, 1]


PIXELS = {name: PixelDigest(digest=name, size=(2, 2)) for name in GREY}


def make_pair_record(first: str, second: str) -> Record:
    """The record of a comparison."""
    record = make_record(first, Outcome.CORRECT)
    return replace(
        record,
        case=make_case(first, second),
        pixels=PIXELS[first],
        second_pixels=PIXELS[second],
    )


def test_an_answer_is_reused_for_both_images_in_their_order() -> None:
    """Not for the first alone, nor for the pair the other way round."""
    earlier = make_pair_record("a", "b")
    plan, _ = make_plan()
    plan = replace(plan, reusable=select_reusable([earlier]))
    request = plan.build_request(earlier.case, {})
    request = replace(request, prompt=replace(request.prompt, text=earlier.prompt))
    case = earlier.case
    assert plan.find_reusable(case, request, PIXELS) is earlier.answer
    for other in (
        PIXELS | {"b": PIXELS["c"]},
        {"a": PIXELS["b"], "b": PIXELS["a"]},
        {"a": PIXELS["a"]},
    ):
        assert plan.find_reusable(case, request, other) is None
    for another in (make_case("b", "a"), make_case("a", None), make_case("a", "c")):
        assert plan.find_reusable(another, request, PIXELS) is None
    assert select_reusable([replace(earlier, second_pixels=None)]) == {}
    assert find_reason(earlier, make_pair_record("a", "c")) == "other pixels"


def test_a_recorded_answer_belongs_to_both_pictures() -> None:
    """Another second picture is an error; one that is not here any more is not compared."""
    black, white = (Image.new("RGB", (2, 2), colour) for colour in ("black", "white"))
    record = replace(
        make_pair_record("a", "b"), pixels=digest_pixels(black), second_pixels=digest_pixels(white)
    )
    plan, _ = make_plan()
    request = plan.build_request(record.case, {})
    prompt = replace(request.prompt, text=record.prompt)
    for images, is_given in (
        ({"a": black, "b": white}, True),
        ({"a": black}, True),
        ({"a": black, "b": black}, False),
    ):
        (reply,) = ReplayBackend([record]).run([Request(prompt=prompt, images=images)])
        assert isinstance(reply, ModelError) != is_given


def test_a_task_with_two_images_needs_a_model_that_takes_them() -> None:
    """Else it is left out, and the others are asked."""
    grammar, pair = ReplyParserKind.GRAMMAR, make_case("a", "b")
    assert list_needs(pair, grammar) == {Capability.TEXT, Capability.TWO_IMAGES}
    assert list_needs(CASE, grammar) == {Capability.TEXT}
    lacking = find_lacking([CASE, pair], grammar, {Capability.TEXT})
    assert lacking == {Task.COMPARISON: Capability.TWO_IMAGES}
    assert Capability.TWO_IMAGES not in find_capabilities(find_card("pocket"))
    assert Capability.TWO_IMAGES not in find_capabilities(find_card("idefics"))
    assert Capability.TWO_IMAGES in find_capabilities(find_card("qwen2-vl"))
    assert Capability.TWO_IMAGES in find_capabilities(find_card("coin"))


def test_a_model_of_the_users_that_takes_one_image_is_named() -> None:
    """Before it is asked."""
    plan, _ = make_plan(make_case("a", "b"))
    with pytest.raises(UserError, match="gives a FakeModel, which lacks two_images"):
        check_backend(FakeModel(), plan)
    check_backend(Darkest(), plan)
    assert Capability.TWO_IMAGES in plan.load_options().wants
