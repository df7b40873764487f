"""The latency gate over benchmarks: rounds against a bar, and against the baseline's rounds."""

import numpy as np
import pytest

from fakebench_suite.gates.benchmark_latency import confidence_bounds
from fakebench_suite.gates.evaluate import evaluate_gates
from fakebench_suite.gates.rules import Latency
from fakebench_suite.gates.run_view import RunView
from fakebench_suite.types import GateOutcome, GateResult, LatencyTiming
from tests.factories import make_manifest

RATIO = Latency(name="speed", benchmark="prompt", at_most=1.2)
SECONDS = Latency(name="speed", benchmark="prompt", seconds=0.6)


def make_view(*timings: LatencyTiming, machine: str = "m", device: str = "cpu") -> RunView:
    """A run without records on that machine."""
    manifest = make_manifest(hardware={"machine": machine}, inference=[{"device": device}])
    return RunView(manifest=manifest, records=(), timings=timings)


def time_prompts(
    median: float, *, rounds: int = 20, spread: float = 0.05, work: str = "w", seed: int = 0
) -> RunView:
    """A run whose warm prompts take about so many seconds."""
    noise = np.random.default_rng(seed).normal(0, spread, rounds)
    seconds = tuple(float(factor) for factor in median * np.exp(noise))
    timing = LatencyTiming(
        name="prompt", state="warm", seconds=seconds, prompts=1, tokens=9, input_digest=work
    )
    return make_view(timing)


def rule(gate: Latency, run: RunView, baseline: RunView | None = None) -> GateResult:
    """The decision, in a sentence."""
    (decision,) = evaluate_gates([gate], run, baseline)
    assert decision.reason.endswith(".")
    return decision


@pytest.mark.parametrize(
    ("median", "ruling"),
    [(0.5, GateOutcome.PASS), (0.6, GateOutcome.INCONCLUSIVE), (0.7, GateOutcome.FAIL)],
)
def test_rounds_are_held_against_a_bar_of_seconds(median: float, ruling: GateOutcome) -> None:
    """Wholly below passes, wholly above fails, across it settles nothing; no baseline is needed."""
    decision = rule(SECONDS, time_prompts(median))
    assert (decision.outcome, decision.n) == (ruling, 20)
    assert decision.value == pytest.approx(median, rel=0.05)
    assert "seconds over 20 rounds" in decision.reason


@pytest.mark.parametrize(
    ("median", "ruling"),
    [(0.52, GateOutcome.PASS), (0.6, GateOutcome.INCONCLUSIVE), (0.7, GateOutcome.FAIL)],
)
def test_rounds_are_held_against_the_baseline(median: float, ruling: GateOutcome) -> None:
    """The ratio of geometric means, by Welch's interval."""
    decision = rule(RATIO, time_prompts(median, seed=1), time_prompts(0.5))
    assert decision.outcome is ruling
    assert decision.value == pytest.approx(median / 0.5, rel=0.05)
    assert "times the baseline over 20 rounds" in decision.reason


def test_what_is_not_comparable_settles_nothing() -> None:
    """Missing timings, few rounds, other prompts, another machine and another GPU."""
    run = time_prompts(0.5)
    bare = make_view()
    other_machine = make_view(*run.timings, machine="n")
    other_device = make_view(*run.timings, device="NVIDIA H100")
    cold = Latency(name="speed", benchmark="prompt", state="cold", at_most=1.2)
    cases = [
        (RATIO, run, None, "No --baseline was given"),
        (RATIO, bare, run, "The run has no prompt, warm; add --latency"),
        (RATIO, run, bare, "The baseline has no prompt, warm"),
        (SECONDS, bare, None, "add --latency"),
        (cold, run, run, "The run has no prompt, cold"),
        (RATIO, time_prompts(0.5, rounds=2), run, "2 rounds of prompt, warm are too few"),
        (RATIO, run, time_prompts(0.5, rounds=2), "2 rounds of prompt, warm are too few"),
        (RATIO, run, time_prompts(0.5, work="other"), "with other prompts"),
        (RATIO, run, other_machine, "on other hardware"),
        (RATIO, run, other_device, "on other hardware"),
    ]
    for gate, run_view, baseline, message in cases:
        decision = rule(gate, run_view, baseline)
        assert (decision.outcome, message in decision.reason) == (GateOutcome.INCONCLUSIVE, True), (
            message
        )


def test_a_minimum_is_one_of_rounds() -> None:
    """As it is one of cases elsewhere."""
    gate = Latency(name="speed", benchmark="prompt", seconds=0.6, minimum=21)
    assert "raise --benchmark-min-rounds" in rule(gate, time_prompts(0.5)).reason


def test_equal_rounds_have_no_spread() -> None:
    """A clock of coarse ticks gives bounds that are the mean, and no warning."""
    assert confidence_bounds([0.5] * 4, None) == pytest.approx((0.5, 0.5, 0.5))
    assert confidence_bounds([1.0] * 4, [0.5] * 4) == pytest.approx((2.0, 2.0, 2.0))
    value, low, high = confidence_bounds([0.9, 1.0, 1.1], [0.5] * 4)
    assert low < value < high


@pytest.mark.thorough
def test_bounds_hold_what_they_promise() -> None:
    """Of 1,000 comparisons of equal models about 5 in 100 lie beyond either bound."""
    rng = np.random.default_rng(3)
    above = below = 0
    for _ in range(1_000):
        new, old = np.exp(rng.normal(0, 0.1, (2, 8)))
        _, low, high = confidence_bounds(list(new), list(old))
        above += low > 1
        below += high < 1
    assert 0.035 <= above / 1_000 <= 0.065
    assert 0.035 <= below / 1_000 <= 0.065


@pytest.mark.thorough
def test_bounds_hold_for_rounds_of_another_spread() -> None:
    """Few and uneven rounds of the baseline do not borrow certainty from many even ones."""
    rng = np.random.default_rng(4)
    misses = 0
    for _ in range(1_000):
        new, old = np.exp(rng.normal(0, 0.01, 30)), np.exp(rng.normal(0, 0.2, 4))
        _, low, high = confidence_bounds(list(new), list(old))
        misses += not low <= 1 <= high
    assert 0.07 <= misses / 1_000 <= 0.13
