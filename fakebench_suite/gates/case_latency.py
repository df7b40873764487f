"""The latency gate: seconds per case against the baseline's, resampled by batch."""

from dataclasses import replace

from fakebench_suite.gates.inconclusive import find_mismatch, find_obstacle, leave_open
from fakebench_suite.gates.paired_tests import FEWEST, pair, resample_drop
from fakebench_suite.gates.rules import Latency
from fakebench_suite.gates.run_view import Evidence
from fakebench_suite.types import Decision, Ruling

LEVEL = 0.05
"""Of the bounds on a ratio, one-sided."""


def rule_latency(gate: Latency, run: Evidence, baseline: Evidence | None) -> Decision:
    """Pass where the ratio's upper bound keeps the bar, fail where its lower one does not."""
    assert gate.at_most is not None
    if baseline is None:
        return leave_open(gate, "no --baseline was given")
    tasks = run.list_tasks(gate.task, sample=gate.sample)
    old, new = (
        {one.case.id: one.answer.seconds for one in side.select(tasks) if one.answer}
        for side in (baseline, run)
    )
    # Cases of one batch have equal shares of its seconds, and slow down together.
    batches = {name: repr(seconds) for name, seconds in new.items()}
    pairs = pair(old, new, batches)
    before = sum(old[name] for name in old.keys() & new.keys())
    if pairs.n == 0 or before <= 0:
        return leave_open(gate, "the two runs share no timed case")
    if len(pairs.drop) < FEWEST:
        return leave_open(gate, "all cases were answered in one batch")
    low, high = (0.0, 0.0) if not pairs.drop.any() else resample_drop(pairs, LEVEL)[:2]
    # A drop of seconds is a gain of speed: the ratio's bounds are the drop's, turned round.
    ratio, floor, ceiling = (1 - one * pairs.n / before for one in (pairs.mean, high, low))
    said = f"a case takes {ratio:.2f} [{floor:.2f}, {ceiling:.2f}] times the baseline's seconds"
    found = Decision(
        gate=gate.name,
        ruling=Ruling.PASS,
        reason=f"{said[0].upper()}{said[1:]}: at most {gate.at_most:g}.",
        value=ratio,
        low=floor,
        high=ceiling,
        n=pairs.n,
    )
    same = find_machines(run) == find_machines(baseline)
    obstacle = find_obstacle(gate, run, pairs.n, tasks)
    obstacle = obstacle or find_mismatch(gate, run, baseline, tasks=tasks)
    if obstacle or not same:
        return leave_open(gate, obstacle or "the baseline ran on other machines", found)
    if ceiling <= gate.at_most:
        return found
    if floor > gate.at_most:
        why = f"{said[0].upper()}{said[1:]}; at most {gate.at_most:g} is allowed."
        return replace(found, ruling=Ruling.FAIL, reason=why)
    return leave_open(gate, f"{said}, across the bar of {gate.at_most:g}", found)


def find_machines(run: Evidence) -> object:
    """What the seconds of a run depend on: its machine, its engine, and a cluster's nodes."""
    engine = run.manifest.get("engine", {})
    nodes = [sorted(one.get("nodes", ())) for one in (engine, *engine.get("mixed", ()))]
    return run.manifest.get("hardware"), engine.get("name", "local"), nodes
