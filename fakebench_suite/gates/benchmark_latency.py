"""The latency gate over benchmarks: rounds of ``--latency``, against a bar or the baseline's."""

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import ttest_1samp, ttest_ind

from fakebench_suite.gates.case_latency import find_machines
from fakebench_suite.gates.inconclusive import leave_open
from fakebench_suite.gates.rules import Latency
from fakebench_suite.gates.run_view import Evidence
from fakebench_suite.types import Decision, Ruling, Timing

FEWEST = 3
"""Rounds that say anything of their spread."""
CONFIDENCE = 0.9
"""Two-sided, so that either bound holds at 95 %."""


def rule_timing(gate: Latency, run: Evidence, baseline: Evidence | None) -> Decision:
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
        return leave_open(gate, missing)
    rounds = min(len(one.seconds) for one in (new, against) if one)
    if rounds < max(FEWEST, gate.minimum):
        why = f"{rounds} rounds of {_name(gate)} are too few; raise --benchmark-min-rounds"
        return leave_open(gate, why)
    value, low, high = bound(new.seconds, None if against is None else against.seconds)
    unit = "seconds" if against is None else "times the baseline"
    said = f"{_name(gate)} takes {value:.3g} [{low:.3g}, {high:.3g}] {unit} over {rounds} rounds"
    said = f"{said[0].upper()}{said[1:]}"
    found = Decision(
        gate=gate.name, ruling=Ruling.PASS, reason=f"{said}: at most {bar:g}.", value=value,
        low=low, high=high, n=rounds,
    )  # fmt: skip
    if against is not None and against.work != new.work:
        return leave_open(gate, "the baseline was timed on other prompts", found)
    if against is not None and baseline and list_hardware(run) != list_hardware(baseline):
        return leave_open(gate, "the baseline ran on other hardware", found)
    if high <= bar:
        return found
    if low > bar:
        return replace(found, ruling=Ruling.FAIL, reason=f"{said}; at most {bar:g} is allowed.")
    return leave_open(gate, f"{said}, across the bar of {bar:g}", found)


def _find_missing(
    gate: Latency, new: Timing | None, old: Timing | None, baseline: Evidence | None
) -> str:
    """What the gate would need and does not have; an empty text where it has all."""
    if new is None:
        return f"the run has no {_name(gate)}; add --latency, and select its tests"
    if gate.seconds is None and baseline is None:
        return "no --baseline was given"
    if gate.seconds is None and old is None:
        return f"the baseline has no {_name(gate)}; it needs --latency"
    return ""


def find_timing(gate: Latency, run: Evidence) -> Timing | None:
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


def list_hardware(run: Evidence) -> tuple[object, set[str]]:
    """The machines and the devices that answered."""
    routes = run.manifest.get("routes", [])
    return find_machines(run), {str(one.get("device")) for one in routes}


def _name(gate: Latency) -> str:
    return f"{gate.benchmark}, {gate.state}"
