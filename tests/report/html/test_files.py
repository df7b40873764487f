"""The report's files: what is written, read again, compared and refused."""

import base64
import gzip
import html
import json
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from plotly.offline import get_plotlyjs_version

from fakebench_suite.datasets import open_dataset
from fakebench_suite.datasets.images import open_image
from fakebench_suite.errors import UserError
from fakebench_suite.report.html import DatasetImages, ReportBaseline, write_html_report
from fakebench_suite.report.html.assets import POLICY, unwrap_module
from fakebench_suite.report.html.data_script import write_data_script
from fakebench_suite.report.html.record_index import RECORDS_PER_FILE
from fakebench_suite.report.html.run_data import load_run
from fakebench_suite.report.thumbnails import (
    ReportImageSize,
    Thumbnails,
    check_size,
    copy_thumbnails,
    open_image_source,
)
from fakebench_suite.runs.case_changes import compare_records
from fakebench_suite.runs.last import point_last
from fakebench_suite.types import Outcome
from tests.factories import make_answer, make_record
from tests.helpers import call, call_forked
from tests.report.fake_runs import make_records, write_run


def read_script(path: Path) -> object:
    """The value a data file carries, as the page would get it."""
    call = path.read_text(encoding="utf-8")
    assert call.count("\n") == 1
    function, _, arguments = call.removesuffix(");\n").partition("(")
    _, content = json.loads(f"[{arguments}]")
    if function == "fakebench.receiveCompressed":
        return json.loads(gzip.decompress(base64.b64decode(content)))
    assert function == "fakebench.receive"
    return json.loads(content)


@pytest.mark.parametrize("text", ["</script>", "\u2028'\"\\", "half \ud800", "真", "\0"])
@pytest.mark.parametrize("compress", [True, False])
def test_data_files_hold_one_string(tmp_path: Path, text: str, compress: bool) -> None:
    """Any text comes back from a data file as it went in, and cannot leave its string."""
    write_data_script(tmp_path / "a.js", "a", {"text": text}, compress=compress)
    assert read_script(tmp_path / "a.js") == {"text": text}


def test_all_cases_of_an_image_lie_side_by_side(tmp_path: Path) -> None:
    """Arrival order does not matter, so that a reader walks image by image."""
    records = make_records(40)
    run = load_run(write_run(tmp_path / "run", records[::-1]))
    images = [record.case.image for record in run.records]
    assert images == sorted(images)
    assert sorted(record.case.id for record in run.records) == sorted(r.case.id for r in records)


def test_every_record_is_in_its_file(tmp_path: Path) -> None:
    """The index counts all records; each file of texts holds its share of them, whole."""
    run = write_run(tmp_path / "run", make_records(RECORDS_PER_FILE + 5))
    write_html_report(run, images=None)
    index = read_script(run / "report" / "index.js")
    assert isinstance(index, dict)
    assert index["size"] == RECORDS_PER_FILE + 5
    chunks = [read_script(run / "report" / f"texts-{number}.js") for number in (0, 1)]
    entries = [entry for chunk in chunks for entry in chunk]  # type: ignore[attr-defined]
    assert [entry["record"]["case"]["id"] for entry in entries] == index["values"]["id"]
    assert not (run / "report" / "texts-2.js").exists()


def test_a_report_is_written_again_in_place(tmp_path: Path) -> None:
    """What an earlier, larger report left behind is gone."""
    run = write_run(tmp_path / "run", make_records(3))
    write_html_report(run, images=None)
    (run / "report" / "texts-7.js").touch()
    page = write_html_report(run, images=None)
    assert page == run / "index.html"
    assert not (run / "report" / "texts-7.js").exists()
    text = page.read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "style=" not in text
    assert "http" not in text.replace("http-equiv", "")


def test_a_run_that_was_cut_off_is_reported(tmp_path: Path) -> None:
    """After a crash there are records and the first manifest; the report says what it is."""
    run = write_run(tmp_path / "run", make_records(40))
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    del manifest["partial"], manifest["recorded"], manifest["errors"]
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (run / "scores.json").unlink()
    assert "PARTIAL RUN (cut off)" in write_html_report(run, images=None).read_text(
        encoding="utf-8"
    )


def test_changes_have_names() -> None:
    """Fixed, broken, changed, same and new, by outcome, reading and reply."""
    incorrect, correct = (make_record("a", kind) for kind in (Outcome.INCORRECT, Outcome.CORRECT))
    other_reply = replace(incorrect, answer=make_answer("something else"))
    unscored = make_record("a", Outcome.UNSCORED)
    pairs = {
        "fixed": (correct, incorrect),
        "broken": (incorrect, correct),
        "changed": (other_reply, incorrect),
        "same": (incorrect, incorrect),
    }
    for kind, (current, previous) in pairs.items():
        (change,) = compare_records([current], [previous]).values()
        assert change.kind == kind
        assert (change.verdict is None) == (kind == "same")
    assert compare_records([correct], [])[correct.case.id].kind == "new"
    assert compare_records([correct], [unscored])[correct.case.id].kind == "changed"


def make_images(folder: Path) -> Path:
    """A data set of a large, a small and a missing picture."""
    folder.mkdir()
    Image.new("RGB", (800, 400), "teal").save(folder / "large.png")
    Image.new("RGB", (20, 10), "teal").save(folder / "small.png")
    lines = [
        json.dumps({"id": name, "task": "detection", "image": f"{name}.png", "question": "Fake?"})
        for name in ("large", "small", "missing")
    ]
    (folder / "cases.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder / "cases.jsonl"


def test_thumbnails_are_made_once(tmp_path: Path) -> None:
    """Large pictures are scaled, small ones kept, missing ones left out; it stays so later."""
    dataset = open_dataset(make_images(tmp_path / "data"))
    records = [replace(make_record("a", Outcome.CORRECT), case=case) for case in dataset.cases]
    run = write_run(tmp_path / "run", records)
    write_html_report(run, images=DatasetImages(dataset))
    first = read_script(run / "report" / "index.js")
    assert isinstance(first, dict)
    pictures = first["pictures"]
    assert set(pictures) == {"large.png", "small.png"}
    sizes = {
        name: open_image(run / "report" / "images" / picture["file"]).size
        for name, picture in pictures.items()
    }
    assert sizes == {"large.png": (320, 160), "small.png": (20, 10)}
    assert pictures["large.png"]["full"] == "../data/large.png"
    times = {path: path.stat().st_mtime_ns for path in (run / "report" / "images").iterdir()}
    write_html_report(run, images=None)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    second = read_script(run / "report" / "index.js")
    assert isinstance(second, dict)
    assert second["pictures"] == pictures


def test_whole_pictures_are_kept_on_request(tmp_path: Path) -> None:
    """Pixels only, lossless, nameless; older thumbnails get theirs, and a merge keeps them."""
    dataset = open_dataset(make_images(tmp_path / "data"))
    records = [replace(make_record("a", Outcome.CORRECT), case=case) for case in dataset.cases]
    run = write_run(tmp_path / "run", records)
    folder = run / "report" / "images"
    write_html_report(run, images=DatasetImages(dataset))
    before = set(folder.iterdir())
    write_html_report(run, images=DatasetImages(dataset), size=ReportImageSize.FULL)
    (image_path,) = set(folder.iterdir()) - before
    with Image.open(image_path) as stored, Image.open(tmp_path / "data" / "large.png") as original:
        assert stored.tobytes() == original.tobytes()
        assert stored.info == {}
    assert "large" not in image_path.name
    merged = tmp_path / "merged"
    copy_thumbnails(merged, run)
    assert (merged / "report" / "images" / image_path.name).is_file()
    with Thumbnails(merged, ["large.png"], None) as pictures:
        assert pictures.finish()["large.png"].whole == image_path.name
    with pytest.raises(UserError, match="Add --data=PATH"):
        check_size(ReportImageSize.FULL, None)


def test_images_of_other_data_are_refused(tmp_path: Path) -> None:
    """Thumbnails come from the data the run was made over or not at all."""
    data = make_images(tmp_path / "data")
    run = write_run(tmp_path / "run", make_records(3))
    assert open_image_source(run, None) is None
    with pytest.raises(UserError, match="digest differs"):
        open_image_source(run, data)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    """A directory without a run, and one with a broken file, are said to be so in one sentence."""
    with pytest.raises(UserError, match="is not a run directory"):
        write_html_report(tmp_path, images=None)
    run = write_run(tmp_path / "run", make_records(3))
    with pytest.raises(UserError, match="is not a run directory"):
        write_html_report(run, images=None, baseline=ReportBaseline(folder=tmp_path))
    (run / "scores.json").write_text("[{}]", encoding="utf-8")
    with pytest.raises(UserError, match=r"scores\.json holds no scores"):
        write_html_report(run, images=None)


def test_a_module_becomes_a_script() -> None:
    """Exports land in one global; a bundle without exports is an error, not an empty table."""
    script = unwrap_module("const a=1;export{a as default,b};\n//# end", "lib")
    assert "window.lib={default:a,b:b}" in script
    assert "export" not in script
    with pytest.raises(ValueError, match="exports nothing"):
        unwrap_module("const a = 1;", "lib")


def test_plotly_js_is_of_the_version_of_the_package_plotly() -> None:
    """Figures are made by the one and drawn by the other; ``make plotly`` brings them together."""
    vendor = files("fakebench_suite.report.html") / "vendor"
    head = (vendor / "plotly-cartesian.min.js").read_text(encoding="utf-8")[:200]
    assert f" v{get_plotlyjs_version()}\n" in head
    assert "Licensed under the MIT license" in head
    assert "MIT" in (vendor / "plotly-LICENSE").read_text(encoding="utf-8")


def test_a_report_is_a_small_artifact(tmp_path: Path) -> None:
    """All but records and images takes less than 3 MB."""
    run = write_run(tmp_path / "run", make_records(8))
    write_html_report(run, images=None)
    paths = [run / "index.html", *(run / "report").iterdir()]
    assert sum(path.stat().st_size for path in paths) < 3_000_000


def test_the_policy_has_no_exceptions() -> None:
    """Nothing inline, nothing evaluated, nothing from elsewhere."""
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert "*" not in POLICY


def test_the_command_line_writes_reports(forks: str, tmp_path: Path) -> None:
    """``report RUN`` prints where the page is; a mistake ends in one sentence."""
    run = write_run(tmp_path / "run", make_records(20))
    result = call_forked(forks, "report", str(run), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{run / 'index.html'}\n"
    point_last(run)
    failed = call("report", "run", "--baseline=last", cwd=tmp_path)
    assert (failed.returncode, "would be compared with itself" in failed.stderr) == (2, True)
    other: dict[str, Any] = {
        "model": {"weights_digest": "x"},
        "prompts": {"style": "clean"},
        "identity": None,
    }
    write_run(tmp_path / "other", make_records(20), partial=["interrupted"], **other)
    result = call("report", "run", "--baseline=other", cwd=tmp_path)
    page = html.unescape((run / "index.html").read_text(encoding="utf-8"))
    (line,) = re.findall("The baseline other differs in more than the model: (.*)\\.", page)
    assert "prompts.style" in line
    assert "The baseline other is partial (interrupted)" in page
    assert "the baseline other was written by an older version" in page
    failed = call("report", str(tmp_path))
    assert failed.returncode == 2
    assert failed.stderr == f"{tmp_path} is not a run directory: no manifest.json to read.\n"
