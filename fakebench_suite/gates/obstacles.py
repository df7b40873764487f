"""What keeps a gate from ruling."""

from dataclasses import replace

from fakebench_suite.gates.evidence import Evidence
from fakebench_suite.gates.rules import Errors, Gate
from fakebench_suite.types import Decision, Ruling, Task


def leave_open(gate: Gate, why: str, decision: Decision | None = None) -> Decision:
    """Inconclusive, with the figures there are."""
    found = decision or Decision(gate=gate.name, ruling=Ruling.INCONCLUSIVE, reason="")
    return replace(found, ruling=Ruling.INCONCLUSIVE, reason=f"{why[0].upper()}{why[1:]}.")


def find_obstacle(gate: Gate, run: Evidence, n: int) -> str | None:
    """What keeps a gate from ruling on this population, if anything does."""
    whole = run.find_reservation(sample=gate.sample)
    if whole is not None:
        return whole
    errors = 0 if isinstance(gate, Errors) else run.count_errors(gate.task)
    if errors:
        return f"{errors} {'case' if errors == 1 else 'cases'} ended in an error"
    if n < gate.minimum:
        return f"there are {n:,} cases and the gate asks for {gate.minimum:,}"
    return None


def find_mismatch(run: Evidence, baseline: Evidence, *, task: Task | None) -> str | None:
    """Why a baseline cannot be held against the run: incomplete, in error, or asked otherwise."""
    errors = baseline.count_errors(task)
    if errors:
        return f"{errors} {'case' if errors == 1 else 'cases'} of the baseline ended in an error"
    for part, key, done in (("prompts", "digest", "worded"), ("judge", "label", "read")):
        one, two = (side.manifest.get(part, {}).get(key) for side in (run, baseline))
        if one != two:
            return f"the cases of the baseline were {done} otherwise"
    return None
