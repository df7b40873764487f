"""What a run is told by, and what its directory is called."""

from pathlib import Path

import pytest
from PIL import Image

from tests.helpers import read_run
from tests.plugin.sandbox import Run

REGRESSION = """
[[gate]]
name = "no worse"
kind = "regression"
task = "detection"
margin = 0.02
"""


def repaint(data: Path) -> None:
    """All pictures of a data set in one colour, under the names they have."""
    for path in data.rglob("*.png"):
        Image.new("RGB", (24, 16), "olive").save(path)


def test_other_pixels_under_the_same_names_are_seen(run: Run, data: Path, project: Path) -> None:
    """By gates against a baseline, and by answers that are given again."""
    (project / "gates.toml").write_text(REGRESSION, encoding="utf-8")
    assert run(f"--data={data}", "-m", "detection", "--run=before", "--gates=none").ret == 0
    before = read_run(project, "before").manifest["identity"]
    assert before["pixels"]["images"] == 16
    assert before["pixels"]["repeated"] == 0
    digests = {
        line["case"]["image"]: line["pixels"]["digest"]
        for line in read_run(project, "before").records
    }
    assert len(set(digests.values())) == 16
    options = (
        "-m",
        "detection",
        "--run=again",
        "--answers=reports/last",
        "--gates=none",
        "--model=pocket",
    )
    assert run(f"--data={data}", *options).ret == 0
    assert read_run(project, "again").manifest["identity"] == before
    repaint(data)
    run(f"--data={data}", "-m", "detection", "--run=after", "--baseline=reports/before")
    after = read_run(project, "after").manifest["identity"]
    assert {field for field in before if before[field] != after[field]} == {"pixels"}
    (ruling,) = read_run(project, "after").rulings
    assert ruling["outcome"] == "inconclusive"
    assert "pixels" in " ".join(read_run(project, "after").manifest["reservations"])
    answers = (
        "-m",
        "detection",
        "--run=given",
        "--answers=reports/before",
        "--gates=none",
        "--model=pocket",
    )
    assert run(f"--data={data}", *answers).ret == pytest.ExitCode.TESTS_FAILED
    lines = read_run(project, "given").records
    assert {line["verdict"]["outcome"] for line in lines} == {"model_error"}
    assert {line["case"]["image"]: line["pixels"]["digest"] for line in lines} == digests


def test_a_shard_is_named_by_its_directory(run: Run, data: Path, project: Path) -> None:
    """Workers hear the controller's name, and ``last`` points at it."""
    result = run(f"--data={data}", "--shard=2/3", "--run=", "-n2")
    assert result.ret == 0
    (folder,) = {path for path in (project / "reports").iterdir() if not path.is_symlink()}
    assert folder.name.startswith("scripted.toml-data-shard-2-of-3-")
    assert (project / "reports" / "last").readlink() == Path(folder.name)


@pytest.mark.parametrize("name", ["last", "taken"])
def test_a_name_that_is_taken_is_said_before_a_model_is_loaded(
    run: Run, data: Path, project: Path, name: str
) -> None:
    """Status 4, and nothing is written."""
    folder = project / "reports" / "taken"
    folder.mkdir(parents=True)
    (folder / "records.jsonl").touch()
    result = run(f"--data={data}", f"--run={name}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"{name}" in result.stderr.str()
    assert [path.name for path in folder.iterdir()] == ["records.jsonl"]


def test_a_run_without_a_record_leaves_no_directory(run: Run, data: Path, project: Path) -> None:
    """Also where nothing is only collected, or nothing fits."""
    run(f"--data={data}", "-k", "nothing-is-called-so")
    assert not (project / "reports").exists()
