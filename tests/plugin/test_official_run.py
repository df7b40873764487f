"""A run over FakeBench's own query files: the paper's tables beside it, and the submission."""

import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers import read_run
from tests.plugin.sandbox import Run


@pytest.fixture(params=["own", "grey"])
def pictures(request: pytest.FixtureRequest) -> str:
    """Whether each image has a picture of its own, or all have the same small grey one."""
    kind: str = request.param
    return kind


@pytest.fixture
def official(project: Path, pictures: str) -> Path:
    """The published query files with a picture for each of the 6,000 images."""
    source = os.environ.get("FAKEBENCH_DATA")
    if source is None:
        pytest.skip("FAKEBENCH_DATA is not set: the official query files are not part of this")
    root = project / "official"
    shutil.copytree(Path(source) / "Evaluation", root / "Evaluation")
    grey = root / "grey.png"
    Image.new("RGB", (8, 8), (90, 90, 90)).save(grey)
    noise = Image.effect_noise((128, 8), 60).convert("RGB")
    rows = json.loads((root / "Evaluation" / "FakeClass.json").read_text(encoding="utf-8"))
    for number, row in enumerate(rows):
        subfolder = root / ("real_images" if row["authenticity"] else "fake_images")
        subfolder.mkdir(exist_ok=True)
        if pictures == "grey":
            (subfolder / row["image_id"]).hardlink_to(grey)
        else:
            noise.putpixel((0, 0), (number % 256, number // 256, 0))
            noise.save(subfolder / row["image_id"], "PNG")
    return root


@pytest.mark.parametrize("pictures", ["grey"], indirect=True)
def test_other_pictures_have_no_row(run: Run, official: Path, project: Path) -> None:
    """FakeBench's rows over pictures that cannot be its: said everywhere, and in no table."""
    result = run(f"--data={official}", "--sample=8", "-m", "detection")
    assert "Table V" not in result.stdout.str()
    message = "These are not FakeBench's images: 8 of 8 images are"
    assert message in result.stdout.str()
    folder = project / "reports" / "run"
    for name in ("summary.md", "index.html"):
        text = (folder / name).read_text(encoding="utf-8").replace("&#39;", "'")
        assert message in text
        assert "Table V" not in text
    assert json.loads((folder / "badge.json").read_text(encoding="utf-8"))["label"] == "fake images"


@pytest.mark.parametrize("pictures", ["own"], indirect=True)
def test_a_partial_run_is_marked_in_the_tables_and_listed_in_the_submission(
    run: Run, official: Path, project: Path
) -> None:
    """Twenty images: the row says partial, and missing.txt names every case not asked."""
    result = run(f"--data={official}", "--sample=20")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["Table V: detection, published rows and this run", "GPT-4V *78.03",
         "Always fake (computed) *50.00",
         "scripted (pixels unverified, partial, grammar reading) *"]
    )  # fmt: skip
    folder = project / "reports" / "run"
    records = read_run(project).records
    missing = (folder / "submission" / "missing.txt").read_text(encoding="utf-8").split()
    assert len(missing) == 53_971 - len(records)
    assert not set(missing) & {line["case"]["id"] for line in records}
    images = {line["case"]["image"] for line in records}
    for name in ("FakeClass_fake", "FakeClass_real", "FakeClue", "FakeQA"):
        rows = json.loads((folder / "submission" / f"{name}.json").read_text(encoding="utf-8"))
        assert rows
        assert {row["image_id"] for row in rows} <= images
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    assert "Pixels unverified" in summary
    assert "<summary>Table V: detection</summary>" in summary
    assert "Published rows are as printed" in summary
    # No text has a published reference, so Tables VI to VIII have no row of this run.
    assert "<summary>Table VI:" not in summary
