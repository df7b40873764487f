"""``--benchmark-compare-fail``: slower sessions fail, the first one does not, all in sentences."""

import json
from pathlib import Path

import pytest

from tests.helpers import read_run
from tests.plugin.sandbox import FLOOR, LATENCY, MODES, QUICK, SLOW, Run

WARM = (LATENCY, "-k", "prompt and warm", *QUICK)
COMPARE = ("--benchmark-compare", "--benchmark-compare-fail=median:300%")


def read_output(result: pytest.RunResult) -> str:
    """All that was printed; there is never a traceback in it."""
    output = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in output
    return output


def test_a_slower_candidate_fails_the_comparison(run: Run, data: Path, project: Path) -> None:
    """``--benchmark-compare-fail`` against a stored session: status 1, and no traceback."""
    (project / "slow.toml").write_text(SLOW, encoding="utf-8")
    stored = run(f"--data={data}", *WARM, "--benchmark-autosave")
    assert stored.ret == 0
    result = run(f"--data={data}", *WARM, "--model=slow.toml", *COMPARE)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "Performance has regressed" in read_output(result)
    (saved,) = (project / ".benchmarks").rglob("*.json")
    (entry,) = json.loads(saved.read_text(encoding="utf-8"))["benchmarks"]
    assert entry["extra_info"]["model"] == "scripted"
    assert entry["extra_info"]["tokens_per_second"] > 0


def test_the_first_session_has_nothing_to_be_compared_with(run: Run, data: Path) -> None:
    """It is stored, says so, and ends as it would have without comparing; the next is compared."""
    first = run(f"--data={data}", *WARM, *COMPARE, "--benchmark-save=one")
    assert first.ret == 0
    output = read_output(first)
    assert output.count("Nothing was compared: no session was stored under") == 1
    assert "This one is stored now" in output
    second = run(f"--data={data}", *WARM, *COMPARE, "--benchmark-save=two")
    assert second.ret == 0
    assert "Nothing was compared" not in read_output(second)


def test_a_first_session_that_is_not_stored_says_how_to(run: Run, data: Path) -> None:
    """Else no later one would have anything to be compared with either."""
    result = run(f"--data={data}", *WARM, *COMPARE)
    assert result.ret == 0
    assert "Add --benchmark-autosave" in read_output(result)


@pytest.mark.parametrize(("bar", "status"), [(0.1, 0), (1.0, 1)])
def test_the_first_session_keeps_the_status_of_the_gates(
    run: Run, data: Path, project: Path, bar: float, status: int
) -> None:
    """Beside the cases it is the gates that decide."""
    (project / "gates.toml").write_text(FLOOR.format(bar=bar), encoding="utf-8")
    options = ("--latency", *QUICK)
    result = run(f"--data={data}", *options, *COMPARE, "--benchmark-autosave")
    assert result.ret == status
    assert "Nothing was compared" in read_output(result)
    assert len(read_run(project).rulings) == 1


def test_a_stored_session_of_other_data_is_no_comparison(run: Run, data: Path) -> None:
    """Benchmarks are named after their data, and none of these is stored."""
    run(f"--data={data}", *WARM, "--benchmark-autosave")
    other_data = data.rename(data.with_name("other"))
    result = run(f"--data={other_data}", *WARM, *COMPARE)
    assert result.ret == 0
    assert "the stored session measured none of this" in read_output(result)


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (COMPARE[1:], "ERROR: --benchmark-compare-fail *Add --benchmark-compare,*"),
        (
            ("--benchmark-compare=0007", *COMPARE[1:]),
            "ERROR: --benchmark-compare=0007 is no session stored under *.benchmarks*",
        ),
    ],
    ids=["nothing", "another"],
)
def test_a_comparison_that_cannot_be_made_is_refused(
    run: Run, data: Path, mode: tuple[str, ...], options: tuple[str, ...], message: str
) -> None:
    """Before anything is asked."""
    result = run(f"--data={data}", *options, *mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
