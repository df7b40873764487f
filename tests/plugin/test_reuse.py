"""``--reuse RUN``: a new run asks exactly what changed, and says why."""

from pathlib import Path

import pytest
from PIL import Image

from fakebench_suite.runs.store import SCORES
from tests.helpers import read_run
from tests.plugin.sandbox import MODES, Run
from tests.plugin.test_resume import COUNTING, FAILING

REUSE = "--reuse=reports/run"


@pytest.fixture
def asked(run: Run, data: Path, project: Path) -> Path:
    """The file that lists what a second run asks; the first one is whole."""
    assert run(f"--data={data}", "--gates=none").ret == 0
    (project / "cases" / "conftest.py").write_text(COUNTING, encoding="utf-8")
    path = project / "asked"
    path.touch()
    return path


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_an_equal_run_asks_nothing(
    run: Run, data: Path, project: Path, asked: Path, mode: tuple[str, ...]
) -> None:
    """Its scores are equal, and every record says that its answer was taken over."""
    result = run(f"--data={data}", "--gates=none", "--run=second", REUSE, *mode)
    assert result.ret == 0
    assert not asked.read_text(encoding="utf-8")
    result.stdout.fnmatch_lines(["reused*48 answers of run"])
    second = read_run(project, "second")
    assert all(line["reused"] for line in second.records)
    assert second.manifest["reused"]["taken"] == 48
    runs = project / "reports"
    assert (runs / "second" / SCORES).read_bytes() == (runs / "run" / SCORES).read_bytes()


def test_other_pixels_are_asked(run: Run, data: Path, project: Path, asked: Path) -> None:
    """And nothing else."""
    (path,) = data.rglob("glide-00.png")
    Image.new("RGB", (24, 16), (1, 2, 3)).save(path)
    assert run(f"--data={data}", "--gates=none", "--run=second", REUSE).ret == 0
    names = asked.read_text(encoding="utf-8").split()
    assert len(names) == 5
    assert all(name.startswith("glide-00.png:") for name in names)
    assert read_run(project, "second").manifest["reused"]["asked"] == {"other pixels": 5}


def test_other_prompts_are_asked(run: Run, data: Path, project: Path, asked: Path) -> None:
    """Prompts that read the same in both styles are not."""
    assert run(f"--data={data}", "--gates=none", "--run=second", REUSE, "--prompts=clean").ret == 0
    second = read_run(project, "second")
    prompts = {line["case"]["id"]: line["prompt"] for line in read_run(project).records}
    changed = {
        line["case"]["id"]
        for line in second.records
        if line["prompt"] != prompts[line["case"]["id"]]
    }
    assert 0 < len(changed) < 48
    assert set(asked.read_text(encoding="utf-8").split()) == changed
    assert second.manifest["reused"]["asked"] == {"other prompt": len(changed)}


def test_errors_are_not_taken_over(run: Run, data: Path, project: Path) -> None:
    """They are asked again."""
    plugin = project / "cases" / "conftest.py"
    plugin.write_text(FAILING, encoding="utf-8")
    assert run(f"--data={data}", "--gates=none").ret == pytest.ExitCode.TESTS_FAILED
    plugin.write_text(COUNTING, encoding="utf-8")
    assert run(f"--data={data}", "--gates=none", "--run=second", REUSE).ret == 0
    assert len((project / "asked").read_text(encoding="utf-8").split()) == 8
    assert read_run(project, "second").manifest["reused"]["asked"] == {"error before": 8}


def test_answers_of_another_model_are_refused(run: Run, data: Path, project: Path) -> None:
    """In a sentence that says what differs, before anything is asked."""
    assert run(f"--data={data}", "--gates=none").ret == 0
    card = project / "scripted.toml"
    card.write_text(card.read_text(encoding="utf-8").replace('"yes"', '"no"'), encoding="utf-8")
    result = run(f"--data={data}", "--gates=none", "--run=second", REUSE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*No answer of *run can be taken over: it had another card script*"]
    )
    assert not (project / "reports" / "second").exists()


def test_answers_given_again_are_not_reused(run: Run, data: Path, asked: Path) -> None:
    """There is nothing to ask, and so nothing to take over."""
    result = run("--answers=reports/run", f"--data={data}", "--run=second", REUSE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*leave --reuse out*"])
    assert not asked.read_text(encoding="utf-8")
