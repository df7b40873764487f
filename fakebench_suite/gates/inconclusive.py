"""Reasons why a gate is inconclusive."""

from collections.abc import Sequence
from dataclasses import replace

from fakebench_suite.gates.rules import Errors, Gate, Latency, Threshold
from fakebench_suite.gates.run_view import RunView
from fakebench_suite.metrics.names import METRICS
from fakebench_suite.provenance import count_changed_pixels
from fakebench_suite.tasks.subgroups import ALL
from fakebench_suite.text.display import count_of
from fakebench_suite.types import GateOutcome, GateResult

_WHY_UNSCORED = (
    "as the server gives the probability of neither option; --reading=grammar reads replies instead"
)


def inconclusive(gate: Gate, reason: str, figures: GateResult | None = None) -> GateResult:
    """An inconclusive result with the given figures, if there are any."""
    result = figures or GateResult(gate=gate.name, outcome=GateOutcome.INCONCLUSIVE, reason="")
    return replace(
        result, outcome=GateOutcome.INCONCLUSIVE, reason=f"{reason[0].upper()}{reason[1:]}."
    )


def reason_inconclusive(
    gate: Gate, run: RunView, n: int, tasks: Sequence[str], subgroup: str = ALL
) -> str | None:
    """Why a gate over this population is inconclusive; None if it can be evaluated."""
    missing = run.missing_cases(tasks, subgroup, sample=gate.sample)
    if missing is not None:
        return missing.clause
    errors = 0 if isinstance(gate, Errors) else run.count_errors(tasks, subgroup)
    if errors:
        return f"{count_of(errors, 'case')} ended in an error"
    unscored = run.count_unscored(tasks, subgroup) if _needs_scores(gate) else 0
    if unscored:
        return f"{count_of(unscored, 'case')} could not be scored, {_WHY_UNSCORED}"
    if n < gate.minimum:
        be = "is" if n == 1 else "are"
        return f"there {be} {count_of(n, 'case')} and the gate asks for {gate.minimum:,}"
    return None


def _needs_scores(gate: Gate) -> bool:
    """Whether a gate is about scores that leave out cases that could not be scored.

    They could have passed or missed, as cases with errors could.
    """
    if isinstance(gate, Threshold):
        return METRICS[gate.metric].needs_scores
    return not isinstance(gate, Errors | Latency)


def baseline_mismatch(
    gate: Gate, run: RunView, baseline: RunView, *, tasks: Sequence[str]
) -> str | None:
    """Why a baseline is not comparable (partial, errors, other inputs); None if it is."""
    missing = baseline.missing_cases(tasks, sample=gate.sample, subject="baseline")
    if missing is not None:
        return missing.clause
    errors = baseline.count_errors(tasks)
    if errors:
        return f"{count_of(errors, 'case')} of the baseline ended in an error"
    unscored = baseline.count_unscored(tasks) if _needs_scores(gate) else 0
    if unscored:
        return f"{count_of(unscored, 'case')} of the baseline could not be scored, {_WHY_UNSCORED}"
    protocols = [side.manifest.protocol for side in (run, baseline)]
    if protocols[0] != protocols[1]:
        return (
            f"the baseline was made by protocol {protocols[1]} of the suite and this run by "
            f"protocol {protocols[0]}, whose scores can differ: make the baseline again"
        )
    if run.manifest.prompts.digest != baseline.manifest.prompts.digest:
        return "the baseline has different prompts"
    if run.manifest.judge.label != baseline.manifest.judge.label:
        return "the baseline used another reply parser"
    changed, known = count_changed_pixels(run.select(tasks), baseline.select(tasks))
    if changed:
        return f"the baseline has other pixels for {changed:,} of {known:,} images"
    return None
