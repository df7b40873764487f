"""The latency gate over benchmarks: rounds of ``--latency``, against a bar or the baseline's."""

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
from fakebench_suite.types import GateOutcome, GateResult, Timing

FEWEST = 3
"""Rounds that say anything of their spread."""
CONFIDENCE = 0.9
"""Two-sided, so that either bound holds at 95 %."""


def evaluate_benchmark_latency(gate: Latency, run: RunView, baseline: RunView | None) -> GateResult:
    """Pass where the upper bound keeps the bar, fail where the lower one does not.

    Seconds are compared by their geometric means: rounds are late by factors, not by summands. The
    bounds are Student's over log seconds, Welch's for a ratio; they know of the spread between
    rounds and of nothing that changes between sessions, which the bar has to leave room for.
    """
    new = find_timing(gate, run)
    old = None if baseline is None else find_timing(gate, baseline)
    bar, against = (gate.at_most, old) if gate.seconds is None else (gate.seconds, None)
    assert bar is not None
    missing = _find_missing(gate, new, old, baseline)
    if missing or new is None:
        return inconclusive(gate, missing)
    rounds = min(len(one.seconds) for one in (new, against) if one)
    if rounds < max(FEWEST, gate.minimum):
        few = f"{count_of(rounds, 'round')} of {_name(gate)}"
        return inconclusive(gate, f"{few} are too few; raise --benchmark-min-rounds")
    value, low, high = bound(new.seconds, None if against is None else against.seconds)
    unit = "seconds" if against is None else "times the baseline"
    said = f"{_name(gate)} takes {value:.3g} [{low:.3g}, {high:.3g}] {unit} over {rounds} rounds"
    said = f"{said[0].upper()}{said[1:]}"
    found = GateResult(
        gate=gate.name, outcome=GateOutcome.PASS, reason=f"{said}: at most {bar:g}.", value=value,
        low=low, high=high, n=rounds,
    )  # fmt: skip
    if against is not None and against.input_digest != new.input_digest:
        return inconclusive(gate, "the baseline was timed on other prompts", found)
    if against is not None and baseline and list_hardware(run) != list_hardware(baseline):
        return inconclusive(gate, "the baseline ran on other hardware", found)
    if high <= bar:
        return found
    if low > bar:
        return replace(
            found, outcome=GateOutcome.FAIL, reason=f"{said}; at most {bar:g} is allowed."
        )
    return inconclusive(gate, f"{said}, across the bar of {bar:g}", found)


def _find_missing(
    gate: Latency, new: Timing | None, old: Timing | None, baseline: RunView | None
) -> str:
    """What the gate would need and does not have; an empty text where it has all."""
    if new is None:
        return f"the run has no {_name(gate)}; add --latency, and select its tests"
    if gate.seconds is None and baseline is None:
        return "no --baseline was given"
    if gate.seconds is None and old is None:
        return f"the baseline has no {_name(gate)}; it needs --latency"
    return ""


def find_timing(gate: Latency, run: RunView) -> Timing | None:
    """What the gate is about, if the run has it."""
    wanted = (gate.benchmark, gate.state)
    return next((one for one in run.timings if (one.name, one.state) == wanted), None)


def bound(new: Sequence[float], old: Sequence[float] | None) -> tuple[float, float, float]:
    """Mean seconds of rounds, or with ``old`` their ratio to it, with a lower and an upper bound.

    Equal rounds have no spread, and so bounds equal to their mean.
    """
    logs, before = np.log(new), np.zeros(1) if old is None else np.log(old)
    middle = logs.mean() - before.mean()
    with warnings.catch_warnings():
        # Of rounds that are nearly equal: their spread is as good as none.
        warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)
        test = ttest_1samp(logs, 0) if old is None else ttest_ind(logs, before, equal_var=False)
    low, high = test.confidence_interval(CONFIDENCE)
    return float(np.exp(middle)), float(np.exp(low)), float(np.exp(high))


def list_hardware(run: RunView) -> tuple[object, set[str]]:
    """The machines and the devices that answered."""
    routes = run.manifest.get("routes", [])
    return hardware_key(run), {str(one.get("device")) for one in routes}


def _name(gate: Latency) -> str:
    return f"{gate.benchmark}, {gate.state}"
