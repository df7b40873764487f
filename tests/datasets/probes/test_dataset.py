"""The probes: real photographs, and forgeries whose truth is known exactly."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakebench_suite.datasets.dataset import digest_cases, digest_contents
from fakebench_suite.datasets.probes import dataset, photographs
from fakebench_suite.datasets.probes.dataset import (
    load_probes,
    render_pair,
    select_pair,
)
from fakebench_suite.datasets.probes.draws import PAIRS, load_draws, replay_draw, search_draw
from fakebench_suite.datasets.probes.forgeries import (
    FORGERIES,
    WHOLE_IMAGE,
    Box,
    ForgeryKind,
    apply_forgery,
)
from fakebench_suite.datasets.probes.photographs import (
    PROBE_SIZE,
    TEST_PHOTOGRAPHS,
    TRAIN_PHOTOGRAPHS,
    load_photograph,
    sample_square,
)
from fakebench_suite.errors import DataError
from fakebench_suite.types import Authenticity, Task

ROOT = Path(__file__).parents[3]
CASES_DIGEST = "eb3640a9f229675bf2958465f21410ffef185e2d33cc79613325c18c75d7208a"


def test_train_and_test_photographs_are_disjoint() -> None:
    """No photograph, and neither view of one scene, is on both sides; all are in the wheels."""
    assert not set(TRAIN_PHOTOGRAPHS) & set(TEST_PHOTOGRAPHS)
    scenes = [
        {name.partition("_")[0].partition(".")[0] for name in names}
        for names in (TRAIN_PHOTOGRAPHS, TEST_PHOTOGRAPHS)
    ]
    assert not scenes[0] & scenes[1]
    for name in TRAIN_PHOTOGRAPHS | TEST_PHOTOGRAPHS:
        assert min(load_photograph(name).size) >= PROBE_SIZE


def test_a_forged_picture_differs_from_its_twin_inside_the_box_only() -> None:
    """Outside the box every pixel is the photograph's; inside something is to be seen."""
    for pair in map(select_pair, range(40)):
        original, forged = render_pair(pair.index)
        changed_pixels = (forged != original).any(axis=2)
        changed_in_box = changed_pixels[
            pair.box.top : pair.box.bottom, pair.box.left : pair.box.right
        ]
        assert changed_pixels.sum() == changed_in_box.sum()
        difference = np.abs(forged.astype(int) - original.astype(int))
        box = difference[pair.box.top : pair.box.bottom, pair.box.left : pair.box.right]
        assert box.mean() > 17


def test_the_box_is_known_without_the_pixels() -> None:
    """It is the one in which the forgery is planted."""
    boxes = [select_pair(index).box for index in range(PAIRS)]
    assert boxes == [replay_draw(index).box for index in range(PAIRS)]
    assert len(set(boxes)) > PAIRS * 0.8


def test_loading_probes_renders_no_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image is rendered when it is opened, together with its twin, once."""
    rendered: list[int] = []

    def render(index: int) -> Any:
        rendered.append(index)
        return render_pair(index)

    monkeypatch.setattr(dataset, "render_pair", render)
    probes = load_probes(8)
    assert not rendered
    case = next(case for case in probes.cases if case.image == select_pair(5).name)
    twin = next(twin for twin in probes.cases if twin.image == case.paired_image)
    images = [np.asarray(probes.open_image(selected)) for selected in (case, twin, case)]
    assert rendered == [5]
    for image, expected in zip(images, (*render_pair(5), render_pair(5)[0]), strict=True):
        assert (image == expected).all()


def test_draws_are_those_that_a_search_finds() -> None:
    """Every fortieth here, all under ``-m slow``."""
    assert len(load_draws()) == PAIRS
    for index in range(0, PAIRS, 40):
        assert search_draw(index) == load_draws()[index]


@pytest.mark.slow
def test_all_draws_are_those_that_a_search_finds() -> None:
    """Takes half a minute."""
    assert tuple(search_draw(index) for index in range(PAIRS)) == load_draws()


def test_the_digest_changes_with_what_the_probes_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a case, or a file that pixels are made of; a field that no case uses changes nothing."""
    probes = load_probes()
    assert digest_cases(probes.cases) == CASES_DIGEST, "Older runs over the probes are others' now."
    assert load_probes(4).digest != load_probes(3).digest
    monkeypatch.setattr(dataset, "DRAWS_FILE", Path(__file__))
    assert load_probes().digest != probes.digest


def test_an_absent_photograph_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before the model is loaded."""
    monkeypatch.setattr(dataset, "locate_photograph", lambda name: tmp_path / name)
    with pytest.raises(DataError, match=r"need camera\.png, which cannot be read: No such file"):
        load_probes()


def test_a_pair_beyond_the_file_is_searched_for() -> None:
    """There is no end to them."""
    pair = select_pair(PAIRS)
    assert pair.name == f"camera-{PAIRS}"
    assert pair.box == replay_draw(PAIRS).box


def test_every_case_knows_its_truth() -> None:
    """Labels, twins, boxes and references fit what was planted; at least eight criteria are."""
    cases = load_probes(40).cases
    assert len({case.criterion for case in cases if case.task == Task.INTERPRETATION}) >= 8
    for case in cases:
        forged = case.label is Authenticity.FAKE
        assert bool(case.regions) == forged
        assert case.paired_image is not None
        assert case.image.endswith("-forged") == forged
        assert bool(case.intact_criteria) == forged
        if case.task in (Task.INTERPRETATION, Task.REASONING):
            assert case.expected is not None
            assert [clue.criterion for clue in case.expected] == [case.criterion]
    for pair, group in (
        (p, [c for c in cases if c.image == f"{p.name}-forged"]) for p in map(select_pair, range(3))
    ):
        references = {case.criterion: case.expected for case in group if case.task == Task.ANALYSIS}
        assert {case.intact_criteria for case in group} == {pair.forgery.unaffected_criteria}
        assert set(references) == {pair.forgery.criterion, *pair.forgery.unaffected_criteria}
        for criterion, expected in references.items():
            assert expected is not None
            is_planted = criterion == pair.forgery.criterion
            assert (expected[0].criterion == criterion) == is_planted


def digest_probes(count: int) -> list[str]:
    """The digests of cases and of pixels."""
    probes = load_probes(count)
    images = {case.image: case for case in probes.cases}
    pixels = digest_contents(probes.open_image(case).tobytes() for case in images.values())
    return [probes.digest, pixels]


@pytest.mark.process
def test_probes_are_the_same_in_every_process() -> None:
    """The digests of cases and of pixels do not depend on the process that makes them."""
    script = (
        "from tests.datasets.probes.test_dataset import digest_probes; print(*digest_probes(12))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == digest_probes(12)


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=list(FORGERIES))
def test_a_forgery_is_a_function_of_pixels_and_seed(forgery: ForgeryKind) -> None:
    """The same seed plants the same forgery, in range, in the box alone."""
    image = sample_square("astronaut.png", np.random.default_rng(4))
    first, second = (apply_forgery(image, forgery, np.random.default_rng(1)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert (first[0] == second[0]).all()
    assert first[1] == second[1]
    assert first[0].dtype == np.float32
    assert 0 <= first[0].min() <= first[0].max() <= 1
    assert (first[1] == WHOLE_IMAGE) == forgery.covers_image


def test_what_nobody_could_see_is_not_planted() -> None:
    """Blurring a clear sky is given up."""
    sky = np.full((PROBE_SIZE, PROBE_SIZE, 3), 0.6, dtype=np.float32)
    assert apply_forgery(sky, FORGERIES["clarity"], np.random.default_rng(0)) is None
    assert apply_forgery(sky, FORGERIES["perspective"], np.random.default_rng(0)) is None


def test_places_have_names() -> None:
    """Nine places and the whole image."""
    edges = ((0, 40), (44, 84), (88, 128))
    names = [
        Box(left=left, top=top, right=right, bottom=bottom).position_name
        for top, bottom in edges
        for left, right in edges
    ]
    assert names == [
        "upper left", "upper centre", "upper right",
        "left", "centre", "right",
        "lower left", "lower centre", "lower right",
    ]  # fmt: skip
    assert WHOLE_IMAGE.position_name == "whole image"


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photographs are files in installed packages."""
    photographs.load_photograph.cache_clear()
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was used"))
    assert load_photograph("rocket.jpg").size == (640, 427)


def test_a_few_probes_are_a_data_set_too() -> None:
    """Four pairs are eight pictures, one pair of each test photograph, the same at each load."""
    first, second = load_probes(4), load_probes(4)
    assert (first.digest, first.cases) == (second.digest, second.cases)
    assert first.digest != load_probes(3).digest
    assert len({case.image for case in first.cases}) == 8
    assert {name.partition(".")[0] for name in TEST_PHOTOGRAPHS} == {
        case.image.partition("-")[0] for case in first.cases
    }
    assert len({case.id for case in first.cases}) == len(first.cases)
    assert load_probes(5).cases[: len(first.cases)] == first.cases


def test_both_twins_are_asked_the_same_detection_questions() -> None:
    """Label and question type are independent, so no habit of saying "yes" pays."""
    cases = [case for case in load_probes(8).cases if case.task == Task.DETECTION]
    counts = Counter((case.label, case.question_type) for case in cases)
    assert set(counts.values()) == {8}
    assert len(counts) == 6


def test_references_say_what_was_planted_and_where() -> None:
    """The clue names the criterion and the place of the box; a spared criterion is called sound."""
    pairs = {f"{pair.name}-forged": pair for pair in map(select_pair, range(40))}
    for case in load_probes(40).cases:
        if case.expected is None:
            continue
        pair, (clue,) = pairs[case.image], case.expected
        if case.criterion == pair.forgery.criterion:
            assert pair.forgery.clue in clue.text
            assert clue.text.endswith(f"in the {pair.box.position_name}.")
            assert case.criterion.removeprefix("un") in clue.text
        else:
            assert clue.criterion is None
            assert case.criterion in pair.forgery.unaffected_criteria
