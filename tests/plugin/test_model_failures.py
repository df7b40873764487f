"""What a failing model does to a run, and what a model gets to see."""

import json
import shutil
from pathlib import Path

import pytest

from tests.plugin.sandbox import MODES, ROOT, Run, read_records

FAILING_MODEL = """
import pytest
from fakebench_suite.errors import ModelError
from fakebench_suite.types import Answer

class Failing:
    def answer(self, prompts, images):
        return [
            ModelError("out of tape") if "edge" in prompt.text
            else Answer(text="fake", tokens=1, seconds=0.1, batch_size=len(prompts))
            for prompt in prompts
        ]

@pytest.fixture(scope="session")
def model():
    return Failing()
"""

SPYING_MODEL = """
import json
from pathlib import Path
import pytest
from fakebench_suite.types import Answer

class Spy:
    def answer(self, prompts, images):
        seen = [
            {"text": prompt.text, "mode": images[prompt.image].mode,
             "info": sorted(map(str, images[prompt.image].info)),
             "exif": len(images[prompt.image].getexif()),
             "attributes": [str(value) for value in vars(images[prompt.image]).values()]}
            for prompt in prompts
        ]
        with Path("seen.jsonl").open("a") as stream:
            stream.writelines(json.dumps(row) + "\\n" for row in seen)
        return [Answer(text="real", tokens=1, seconds=0.1, batch_size=1) for _ in prompts]

@pytest.fixture(scope="session")
def model():
    return Spy()
"""


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_model_error_is_an_error_and_never_an_answer(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Cases the model failed on are errors with status 1; their text never enters a score."""
    (project / "cases" / "conftest.py").write_text(FAILING_MODEL, encoding="utf-8")
    result = run(f"--data={data}", *mode)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    records = read_records(project)
    failed = [line for line in records if line["verdict"]["outcome"] == "model_error"]
    assert {line["case"]["criterion"] for line in failed} == {"edge"}
    assert len(failed) == 8
    assert all(line["answer"] is None for line in failed)
    assert {line["verdict"]["why"] for line in failed} == {"out of tape"}
    result.stdout.fnmatch_lines(["*model_error_rate*0.500*", "*8 errors*"])
    scores = json.loads((project / "reports/run/scores.json").read_text(encoding="utf-8"))
    rates = {s["metric"]: s for s in scores if s["task"] == "analysis" and s["slice"] == "all"}
    assert rates["model_error_rate"]["n"] == 16
    assert rates["unscored_rate"]["n"] == 8


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_hostile_replies_stay_replies(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Half characters, control codes, markup and a megabyte of text are recorded, not obeyed."""
    hostile = r"""[b]real[/b] \ud83d \x00 \x1b[31m \u2028 <script>x</script>"""
    source = FAILING_MODEL.replace('text="fake"', f'text="{hostile}" + "a" * 1_000_000')
    (project / "cases" / "conftest.py").write_text(source, encoding="utf-8")
    run(f"--data={data}", "-m", "detection", *mode)
    records = read_records(project)
    assert len(records) == 16
    for line in records:
        assert "\ufffd \x00 \x1b[31m \u2028 <script>" in line["answer"]["text"]
        assert len(line["answer"]["text"]) > 1_000_000


def test_a_judge_that_breaks_is_a_judge_error(run: Run, data: Path, project: Path) -> None:
    """When judging fails the answer is kept, and counts as an error and not as wrong."""
    breaking = """
import pytest
from fakebench_suite.judges import verdict

@pytest.fixture(autouse=True)
def _broken(monkeypatch):
    monkeypatch.setattr(verdict, "judge", lambda case, answer: 1 / 0)
"""
    (project / "cases" / "conftest.py").write_text(breaking, encoding="utf-8")
    assert run(f"--data={data}", "-m", "detection").ret == pytest.ExitCode.TESTS_FAILED
    records = read_records(project)
    assert {line["verdict"]["outcome"] for line in records} == {"judge_error"}
    assert all(line["answer"]["text"] for line in records)


def test_nothing_that_gives_the_label_away_reaches_the_model(
    run: Run, data: Path, project: Path
) -> None:
    """Neither prompt nor picture carries a name, a path, a generator or any metadata."""
    (project / "cases" / "conftest.py").write_text(SPYING_MODEL, encoding="utf-8")
    assert run(f"--data={data}").ret == 0
    seen = [json.loads(line) for line in (project / "seen.jsonl").read_text().splitlines()]
    assert len(seen) == 48
    assert all(row["mode"] == "RGB" and row["info"] == [] and row["exif"] == 0 for row in seen)
    told = json.dumps(seen)
    for secret in ("glide", "vqdm", "_images", ".png", str(data)):
        assert secret not in told


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_checkpoint_that_does_not_load_stops_the_run_in_one_sentence(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """A corrupt checkpoint interrupts the run at once: no traceback and no records."""
    checkpoint = project / "broken"
    checkpoint.mkdir()
    shutil.copytree(ROOT / "models" / "pocket", checkpoint, dirs_exist_ok=True)
    (checkpoint / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    result = run(f"--data={data}", "--model=broken", *mode)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    output = result.stdout.str() + result.stderr.str()
    assert "'broken' cannot be loaded from" in output
    assert "Traceback" not in output
    assert not (project / "reports" / "run").exists()
