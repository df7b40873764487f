"""What a failing model does to a run, and what a model gets to see."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from tests.helpers import read_run, use_model
from tests.plugin.sandbox import MODES, ROOT, Run, write_unloadable


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_model_error_is_an_error_and_never_an_answer(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Cases the model failed on are errors with status 1; their text never enters a score."""
    use_model(project, "FailingModel()")
    result = run(f"--data={data}", *mode)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    records = read_run(project).records
    failed = [line for line in records if line["verdict"]["outcome"] == "model_error"]
    assert {line["case"]["criterion"] for line in failed} == {"edge"}
    assert len(failed) == 8
    assert all(line["answer"] is None for line in failed)
    assert {line["verdict"]["reason"] for line in failed} == {"out of tape"}
    result.stdout.fnmatch_lines(["*model_error_rate*0.500*", "*8 errors*"])
    scores = read_run(project).scores
    rates = {s["metric"]: s for s in scores if s["task"] == "analysis" and s["subgroup"] == "all"}
    assert rates["model_error_rate"]["n"] == 16
    assert rates["unscored_rate"]["n"] == 8


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_hostile_replies_stay_replies(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Half characters, control codes, markup and a megabyte of text are recorded, not obeyed."""
    text = "[b]real[/b] \ud83d \x00 \x1b[31m \u2028 <script>x</script>"
    use_model(project, f"FakeModel(text={text!r} + 'a' * 1_000_000)")
    run(f"--data={data}", "-m", "detection", *mode)
    records = read_run(project).records
    assert len(records) == 16
    for line in records:
        assert "\ufffd \x00 \x1b[31m \u2028 <script>" in line["answer"]["text"]
        assert len(line["answer"]["text"]) > 1_000_000


def test_a_judge_that_breaks_is_a_judge_error(run: Run, data: Path, project: Path) -> None:
    """When judging fails the answer is kept, and counts as an error and not as wrong."""
    breaking = """
import pytest
from fakebench_suite.grading import verdict

@pytest.fixture(autouse=True)
def _broken(monkeypatch):
    monkeypatch.setattr(verdict, "judge", lambda *arguments, **named: 1 / 0)
"""
    (project / "cases" / "conftest.py").write_text(breaking, encoding="utf-8")
    assert run(f"--data={data}", "-m", "detection").ret == pytest.ExitCode.TESTS_FAILED
    records = read_run(project).records
    assert {line["verdict"]["outcome"] for line in records} == {"judge_error"}
    assert {line["verdict"]["reason"] for line in records} == {
        "ZeroDivisionError: division by zero"
    }
    assert all(line["answer"]["text"] for line in records)


def test_nothing_that_gives_the_label_away_reaches_the_model(
    run: Run, data: Path, project: Path
) -> None:
    """Neither prompt nor picture carries a name, a path, a generator or any metadata."""
    use_model(project, "SpyingModel()")
    assert run(f"--data={data}").ret == 0
    requests = [json.loads(line) for line in (project / "seen.jsonl").read_text().splitlines()]
    assert len(requests) == 48
    assert all(row["mode"] == "RGB" and row["info"] == [] and row["exif"] == 0 for row in requests)
    sent = json.dumps(requests)
    for secret in ("glide", "vqdm", "_images", ".png", str(data)):
        assert secret not in sent


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_checkpoint_that_does_not_load_stops_the_run_in_one_sentence(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """A checkpoint of no architecture interrupts the run at once: no traceback, no records."""
    write_unloadable(project / "broken")
    result = run(f"--data={data}", "--model=broken", *mode)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    output = result.stdout.str() + result.stderr.str()
    assert "'broken' cannot be loaded from" in output
    assert "Traceback" not in output
    assert not (project / "reports" / "run").exists()


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("model.safetensors", b"version https://git-lfs.github.com/spec/v1", "*git lfs pull*"),
        ("model.safetensors", None, "*holds no weights*"),
        ("chat_template.jinja", None, "*no chat template*template*image_token*"),
        ("adapter_config.json", b"{}", "*merge_and_unload*"),
    ],
    ids=["pointer", "no-weights", "no-template", "adapter"],
)
def test_files_of_a_checkpoint_are_checked_at_the_start(
    run: Run,
    data: Path,
    project: Path,
    mode: tuple[str, ...],
    name: str,
    content: bytes | None,
    sentence: str,
) -> None:
    """What the files alone show is a usage error, before any image is opened."""
    checkpoint = project / "broken"
    shutil.copytree(ROOT / "models" / "pocket", checkpoint)
    if content is None:
        (checkpoint / name).unlink()
    else:
        (checkpoint / name).write_bytes(content)
    result = run(f"--data={data}", "--model=./broken", *mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {sentence}"])
    assert not (project / "reports" / "run").exists()


def test_a_checkpoint_without_all_its_weights_stops_the_run(
    run: Run, data: Path, project: Path
) -> None:
    """No case is asked of weights drawn at random."""
    checkpoint = project / "renamed"
    shutil.copytree(ROOT / "models" / "pocket", checkpoint)
    tensors = load_file(checkpoint / "model.safetensors")
    renamed = {name.replace("vision_tower", "visual"): tensor for name, tensor in tensors.items()}
    save_file(renamed, checkpoint / "model.safetensors", metadata={"format": "pt"})
    result = run(f"--data={data}", "--model=./renamed")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*lacks * tensors that its architecture has (*vision_tower*"])
    assert not (project / "reports" / "run").exists()


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_replies_that_were_cut_off_are_counted_wherever_the_score_stands(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """In the manifest, the terminal and the summary; so are tensors that were left over."""
    use_model(project, "CutOffModel()")
    result = run(f"--data={data}", "-m", "detection", "--gates=none", *mode)
    folder = project / "reports" / "run"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    cut = sum("real" in record["prompt"] for record in read_run(project).records)
    assert manifest["cut_off"] == {"replies": cut, "of": 16}
    assert 0 < cut < 16
    sentences = [f"{cut} of 16 replies were cut off at ", "architecture does not use: 2; mtp.a"]
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    for sentence in sentences:
        assert sentence in result.stdout.str()
        assert sentence in summary
