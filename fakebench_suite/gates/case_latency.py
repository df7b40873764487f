"""The latency gate over cases: seconds per case, compared with the baseline's by batch."""

from collections.abc import Sequence
from dataclasses import replace

from fakebench_suite.gates.inconclusive import baseline_mismatch, inconclusive, reason_inconclusive
from fakebench_suite.gates.paired_tests import MIN_IMAGES, bootstrap_drop, pair_by_image
from fakebench_suite.gates.rules import Latency
from fakebench_suite.gates.run_view import RunView
from fakebench_suite.runs.manifest import ManifestEngine
from fakebench_suite.text.display import count_of
from fakebench_suite.types import GateOutcome, GateResult

LEVEL = 0.05
"""One-sided level of the bounds of the ratio."""


def evaluate_case_latency(gate: Latency, run: RunView, baseline: RunView | None) -> GateResult:
    """Pass if the upper bound of the ratio is within ``at_most``, fail if the lower one is not."""
    assert gate.at_most is not None
    if baseline is None:
        return inconclusive(gate, "no --baseline was given")
    tasks = run.list_tasks(gate.task, sample=gate.sample)
    old, new = (
        {record.case.id: record.answer.seconds for record in side.select(tasks) if record.answer}
        for side in (baseline, run)
    )
    # Cases of one batch have equal shares of its seconds, and slow down together.
    batches = {name: repr(seconds) for name, seconds in new.items()}
    pairs = pair_by_image(old, new, batches)
    before = sum(old[name] for name in old.keys() & new.keys())
    if pairs.n == 0 or before <= 0:
        return inconclusive(gate, "the two runs have no timed case in common")
    if borrowed := _describe_borrowed(run, baseline, tasks):
        return inconclusive(gate, borrowed)
    if len(pairs.drop) < MIN_IMAGES:
        return inconclusive(gate, "all cases were answered in one batch")
    low, high = (0.0, 0.0) if not pairs.drop.any() else bootstrap_drop(pairs, LEVEL)[:2]
    # The upper bound of the drop of seconds gives the lower bound of their ratio.
    ratio, floor, ceiling = (1 - drop * pairs.n / before for drop in (pairs.mean, high, low))
    measured = f"the time per case is {ratio:.2f} [{floor:.2f}, {ceiling:.2f}] times the baseline's"
    result = GateResult(
        gate=gate.name,
        outcome=GateOutcome.PASS,
        reason=f"{measured[0].upper()}{measured[1:]}; allowed: at most {gate.at_most:g}.",
        value=ratio,
        low=floor,
        high=ceiling,
        n=pairs.n,
    )
    same = hardware_key(run) == hardware_key(baseline)
    reason = reason_inconclusive(gate, run, pairs.n, tasks)
    reason = reason or baseline_mismatch(gate, run, baseline, tasks=tasks)
    if reason or not same:
        return inconclusive(gate, reason or "the baseline ran on other machines", result)
    if ceiling <= gate.at_most:
        return result
    if floor > gate.at_most:
        failure = f"{measured[0].upper()}{measured[1:]}; allowed: at most {gate.at_most:g}."
        return replace(result, outcome=GateOutcome.FAIL, reason=failure)
    return inconclusive(
        gate, f"{measured}; the interval contains the bound, {gate.at_most:g}", result
    )


def _describe_borrowed(run: RunView, baseline: RunView, tasks: Sequence[str]) -> str | None:
    """Why the seconds of answers are not those of the two runs; None where they are."""
    for name, side in (("", run), (" of the baseline", baseline)):
        if borrowed := side.count_borrowed(tasks):
            be = "is" if borrowed == 1 else "are"
            answers = count_of(borrowed, "answer")
            return (
                f"{answers}{name} {be} of another run, and so are their seconds: ask all cases "
                "anew, without --reuse or --answers"
            )
    return None


def hardware_key(run: RunView) -> object:
    """What the seconds of a run depend on: its machine, its engine, and the nodes of a cluster."""
    engine = run.manifest.engine or ManifestEngine(name="local")
    parts = [
        (part.replica_engine, sorted(part.nodes or ())) for part in (engine, *(engine.mixed or ()))
    ]
    return run.manifest.hardware, engine.name, parts
