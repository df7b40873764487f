"""The latency gate: seconds per case against the baseline's, resampled by batch."""

from dataclasses import replace

from fakebench_suite.gates.inconclusive import baseline_mismatch, inconclusive, reason_inconclusive
from fakebench_suite.gates.paired_tests import FEWEST, bootstrap_drop, pair_by_image
from fakebench_suite.gates.rules import Latency
from fakebench_suite.gates.run_view import RunView
from fakebench_suite.types import GateOutcome, GateResult

LEVEL = 0.05
"""Of the bounds on a ratio, one-sided."""


def evaluate_case_latency(gate: Latency, run: RunView, baseline: RunView | None) -> GateResult:
    """Pass where the ratio's upper bound keeps the bar, fail where its lower one does not."""
    assert gate.at_most is not None
    if baseline is None:
        return inconclusive(gate, "no --baseline was given")
    tasks = run.list_tasks(gate.task, sample=gate.sample)
    old, new = (
        {one.case.id: one.answer.seconds for one in side.select(tasks) if one.answer}
        for side in (baseline, run)
    )
    # Cases of one batch have equal shares of its seconds, and slow down together.
    batches = {name: repr(seconds) for name, seconds in new.items()}
    pairs = pair_by_image(old, new, batches)
    before = sum(old[name] for name in old.keys() & new.keys())
    if pairs.n == 0 or before <= 0:
        return inconclusive(gate, "the two runs share no timed case")
    if len(pairs.drop) < FEWEST:
        return inconclusive(gate, "all cases were answered in one batch")
    low, high = (0.0, 0.0) if not pairs.drop.any() else bootstrap_drop(pairs, LEVEL)[:2]
    # A drop of seconds is a gain of speed: the ratio's bounds are the drop's, turned round.
    ratio, floor, ceiling = (1 - one * pairs.n / before for one in (pairs.mean, high, low))
    said = f"a case takes {ratio:.2f} [{floor:.2f}, {ceiling:.2f}] times the baseline's seconds"
    found = GateResult(
        gate=gate.name,
        outcome=GateOutcome.PASS,
        reason=f"{said[0].upper()}{said[1:]}: at most {gate.at_most:g}.",
        value=ratio,
        low=floor,
        high=ceiling,
        n=pairs.n,
    )
    same = hardware_key(run) == hardware_key(baseline)
    obstacle = reason_inconclusive(gate, run, pairs.n, tasks)
    obstacle = obstacle or baseline_mismatch(gate, run, baseline, tasks=tasks)
    if obstacle or not same:
        return inconclusive(gate, obstacle or "the baseline ran on other machines", found)
    if ceiling <= gate.at_most:
        return found
    if floor > gate.at_most:
        why = f"{said[0].upper()}{said[1:]}; at most {gate.at_most:g} is allowed."
        return replace(found, outcome=GateOutcome.FAIL, reason=why)
    return inconclusive(gate, f"{said}, across the bar of {gate.at_most:g}", found)


def hardware_key(run: RunView) -> object:
    """What the seconds of a run depend on: its machine, its engine, and a cluster's nodes."""
    engine = run.manifest.get("engine", {})
    nodes = [sorted(one.get("nodes", ())) for one in (engine, *engine.get("mixed", ()))]
    return run.manifest.get("hardware"), engine.get("name", "local"), nodes
