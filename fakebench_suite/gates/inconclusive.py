"""What keeps a gate from ruling."""

from collections.abc import Sequence
from dataclasses import replace

from fakebench_suite.gates.rules import Errors, Gate
from fakebench_suite.gates.run_view import RunView
from fakebench_suite.provenance import count_changed_pixels
from fakebench_suite.tasks.subgroups import ALL
from fakebench_suite.text.display import count_of
from fakebench_suite.types import GateOutcome, GateResult, Task


def inconclusive(gate: Gate, why: str, decision: GateResult | None = None) -> GateResult:
    """Inconclusive, with the figures there are."""
    found = decision or GateResult(gate=gate.name, outcome=GateOutcome.INCONCLUSIVE, reason="")
    return replace(found, outcome=GateOutcome.INCONCLUSIVE, reason=f"{why[0].upper()}{why[1:]}.")


def reason_inconclusive(
    gate: Gate, run: RunView, n: int, tasks: Sequence[Task], subgroup: str = ALL
) -> str | None:
    """What keeps a gate from ruling on this population, if anything does."""
    gap = run.find_missing_cases(tasks, subgroup, sample=gate.sample)
    if gap is not None:
        return gap.clause
    errors = 0 if isinstance(gate, Errors) else run.count_errors(tasks, subgroup)
    if errors:
        return f"{count_of(errors, 'case')} ended in an error"
    if n < gate.minimum:
        be = "is" if n == 1 else "are"
        return f"there {be} {count_of(n, 'case')} and the gate asks for {gate.minimum:,}"
    return None


def baseline_mismatch(
    gate: Gate, run: RunView, baseline: RunView, *, tasks: Sequence[Task]
) -> str | None:
    """Why a baseline cannot be compared with: partial, in error, or asked or read otherwise."""
    gap = baseline.find_missing_cases(tasks, sample=gate.sample, subject="baseline")
    if gap is not None:
        return gap.clause
    errors = baseline.count_errors(tasks)
    if errors:
        return f"{count_of(errors, 'case')} of the baseline ended in an error"
    protocols = [side.manifest.get("protocol", 1) for side in (run, baseline)]
    if protocols[0] != protocols[1]:
        return (
            f"the baseline was made by protocol {protocols[1]} of the suite and this run by "
            f"protocol {protocols[0]}, whose scores can differ: make the baseline again"
        )
    for part, key, done in (("prompts", "digest", "worded"), ("judge", "label", "read")):
        one, two = (side.manifest.get(part, {}).get(key) for side in (run, baseline))
        if one != two:
            return f"the cases of the baseline were {done} otherwise"
    changed, known = count_changed_pixels(run.select(tasks), baseline.select(tasks))
    if changed:
        return f"the baseline showed other pixels under {changed:,} of {known:,} image names"
    return None
