"""Gating: the rules over a run, and the exit status they amount to."""

from collections.abc import Sequence
from typing import Any

import pytest

from fakebench_suite.plugin.options import SETTINGS
from fakebench_suite.report.store import read_manifest, read_records, read_scores
from fakebench_suite.types import Decision, Record, Ruling, Score

DECISIONS = pytest.StashKey[list[Decision]]()
INCONCLUSIVE = 6
"""Exit status where no gate fails and some settle nothing; pytest's own end at 5."""
_COLOURS = {Ruling.PASS: "green", Ruling.FAIL: "red", Ruling.INCONCLUSIVE: "yellow"}


def rule(
    config: pytest.Config,
    manifest: dict[str, Any],
    records: Sequence[Record],
    scores: Sequence[Score],
) -> list[Decision]:
    """Rule the run by its gates, against the baseline where one was given."""
    from fakebench_suite.gates.evidence import Evidence
    from fakebench_suite.gates.rulings import rule_run

    settings = config.stash[SETTINGS]
    run = Evidence(manifest=manifest, records=records, scores=scores)
    baseline = None
    if settings.baseline is not None:
        baseline = Evidence(
            manifest=read_manifest(settings.baseline),
            records=list(read_records(settings.baseline)),
            scores=read_scores(settings.baseline),
        )
    config.stash[DECISIONS] = rule_run(settings.gates, run, baseline)
    return config.stash[DECISIONS]


def decide_status(decisions: Sequence[Decision]) -> int:
    """0 where all gates pass, 1 where any fails, 6 where none fails but some are inconclusive."""
    rulings = {one.ruling for one in decisions}
    if Ruling.FAIL in rulings:
        return int(pytest.ExitCode.TESTS_FAILED)
    return INCONCLUSIVE if Ruling.INCONCLUSIVE in rulings else int(pytest.ExitCode.OK)


def show_decisions(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line a gate: its ruling, its name and the reason."""
    decisions = config.stash[DECISIONS]
    if not decisions:
        return
    terminalreporter.section("gates")
    width = max(len(one.ruling) for one in decisions)
    for one in decisions:
        terminalreporter.write(f"{one.ruling:<{width}}", **{_COLOURS[one.ruling]: True})
        terminalreporter.line(f"  {one.gate}: {one.reason}")
