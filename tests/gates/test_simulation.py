"""How often the non-regression gate cries wolf, and how large a drop it finds."""

import numpy as np
import pytest

from fakebench_suite.gates.evaluate import MIN_JUDGED_IMAGES
from fakebench_suite.gates.paired_tests import PairedDifferences, drop_interval, mcnemar

LEVEL, MARGIN = 0.05, 0.02
CHANGED = 0.10
"""Share of cases on which two runs of equal skill differ."""


def draw(rng: np.random.Generator, n: int, drop: float) -> PairedDifferences:
    """Two runs over n images that differ on a tenth of them, one worse by ``drop``."""
    chances = [(CHANGED + drop) / 2, (CHANGED - drop) / 2, 1 - CHANGED]
    change = rng.choice([1.0, -1.0, 0.0], size=n, p=chances)
    return PairedDifferences(drop=change, sizes=np.ones(n))


def alarm_rate(n: int, drop: float, runs: int = 1500) -> float:
    """The share of simulated runs that fail the gate."""
    rng = np.random.default_rng(n)
    pairs = [draw(rng, n, drop) for _ in range(runs)]
    return float(np.mean([mcnemar(pair) <= LEVEL and pair.mean > MARGIN for pair in pairs]))


@pytest.mark.thorough
@pytest.mark.parametrize("n", [600, 3000, 6000])
def test_no_change_is_seldom_called_a_regression(n: int) -> None:
    """At no change the gate fails at most as often as its level, with and without its margin."""
    assert alarm_rate(n, 0.0) <= LEVEL
    rng = np.random.default_rng(n)
    rate = np.mean([mcnemar(draw(rng, n, 0.0)) <= LEVEL for _ in range(1500)])
    assert rate <= LEVEL + 0.01  # the simulation's own error


@pytest.mark.thorough
@pytest.mark.parametrize(("n", "drop"), [(600, 0.045), (3000, 0.027), (6000, 0.025)])
def test_real_drops_are_found(n: int, drop: float) -> None:
    """The drops that docs/gates.md names are found in at least four of five runs."""
    assert alarm_rate(n, drop, runs=600) >= 0.8


def draw_marks(rng: np.random.Generator, n: int, drop: float) -> PairedDifferences:
    """Marks over n images that change by a sixth of full marks either way, worse by ``drop``."""
    return PairedDifferences(drop=rng.normal(drop, 1 / 6, n), sizes=np.ones(n))


@pytest.mark.thorough
def test_marks_of_as_few_images_as_a_gate_takes_seldom_cry_wolf() -> None:
    """At the least number of images the bootstrap of marks is wrong about as often as its level."""
    rng = np.random.default_rng(0)
    trials = 300
    bounds = [
        drop_interval(draw_marks(rng, MIN_JUDGED_IMAGES, 0.0), LEVEL, binary=False)
        for _ in range(trials)
    ]
    error = 2 * (LEVEL * (1 - LEVEL) / trials) ** 0.5
    assert np.mean([p <= LEVEL for _, _, p in bounds]) <= LEVEL + error
    rng = np.random.default_rng(1)
    passed = [
        drop_interval(draw_marks(rng, MIN_JUDGED_IMAGES, MARGIN), LEVEL, binary=False)[1] <= MARGIN
        for _ in range(trials)
    ]
    assert np.mean(passed) <= LEVEL + error


@pytest.mark.thorough
@pytest.mark.parametrize(
    "n", [100, *(pytest.param(n, marks=pytest.mark.slow) for n in (150, 200, 600))]
)
def test_a_rare_drop_of_the_margin_is_seldom_passed(n: int) -> None:
    """Where images only turn worse, and as many as the margin, few runs rule that out."""
    rng, trials = np.random.default_rng(n), 200
    highs = []
    for _ in range(trials):
        drop = (rng.random(n) < MARGIN).astype(float)
        highs.append(
            drop_interval(PairedDifferences(drop=drop, sizes=np.ones(n)), LEVEL, binary=True)[1]
        )
    error = 2 * (LEVEL * (1 - LEVEL) / trials) ** 0.5
    assert np.mean(np.array(highs) <= MARGIN) <= LEVEL + error
