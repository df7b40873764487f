"""A run over FakeBench's own query files: the paper's tables beside it, and the submission."""

import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.plugin.sandbox import Run, read_records


@pytest.fixture
def official(project: Path) -> Path:
    """The published query files with a small grey picture for each of the 6,000 images."""
    source = os.environ.get("FAKEBENCH_DATA")
    if source is None:
        pytest.skip("FAKEBENCH_DATA is not set: the official query files are not part of this")
    root = project / "official"
    shutil.copytree(Path(source) / "Evaluation", root / "Evaluation")
    grey = root / "grey.png"
    Image.new("RGB", (8, 8), (90, 90, 90)).save(grey)
    for row in json.loads((root / "Evaluation" / "FakeClass.json").read_text(encoding="utf-8")):
        side = root / ("real_images" if row["authenticity"] else "fake_images")
        side.mkdir(exist_ok=True)
        (side / row["image_id"]).hardlink_to(grey)
    return root


def test_a_partial_run_is_marked_in_the_tables_and_listed_in_the_submission(
    run: Run, official: Path, project: Path
) -> None:
    """Twenty images: the row says partial, and missing.txt names every case not asked."""
    result = run(f"--data={official}", "--sample=20")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["Table V: detection, published rows and this run", "GPT-4V *78.03",
         "Always fake (computed) *50.00", "scripted (partial, grammar reading) *"]
    )  # fmt: skip
    folder = project / "reports" / "run"
    records = read_records(project)
    missing = (folder / "submission" / "missing.txt").read_text(encoding="utf-8").split()
    assert len(missing) == 53_971 - len(records)
    assert not set(missing) & {line["case"]["id"] for line in records}
    asked = {line["case"]["image"] for line in records}
    for name in ("FakeClass_fake", "FakeClass_real", "FakeClue", "FakeQA"):
        rows = json.loads((folder / "submission" / f"{name}.json").read_text(encoding="utf-8"))
        assert rows
        assert {row["image_id"] for row in rows} <= asked
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    assert "<summary>Table V: detection</summary>" in summary
    assert "Published rows are as printed" in summary
    # No text has a published reference, so Tables VI to VIII have no row of this run.
    assert "<summary>Table VI:" not in summary
