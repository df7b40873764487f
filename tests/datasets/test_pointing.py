"""Data sets whose regions are known ask for them, and probes ask both twins the same."""

from collections import Counter
from pathlib import Path

import pytest

from fakebench_suite.datasets.pointing import add_pointing
from fakebench_suite.datasets.probes.dataset import load_probes
from fakebench_suite.datasets.probes.grounded import load, load_grounded
from fakebench_suite.datasets.registry import DataSource, open_dataset
from fakebench_suite.errors import DataError
from fakebench_suite.execution.plan import RunRequest, make_plan
from fakebench_suite.types import Authenticity, Case, QuestionType, Region, Task
from tests.datasets.other_benchmarks import write_synthscars, write_x_aigd


def make_case(image: str, *regions: Region, label: Authenticity = Authenticity.FAKE) -> Case:
    """A case on an image."""
    return Case(
        id=f"{image}:x{len(regions)}", task=Task.INTERPRETATION, image=image, question="Why?",
        question_type=QuestionType.FAULTFINDING, label=label, regions=regions,
    )  # fmt: skip


def test_an_image_is_asked_once_about_all_its_regions() -> None:
    """Those of all cases on it, each once; an image without any is not asked."""
    first, second = Region(box=(0, 0, 5, 5), criterion="edge"), Region(box=(5, 5, 9, 9))
    cases = (make_case("a", first), make_case("a", first, second), make_case("b"))
    (case,) = add_pointing(cases)[3:]
    assert (case.id, case.task, case.question_type) == (
        "a:point",
        Task.POINTING,
        QuestionType.POINT,
    )
    assert case.regions == (first, second)
    assert case.criterion is None
    (alone,) = add_pointing([make_case("a", first)])[1:]
    assert alone.criterion == "edge"


@pytest.mark.parametrize(
    ("kind", "write"), [("synthscars", write_synthscars), ("x-aigd", write_x_aigd)]
)
def test_regions_of_other_benchmarks_are_asked_for(
    tmp_path: Path, kind: str, write: object
) -> None:
    """One case for each image that has some."""
    assert callable(write)
    cases = open_dataset(DataSource(kind=kind, path=write(tmp_path))).cases
    asked = [case for case in cases if case.task == Task.POINTING]
    assert {case.image for case in asked} == {case.image for case in cases if case.regions}
    assert asked
    assert all(case.regions for case in asked)


def test_both_images_of_a_pair_are_asked_the_same() -> None:
    """The question is the same, the truth is not, and both images open."""
    data = load_grounded(12)
    assert Counter(case.task for case in data.cases) == {
        Task.REASONING: 24, Task.ANALYSIS: 24, Task.POINTING: 24,
    }  # fmt: skip
    assert len({case.id for case in data.cases}) == 72
    asked = {(case.image, case.question): case for case in data.cases}
    for case in data.cases:
        twin = asked[case.paired_image or "", case.question]
        assert twin.task == case.task
        assert {case.label, twin.label} == {Authenticity.FAKE, Authenticity.REAL}
        assert bool(case.regions) == (case.label is Authenticity.FAKE)
        if case.task == Task.ANALYSIS:
            assert case.criterion == twin.criterion
            assert case.expected is not None
            assert (case.expected[0].criterion is None) == (case.label is Authenticity.REAL)
    assert data.open_image(data.cases[0]).size == (128, 128)
    assert data.digest != load_probes(12).digest


def test_the_grounded_probes_take_no_path() -> None:
    """They are part of the suite."""
    with pytest.raises(DataError, match="takes no path"):
        load(Path("x"))


def test_pointing_is_asked_on_request(tmp_path: Path) -> None:
    """By --tasks alone: a run without it is as it was before there were such cases."""
    card = tmp_path / "m.toml"
    script = "\n".join(f'{name} = ["x"]' for name in (
        "what", "isfake", "isreal", "faultfinding", "inference", "criterion",
    ))  # fmt: skip
    card.write_text(f'backend = "scripted"\n[script]\n{script}\n', encoding="utf-8")
    data = DataSource(kind="probes-grounded")
    whole = make_plan(RunRequest(model=str(card), data=data))
    assert Counter(case.task for case in whole.cases) == {Task.REASONING: 240, Task.ANALYSIS: 240}
    assert whole.planned == 480
    asked = make_plan(RunRequest(model=str(card), data=data, tasks=(Task.POINTING,)))
    assert Counter(case.task for case in asked.cases) == {Task.POINTING: 240}
