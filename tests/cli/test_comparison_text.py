"""What ``fakebench merge`` prints of the merged run."""

from pathlib import Path

import pytest

from fakebench_suite.cli.comparison_text import format_merged_run
from fakebench_suite.cli.errors import shows_colour
from fakebench_suite.gates.status import conclude
from fakebench_suite.metrics.scores import score_records
from fakebench_suite.report.headline import make_result
from fakebench_suite.report.robustness import ROBUSTNESS_NOTE
from fakebench_suite.types import Outcome
from fakebench_suite.workflows.finalize import FinalizedRun
from tests.factories import make_manifest, make_perturbed


def test_a_merged_run_shows_its_robustness() -> None:
    """As the run in one piece does, with what limits it."""
    records = [
        make_perturbed(f"{number}.png", perturbation, outcome)
        for number in range(6)
        for perturbation, outcome in (
            ("original", Outcome.CORRECT),
            ("jpeg:70", Outcome.INCORRECT),
        )
    ]
    scores, manifest = score_records(records), make_manifest()
    result = make_result(manifest, conclude(()), scores)
    run = FinalizedRun(
        folder=Path("run"), manifest=manifest, scores=scores, result=result, decisions=(),
        shifts=(), timings=(), report="run/index.html",
    )  # fmt: skip
    text = "\n".join(format_merged_run(run, colour=False))
    assert ROBUSTNESS_NOTE in text
    assert any(line.startswith("jpeg ") for line in text.splitlines())


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({}, False),
    ],
)
def test_no_color_is_obeyed(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: bool
) -> None:
    """Colours need a terminal, and NO_COLOR takes them from it."""
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm"} | variables).items():
        monkeypatch.setenv(name, value)
    assert shows_colour() is expected
