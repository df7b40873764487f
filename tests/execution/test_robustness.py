"""Which cases robustness adds to a plan."""

from dataclasses import replace
from itertools import pairwise

import pytest

from fakebench_suite.backends.base import Capability
from fakebench_suite.errors import UserError
from fakebench_suite.execution.plan import RunPlan, RunRequest, make_plan
from fakebench_suite.execution.robustness import (
    SEARCH_PROMPTS,
    RobustnessRequest,
    choose_families,
    limit_robustness,
)
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.tasks.robustness import FAMILIES, RobustnessMode
from fakebench_suite.types import Task

COIN = RunRequest(model="coin")
LADDER = RobustnessRequest(mode=RobustnessMode.LADDER, families=("blur", "language"))


def plan(robustness: RobustnessRequest, **options: object) -> RunPlan:
    """A plan over the probes."""
    return make_plan(replace(COIN, robustness=robustness, **options))  # type: ignore[arg-type]


def test_the_sample_is_the_same_with_robustness() -> None:
    """And so is the order of what a run without it asks."""
    for options in ({}, {"sample": 10}, {"sample": 10, "seed": 3}):
        before = make_plan(replace(COIN, **options)).cases  # type: ignore[arg-type]
        after = plan(LADDER, **options).cases
        assert [case for case in after if case.task != Task.ROBUSTNESS] == list(before)
        perturbed = {case.original_case for case in after if case.task == Task.ROBUSTNESS}
        assert perturbed == {case.id for case in before if case.task == Task.DETECTION}


def test_cases_of_a_perturbed_image_lie_side_by_side() -> None:
    """They are one prefix for a model, and one work unit with the image's other cases."""
    cases = plan(LADDER, sample=4).cases
    for name in ("image", "base_image"):
        names = [getattr(case, name) for case in cases]
        changes = sum(first != second for first, second in pairwise(names))
        assert changes == len(set(names)) - 1


@pytest.mark.parametrize("budget", [48, 100, 500])
def test_a_budget_is_kept_by_a_sample_of_images(budget: int) -> None:
    """Whole ladders of as many as have room, both classes alike, the same for a seed."""
    limited = replace(LADDER, budget=budget)
    first = plan(limited)
    assert first.robustness is not None
    asked = [case for case in first.cases if case.task == Task.ROBUSTNESS]
    assert budget - 48 < len(asked) == first.robustness.prompts <= budget
    assert first.robustness.left_out == 240 - first.robustness.images
    per_image = len(asked) // first.robustness.images
    assert per_image == 3 * (2 + 3 + 1)
    assert sum(case.label == "fake" for case in asked) * 2 == len(asked)
    assert first.cases == plan(limited).cases
    assert set(first.cases) == set(first.dataset.cases), "what is left out is no population"
    assert {c for c in first.cases if c.task != Task.ROBUSTNESS} == set(make_plan(COIN).cases)


def test_a_budget_within_a_sample() -> None:
    """Its images are of the sample."""
    limited = plan(replace(LADDER, budget=100), sample=20)
    drawn = {case.image for case in make_plan(replace(COIN, sample=20)).cases}
    assert {case.base_image for case in limited.cases} == drawn
    assert len({case.base_image for case in limited.cases if case.perturbation}) == 4


def test_a_search_counts_with_all_its_prompts() -> None:
    """The ladder and the search are about the same images."""
    both = replace(LADDER, mode=RobustnessMode.BOTH, budget=2000)
    made = plan(both)
    asked = [case for case in made.cases if case.task == Task.ROBUSTNESS]
    searched = [case for case in asked if case.perturbation == "search"]
    assert made.robustness is not None
    assert made.robustness.searched == ("blur",)
    prompts = len(asked) - len(searched) + SEARCH_PROMPTS * len(searched)
    assert made.robustness.prompts == prompts <= 2000
    assert {case.base_image for case in searched} == {case.base_image for case in asked}
    assert len(searched) == 3 * made.robustness.images


@pytest.mark.parametrize(
    ("reading", "english"),
    [
        (ReplyParserKind.LIKELIHOOD, "options whose probabilities are compared are English"),
        (ReplyParserKind.PAPER, "words that --reading=paper looks for are English"),
    ],
)
def test_some_readings_are_of_english_only(reading: ReplyParserKind, english: str) -> None:
    """Another language is not asked, and one that asks for it by name is told."""
    options = {"model": "pocket", "reply_parser": reading, "sample": 2}
    asked = plan(replace(LADDER, families=None), **options).cases
    perturbations = {case.perturbation for case in asked}
    assert "paraphrase:1" in perturbations
    assert "language:zh" not in perturbations
    with pytest.raises(UserError, match=english):
        plan(LADDER, **options)


def test_a_detector_is_not_asked_other_prompts() -> None:
    """It is shown none, and what cannot flip would dilute the flips of all."""
    asked: tuple[object, ...] = (ReplyParserKind.LIKELIHOOD, {Capability.PROBABILITIES})
    everything = replace(LADDER, families=None)
    families = choose_families(everything, *asked)  # type: ignore[arg-type]
    assert families == tuple(name for name, kind in FAMILIES.items() if not kind.changes_prompt)
    with pytest.raises(UserError, match="paraphrase changes the prompt, and the model is shown"):
        choose_families(replace(LADDER, families=("paraphrase",)), *asked)  # type: ignore[arg-type]
    made, _ = limit_robustness([], everything, *asked, seed=0)  # type: ignore[arg-type]
    assert str(made).endswith(
        "; without paraphrase, options-swapped, opposite-polarity, language, which measure nothing "
        "here"
    )
