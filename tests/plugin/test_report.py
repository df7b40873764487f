"""A run ends with its HTML report."""

from pathlib import Path

import pytest

from tests.plugin.sandbox import EVERY_MODE, Run


@pytest.mark.parametrize("mode", EVERY_MODE, ids=" ".join)
def test_a_run_leaves_a_report(run: Run, project: Path, data: Path, mode: tuple[str, ...]) -> None:
    """Page and thumbnails are there, and the last lines say where."""
    result = run(*mode, f"--data={data}")
    folder = project / "reports" / "run"
    result.stdout.fnmatch_lines([f"report: {folder / 'index.html'}"])
    assert len(list((folder / "report" / "images").glob("*.png"))) == 16
    assert (folder / "report" / "texts-0.js").is_file()


def test_a_report_that_cannot_be_written_spoils_no_run(run: Run, project: Path, data: Path) -> None:
    """Scores and exit status stand, and one line says what went wrong."""
    conftest = project / "conftest.py"
    conftest.write_text(
        conftest.read_text(encoding="utf-8")
        + """

def pytest_runtest_logreport(report):
    from pathlib import Path

    for folder in Path("reports").glob("run"):
        (folder / "report").touch()
""",
        encoding="utf-8",
    )
    result = run("-n0", f"--data={data}")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*FakeBench scores*", "report: *cannot be written*"])
