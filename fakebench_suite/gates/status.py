"""What the rulings of a run amount to: its exit status."""

from collections.abc import Sequence

from fakebench_suite.types import Decision, Ruling

PASSED, FAILED, INCONCLUSIVE = 0, 1, 6
"""The first two as pytest has them; pytest's own statuses end at 5."""


def decide_status(decisions: Sequence[Decision]) -> int:
    """0 where all gates pass, 1 where any fails, 6 where none fails but some are inconclusive."""
    rulings = {one.ruling for one in decisions}
    if Ruling.FAIL in rulings:
        return FAILED
    return INCONCLUSIVE if Ruling.INCONCLUSIVE in rulings else PASSED
