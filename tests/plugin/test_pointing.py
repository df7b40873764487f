"""Boxes are asked for on request, read by the card, and recorded in pixels."""

from pathlib import Path

import pytest

from tests.helpers import read_run
from tests.plugin.sandbox import Run


@pytest.fixture
def pointer(project: Path) -> Path:
    """A scripted model that gives the same box of every image, on a scale of its own."""
    card = project / "scripted.toml"
    script = card.read_text(encoding="utf-8")
    lines = 'point = ["[[250, 250, 750, 750]]"]\n[prompt]\nbox_scale = "thousand"\n'
    card.write_text(f"{script.rstrip()}\n{lines}", encoding="utf-8")
    return card


@pytest.mark.usefixtures("pointer")
@pytest.mark.parametrize("mode", ["-n0", "-n2"])
def test_boxes_are_asked_for_and_recorded(project: Path, run: Run, mode: str) -> None:
    """In one process and in two: the prompt says how, and the verdict has pixels."""
    run("--data=probes-grounded", "--tasks=pointing", "--sample=6", "--gates=none", mode)
    result = read_run(project)
    assert {record["case"]["task"] for record in result.records} == {"pointing"}
    assert len(result.records) >= 6
    for record in result.records:
        assert "scale from 0 to 1000" in record["prompt"]
        assert record["verdict"]["boxes"] == [[32, 32, 96, 96]]
    scores = {score["metric"]: score["value"] for score in result.scores}
    assert scores["false_box_rate"] == 1
    assert 0 < scores["mean_iou"] < 1
    assert list(result.manifest["tasks"]) == ["pointing"]


@pytest.mark.usefixtures("pointer")
def test_boxes_are_not_asked_for_unasked(project: Path, run: Run) -> None:
    """A run without --tasks leaves them out, and is partial for its sample alone."""
    run("--data=probes-grounded", "--sample=6", "--gates=none")
    result = read_run(project)
    assert {record["case"]["task"] for record in result.records} == {"reasoning", "analysis"}
    assert result.manifest["partial"] == ["sampled"]
    named = ("--data=probes-grounded", "--gates=none")
    run(*named, "--tasks=reasoning,pointing", "--sample=2", "--run=both")
    run(*named, "--model=scripted", "--answers=reports/both", "--run=again")
    again = read_run(project, "again")
    assert len(again.records) == len(read_run(project, "both").records)
    assert "pointing" in {record["case"]["task"] for record in again.records}


@pytest.mark.usefixtures("pointer")
def test_the_marker_alone_asks_for_nothing(run: Run) -> None:
    """It is said before the model is loaded."""
    result = run("--data=probes-grounded", "-m", "pointing")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*-m pointing selects no case without --tasks=pointing. Add it.*"])
