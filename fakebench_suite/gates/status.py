"""What the rulings of a run amount to: one conclusion, and its exit status."""

from collections.abc import Sequence
from dataclasses import dataclass

from fakebench_suite.text.display import count_of
from fakebench_suite.types import GateOutcome, GateResult

PASSED, FAILED, INCONCLUSIVE = 0, 1, 6
"""The first two as pytest has them; pytest's own statuses end at 5."""
_ORDER = (GateOutcome.FAIL, GateOutcome.INCONCLUSIVE, GateOutcome.PASS, GateOutcome.NOT_EVALUATED)
"""The worst first."""
_VERBS = {
    GateOutcome.FAIL: ("fails", "fail"),
    GateOutcome.INCONCLUSIVE: ("is inconclusive", "are inconclusive"),
    GateOutcome.PASS: ("passes", "pass"),
    GateOutcome.NOT_EVALUATED: ("is not evaluated", "are not evaluated"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What the rulings of a run amount to, and why, without a full stop."""

    outcome: GateOutcome
    reason: str
    gates: int = 0
    evaluated: int = 0
    """Gates that came to a ruling, of all."""


def decide_status(decisions: Sequence[GateResult]) -> int:
    """0 where no gate objects, 1 where any fails, 6 where none fails but some are inconclusive."""
    rulings = {one.outcome for one in decisions}
    if GateOutcome.FAIL in rulings:
        return FAILED
    return INCONCLUSIVE if GateOutcome.INCONCLUSIVE in rulings else PASSED


def conclude(decisions: Sequence[GateResult], *, absent: str = "") -> Conclusion:
    """The worst of the rulings, and how many gates ruled how; ``absent`` says why there are none.

    Where no gate ruled, the reason is why.
    """
    ruling = next(
        (one for one in _ORDER if any(decision.outcome is one for decision in decisions)),
        GateOutcome.NOT_EVALUATED,
    )
    if ruling is GateOutcome.NOT_EVALUATED:
        whys = dict.fromkeys(decision.reason.rstrip(".") for decision in decisions)
        reason = "; ".join(whys) or absent or "there are no gates"
        reason = f"{reason[0].lower()}{reason[1:]}"
        return Conclusion(outcome=ruling, reason=reason, gates=len(decisions))
    total, parts = len(decisions), []
    for kind in _ORDER:
        count = sum(decision.outcome is kind for decision in decisions)
        if count:
            parts.append(f"{count} {_VERBS[kind][count > 1]}")
    ruled = sum(decision.outcome is not GateOutcome.NOT_EVALUATED for decision in decisions)
    reason = f"of {count_of(total, 'gate')} {', '.join(parts)}"
    return Conclusion(outcome=ruling, reason=reason, gates=total, evaluated=ruled)
