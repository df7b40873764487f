"""Each operation alone: pixels in range, only in the box, and never where nothing would show."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakebench_suite.datasets.probes.forgeries import (
    FORGERIES,
    WHOLE_IMAGE,
    Box,
    ForgeryKind,
    apply_forgery,
)
from fakebench_suite.datasets.probes.photographs import PROBE_SIZE, TRAIN_PHOTOGRAPHS, sample_square
from fakebench_suite.datasets.probes.reference_texts import describe_forged, describe_intact
from fakebench_suite.tasks.criteria import CRITERIA

SHOWS_ON_GREY = {"light & shadow", "unrealistic", "overall tone"}
EACH = pytest.mark.parametrize("forgery", FORGERIES.values(), ids=list(FORGERIES))


@EACH
@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(48, 80), st.integers(48, 80), st.sampled_from([0, 1, 2])
)
def test_an_operation_keeps_shape_and_range(
    forgery: ForgeryKind, seed: int, height: int, width: int, kind: int
) -> None:
    """Noise, black and white of any box size stay floats in 0..1, alike under one seed."""
    noise = np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)
    box = (noise, np.zeros_like(noise), np.ones_like(noise))[kind]
    before = box.copy()
    first, second = (forgery.apply(box, np.random.default_rng(seed)) for _ in range(2))
    assert first.shape == box.shape
    assert (first == second).all()
    assert (box == before).all()
    assert -1e-6 <= first.min() <= first.max() <= 1 + 1e-6


@EACH
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(TRAIN_PHOTOGRAPHS)))
def test_planting_touches_the_box_alone(forgery: ForgeryKind, seed: int, photograph: str) -> None:
    """Outside the box nothing changes, inside it does; the photograph itself is left as it was."""
    rng = np.random.default_rng(seed)
    image = sample_square(photograph, rng)
    before = image.copy()
    result = apply_forgery(image, forgery, rng)
    assert (image == before).all()
    if result is None:
        return
    forged, box = result
    assert forged.shape == image.shape
    assert forged.dtype == np.float32
    assert forged.min() >= 0
    assert forged.max() <= 1
    assert 0 <= box.left < box.right <= PROBE_SIZE
    assert 0 <= box.top < box.bottom <= PROBE_SIZE
    difference = np.abs(forged - image)
    difference_in_box = difference[box.top : box.bottom, box.left : box.right]
    assert difference_in_box.mean() >= 0.07 - 1e-6
    assert (difference > 0).sum() == (difference_in_box > 0).sum()
    assert (box == WHOLE_IMAGE) == forgery.covers_image


@EACH
def test_a_constant_image_shows_changes_of_light_and_colour_only(forgery: ForgeryKind) -> None:
    """Where there is no structure, structure cannot be broken: such a plant is given up."""
    grey = np.full((PROBE_SIZE, PROBE_SIZE, 3), 0.8, dtype=np.float32)
    result = apply_forgery(grey, forgery, np.random.default_rng(0))
    assert (result is not None) == (forgery.criterion in SHOWS_ON_GREY)


@settings(max_examples=200, deadline=None)
@given(st.tuples(*(st.integers(0, PROBE_SIZE - 48),) * 2), st.tuples(*(st.integers(48, 80),) * 2))
def test_every_box_has_a_place(corner: tuple[int, int], size: tuple[int, int]) -> None:
    """The words follow the middle of the box, third by third."""
    left, top = corner
    right, bottom = min(PROBE_SIZE, left + size[0]), min(PROBE_SIZE, top + size[1])
    name = Box(left=left, top=top, right=right, bottom=bottom).position_name
    assert ("left" in name) == (3 * (left + right) < 2 * PROBE_SIZE)
    assert ("right" in name) == (3 * (left + right) >= 4 * PROBE_SIZE)
    assert ("upper" in name) == (3 * (top + bottom) < 2 * PROBE_SIZE)
    assert ("lower" in name) == (3 * (top + bottom) >= 4 * PROBE_SIZE)


@EACH
def test_a_forgery_speaks_of_known_criteria(forgery: ForgeryKind) -> None:
    """What is planted and what is spared are criteria of the paper, and never the same."""
    assert forgery.criterion in CRITERIA
    assert set(forgery.unaffected_criteria) < set(CRITERIA) - {forgery.criterion}
    assert len(set(forgery.unaffected_criteria)) == len(forgery.unaffected_criteria) > 0


@pytest.mark.parametrize("criterion", CRITERIA)
def test_statements_name_their_criterion(criterion: str) -> None:
    """Either statement is one sentence that names the criterion; only one of them denies it."""
    forged_text = describe_forged(criterion, "halos run along the outlines", "upper left")
    intact_text = describe_intact(criterion)
    root = criterion.removeprefix("un")
    assert root in forged_text
    assert root in intact_text
    assert forged_text.endswith(": halos run along the outlines in the upper left.")
    assert forged_text.count(".") == intact_text.count(".") == 1
