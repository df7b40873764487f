"""The outcome of all gates of a run together, and its exit status."""

from collections.abc import Sequence
from dataclasses import dataclass

from fakebench_suite.text.display import count_of
from fakebench_suite.types import GateOutcome, GateResult

PASSED, FAILED, INCONCLUSIVE = 0, 1, 6
"""Exit statuses: the first two are pytest's; pytest's own end at 5."""
_ORDER = (GateOutcome.FAIL, GateOutcome.INCONCLUSIVE, GateOutcome.PASS, GateOutcome.NOT_EVALUATED)
"""Outcomes, the worst first."""
_VERBS = {
    GateOutcome.FAIL: ("fails", "fail"),
    GateOutcome.INCONCLUSIVE: ("is inconclusive", "are inconclusive"),
    GateOutcome.PASS: ("passes", "pass"),
    GateOutcome.NOT_EVALUATED: ("is not evaluated", "are not evaluated"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """The outcome of a run and its reason, without a full stop."""

    outcome: GateOutcome
    reason: str
    gates: int = 0
    evaluated: int = 0
    """Gates that were evaluated."""


def gates_exit_status(results: Sequence[GateResult]) -> int:
    """1 if any gate fails, else 6 if any is inconclusive, else 0."""
    outcomes = {result.outcome for result in results}
    if GateOutcome.FAIL in outcomes:
        return FAILED
    return INCONCLUSIVE if GateOutcome.INCONCLUSIVE in outcomes else PASSED


def conclude(results: Sequence[GateResult], *, absent: str = "") -> Conclusion:
    """The worst outcome, and how many gates have which outcome.

    If no gate was evaluated, the reason says why; ``absent`` is the reason if there are no gates.
    """
    outcome = next(
        (
            candidate
            for candidate in _ORDER
            if any(result.outcome is candidate for result in results)
        ),
        GateOutcome.NOT_EVALUATED,
    )
    if outcome is GateOutcome.NOT_EVALUATED:
        reasons = dict.fromkeys(result.reason.rstrip(".") for result in results)
        reason = "; ".join(reasons) or absent or "there are no gates"
        reason = f"{reason[0].lower()}{reason[1:]}"
        return Conclusion(outcome=outcome, reason=reason, gates=len(results))
    total = len(results)
    parts: list[str] = []
    for kind in _ORDER:
        count = sum(result.outcome is kind for result in results)
        if count:
            subject = str(count) if parts else f"{count} of {count_of(total, 'gate')}"
            parts.append(f"{subject} {_VERBS[kind][count > 1]}")
    evaluated = sum(result.outcome is not GateOutcome.NOT_EVALUATED for result in results)
    return Conclusion(outcome=outcome, reason=", ".join(parts), gates=total, evaluated=evaluated)
