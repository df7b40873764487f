"""The embedded model: real weights, through the same adapter as any other checkpoint."""

import pytest
import torch
from statsmodels.stats.proportion import proportion_confint

from fakebench_suite.backends.cards import find_card, locate_weights
from fakebench_suite.backends.transformers.model import TransformersBackend
from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.probes.dataset import load_probes
from fakebench_suite.grading.verdict import judge
from fakebench_suite.tasks.prompts import build_prompt
from fakebench_suite.types import Answer, Case, Outcome, QuestionType, Task
from tests.backends.asking import ask as ask_backend


@pytest.fixture(scope="module")
def pocket() -> TransformersBackend:
    """Pocket as its card loads it."""
    card = find_card("pocket")
    weights = locate_weights(card)
    assert weights is not None
    return TransformersBackend(card, weights, device="cpu", remote_code=False)


@pytest.fixture(scope="module")
def probes() -> Dataset:
    """Eighty pairs: twenty crops of each test photograph."""
    return load_probes(80)


def ask(model: TransformersBackend, data: Dataset, cases: list[Case]) -> list[Answer]:
    """The answers to the cases, none of them an error."""
    images = {case.image: data.open_image(case) for case in cases}
    replies = ask_backend(model, [build_prompt(case) for case in cases], images)
    answers = [reply for reply in replies if isinstance(reply, Answer)]
    assert len(answers) == len(cases)
    return answers


def count_correct(model: TransformersBackend, data: Dataset, cases: list[Case]) -> int:
    """How many of the cases the model passes."""
    answers = ask(model, data, cases)
    verdicts = [judge(case, answer) for case, answer in zip(cases, answers, strict=True)]
    return sum(verdict.outcome is Outcome.CORRECT for verdict in verdicts)


def test_it_is_small_enough_to_ship() -> None:
    """The weights are safetensors of at most 16 MB."""
    weights = locate_weights(find_card("pocket"))
    assert weights is not None
    assert (weights / "model.safetensors").stat().st_size <= 16 * 2**20


def test_it_detects_planted_forgeries_as_its_card_says(
    pocket: TransformersBackend, probes: Dataset
) -> None:
    """On unseen photographs it detects well above chance, and close to the card's figure."""
    cases = [case for case in probes.cases if case.question_type is QuestionType.WHAT]
    hits = count_correct(pocket, probes, cases)
    low, high = proportion_confint(hits, len(cases), method="wilson")
    assert low > 0.5
    assert hits / len(cases) >= 0.8
    assert low <= float(find_card("pocket").held_out["detection_accuracy"].split()[0]) <= high


def test_it_names_what_was_planted(pocket: TransformersBackend, probes: Dataset) -> None:
    """In at least half of the fakes it names the planted criterion, of ten."""
    cases = [case for case in probes.cases if case.task == Task.INTERPRETATION]
    assert count_correct(pocket, probes, cases) >= len(cases) / 2


def test_it_looks_at_the_picture(pocket: TransformersBackend, probes: Dataset) -> None:
    """Shown the forged pictures in place of their untouched twins, it answers differently."""
    real = [c for c in probes.cases if c.question_type is QuestionType.WHAT and not c.regions][:40]
    twin_images = {
        case.image: probes.open_image(next(c for c in probes.cases if c.image == case.paired_image))
        for case in real
    }
    prompts = [build_prompt(case) for case in real]
    answers = ask(pocket, probes, real)
    twin_replies = ask_backend(pocket, prompts, twin_images)
    changed_count = sum(
        isinstance(b, Answer) and a.text != b.text
        for a, b in zip(answers, twin_replies, strict=True)
    )
    assert changed_count >= 10


@pytest.mark.parametrize("question_type", list(QuestionType))
def test_it_obeys_every_form(
    pocket: TransformersBackend, probes: Dataset, question_type: QuestionType
) -> None:
    """Nearly every reply can be parsed, and fault-finding replies follow the asked format."""
    cases = [case for case in probes.cases if case.question_type is question_type][:40]
    answers = ask(pocket, probes, cases)
    verdicts = [judge(case, answer) for case, answer in zip(cases, answers, strict=True)]
    parsed_count = sum(verdict.outcome is not Outcome.UNPARSED for verdict in verdicts)
    assert parsed_count >= 0.95 * len(cases)
    if question_type is QuestionType.FAULTFINDING:
        assert all(verdict.followed_format for verdict in verdicts)


def test_batches_change_nothing(pocket: TransformersBackend, probes: Dataset) -> None:
    """In float32 a batch's answers equal the one-by-one answers, text for text."""
    cases = list(probes.cases[:26])
    batched = [answer.text for answer in ask(pocket, probes, cases)]
    singles = [ask(pocket, probes, [case])[0].text for case in cases]
    assert batched == singles
    assert torch.get_default_dtype() is torch.float32
