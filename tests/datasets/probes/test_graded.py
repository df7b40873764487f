"""Graded probes are the probes at several strengths."""

from pathlib import Path

import numpy as np
import pytest

from fakebench_suite.datasets.probes.dataset import load_probes
from fakebench_suite.datasets.probes.graded import STRENGTHS, load, load_graded
from fakebench_suite.errors import DataError
from fakebench_suite.types import Authenticity, Task


def test_each_pair_is_shown_untouched_and_at_every_strength() -> None:
    """One question each, and the truth of the probes."""
    data = load_graded(3)
    assert len(data.cases) == 3 * (1 + len(STRENGTHS))
    assert len({case.id for case in data.cases}) == len({case.image for case in data.cases}) == 21
    assert {case.task for case in data.cases} == {Task.DETECTION}
    images = {case.image for case in data.cases}
    for case in data.cases:
        assert case.paired_image in images
        assert (case.strength == 0) == (case.label is Authenticity.REAL)
        assert bool(case.regions) == (case.label is Authenticity.FAKE)


def test_pixels_go_from_the_photograph_to_the_forgery() -> None:
    """By the strength, and only inside the box; at 1 it is the probe's image."""
    data, probes = load_graded(1), load_probes(1)
    known = {case.image: np.asarray(probes.open_image(case), dtype=float) for case in probes.cases}
    untouched, forged = known["camera-000"], known["camera-000-forged"]
    for case in data.cases:
        pixels = np.asarray(data.open_image(case), dtype=float)
        expected = untouched + (case.strength or 0) * (forged - untouched)
        assert np.abs(pixels - expected).max() <= 0.5


def test_the_graded_probes_are_other_data() -> None:
    """With a digest of their own; they take no path."""
    assert load_graded(2).digest != load_probes(2).digest
    with pytest.raises(DataError, match="takes no path"):
        load(Path("x"))
