"""The latency gate over benchmarks: rounds of ``--latency`` within a limit."""

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import ttest_1samp, ttest_ind

from fakebench_suite.gates.case_latency import hardware_key
from fakebench_suite.gates.inconclusive import inconclusive
from fakebench_suite.gates.rules import Latency
from fakebench_suite.gates.run_view import RunView
from fakebench_suite.text.display import count_of
from fakebench_suite.types import GateOutcome, GateResult, LatencyTiming

MIN_ROUNDS = 3
"""Fewest rounds for an estimate of their spread."""
CONFIDENCE = 0.9
"""Two-sided, so that each bound has a confidence of 95 %."""


def evaluate_benchmark_latency(gate: Latency, run: RunView, baseline: RunView | None) -> GateResult:
    """Pass if the upper confidence bound is within the limit, fail if the lower one is not.

    Seconds are compared by geometric means, because delays are multiplicative. The bounds are
    Student's over log seconds, Welch's for a ratio. They cover the spread between rounds, and not
    changes between sessions, for which the limit has to leave room.
    """
    new = find_timing(gate, run)
    old = None if baseline is None else find_timing(gate, baseline)
    limit, reference = (gate.at_most, old) if gate.seconds is None else (gate.seconds, None)
    assert limit is not None
    missing = _missing_timing(gate, new, old, baseline)
    if missing or new is None:
        return inconclusive(gate, missing)
    rounds = min(len(timing.seconds) for timing in (new, reference) if timing)
    if rounds < max(MIN_ROUNDS, gate.minimum):
        few = f"{count_of(rounds, 'round')} of {_name(gate)}"
        return inconclusive(gate, f"{few} are too few; raise --benchmark-min-rounds")
    value, low, high = confidence_bounds(
        new.seconds, None if reference is None else reference.seconds
    )
    unit = "seconds" if reference is None else "times the baseline"
    measured = (
        f"{_name(gate)} takes {value:.3g} [{low:.3g}, {high:.3g}] {unit} over {rounds} rounds"
    )
    measured = f"{measured[0].upper()}{measured[1:]}"
    result = GateResult(
        gate=gate.name, outcome=GateOutcome.PASS, reason=f"{measured}; allowed: at most {limit:g}.",
        value=value, low=low, high=high, n=rounds,
    )  # fmt: skip
    if reference is not None and reference.input_digest != new.input_digest:
        return inconclusive(gate, "the baseline was timed with other prompts", result)
    if (
        reference is not None
        and baseline
        and hardware_and_devices(run) != hardware_and_devices(baseline)
    ):
        return inconclusive(gate, "the baseline ran on other hardware", result)
    if high <= limit:
        return result
    if low > limit:
        return replace(
            result, outcome=GateOutcome.FAIL, reason=f"{measured}; allowed: at most {limit:g}."
        )
    return inconclusive(gate, f"{measured}; the interval contains the bound, {limit:g}", result)


def _missing_timing(
    gate: Latency, new: LatencyTiming | None, old: LatencyTiming | None, baseline: RunView | None
) -> str:
    """What the gate needs and does not have; an empty text if it has everything."""
    if new is None:
        return f"the run has no {_name(gate)}; add --latency, and select its tests"
    if gate.seconds is None and baseline is None:
        return "no --baseline was given"
    if gate.seconds is None and old is None:
        return f"the baseline has no {_name(gate)}; it needs --latency"
    return ""


def find_timing(gate: Latency, run: RunView) -> LatencyTiming | None:
    """The run's timing that the gate is about, or None."""
    wanted = (gate.benchmark, gate.state)
    return next((timing for timing in run.timings if (timing.name, timing.state) == wanted), None)


def confidence_bounds(
    new: Sequence[float], old: Sequence[float] | None
) -> tuple[float, float, float]:
    """Geometric mean, lower and upper bound of the seconds, or with ``old`` of their ratio to it.

    The bounds of equal rounds are their mean.
    """
    logs, before = np.log(new), np.zeros(1) if old is None else np.log(old)
    middle = logs.mean() - before.mean()
    with warnings.catch_warnings():
        # scipy warns about nearly equal rounds, whose spread is negligible.
        warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)
        test = ttest_1samp(logs, 0) if old is None else ttest_ind(logs, before, equal_var=False)
    low, high = test.confidence_interval(CONFIDENCE)
    return float(np.exp(middle)), float(np.exp(low)), float(np.exp(high))


def hardware_and_devices(run: RunView) -> tuple[object, set[str]]:
    """The machine, engine and nodes of a run, and the devices that answered."""
    return hardware_key(run), {info.device for info in run.manifest.inference}


def _name(gate: Latency) -> str:
    return f"{gate.benchmark}, {gate.state}"
