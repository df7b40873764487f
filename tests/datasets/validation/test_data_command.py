"""``fakebench data``: exit status, what is printed, and what is JSON."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import PngImagePlugin
from typer.testing import CliRunner, Result

from fakebench_suite.cli.main import app
from fakebench_suite.datasets.probes.dataset import load_probes
from tests.datasets.other_benchmarks import (
    LOKI_CHOICE,
    make_x_aigd,
    write_fakevlm,
    write_loki,
    write_mmfr,
    write_synthscars,
    write_x_aigd,
)
from tests.datasets.validation.example_sets import (
    make_picture,
    make_row,
    write_lines,
    write_rows,
    write_sound,
)


def run(*arguments: str | Path) -> Result:
    """One call of the command in this process."""
    return CliRunner().invoke(app, ["data", *map(str, arguments)])


@pytest.mark.process
def test_a_sound_set_ends_well(tmp_path: Path) -> None:
    """Status 0, in a process of its own with warnings as errors; no progress in a pipe."""
    write_sound(tmp_path, 60)
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "fakebench_suite", "data", str(tmp_path)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "No errors, no warnings: every image can be shown" in result.stdout
    assert "60 cases on 60 images" in result.stdout


def test_trouble_is_status_1_and_says_what(tmp_path: Path) -> None:
    """A few names are printed, all of them are in the JSON."""
    write_sound(tmp_path)
    for number in range(5):
        (tmp_path / "images" / f"{number}.png").unlink()
    result = run(tmp_path)
    assert result.exit_code == 1
    assert "error: missing images: 5" in result.stdout
    assert "- 2.png" in result.stdout
    assert "- 3.png" not in result.stdout
    assert "... and 2 more" in result.stdout
    assert "Not fit to run: 1 kind of error, no warnings." in result.stdout
    result = run(tmp_path, "--json")
    assert result.exit_code == 1
    (finding,) = json.loads(result.stdout)["findings"]
    assert [item["images"] for item in finding["items"]] == [[f"{n}.png"] for n in range(5)]


def test_the_json_is_one_object_with_everything(tmp_path: Path) -> None:
    """Totals, counts, findings and leaks, with plain types throughout."""
    write_sound(tmp_path)
    result = run(tmp_path, "--json")
    assert result.exit_code == 0
    output: dict[str, Any] = json.loads(result.stdout)
    assert set(output) == {
        "name", "kind", "note", "digest", "licence", "totals", "counts", "findings", "leaks",
    }  # fmt: skip
    assert output["licence"] is None
    assert output["totals"]["cases"] == 24
    assert {"by": "label", "value": "fake", "cases": 12, "images": 12} in output["counts"]
    sizes = next(leak for leak in output["leaks"] if leak["feature"] == "image size")
    assert sizes["reach"] == "yes"
    assert sizes["shares"] == [{"value": "16x12", "fake": 12, "real": 12}]


@pytest.mark.parametrize(
    ("kind", "write", "counts", "licence"),
    [
        ("loki", write_loki, "8 cases on 3 images", "MIT"),
        ("fakevlm-fakeclue", write_fakevlm, "4 cases on 2 images", "Apache-2.0"),
        ("synthscars", write_synthscars, "6 cases on 2 images", "Apache-2.0"),
        ("x-aigd", write_x_aigd, "4 cases on 2 images", "Apache-2.0"),
        ("mmfr", write_mmfr, "16 cases on 4 images", "not stated"),
    ],
)
def test_another_benchmark_is_checked_as_any_data_set(
    tmp_path: Path, kind: str, write: Callable[[Path], Path], counts: str, licence: str
) -> None:
    """With its licence; a row that cannot be read is a sentence, and status 2."""
    write(tmp_path)
    result = run(f"{kind}:{tmp_path}")
    assert result.exit_code == 0, result.output
    assert f"Licence: {licence}" in result.stdout
    assert counts in result.stdout
    assert "No errors" in result.stdout
    broken = run(f"{kind}:{tmp_path / 'nowhere'}")
    assert broken.exit_code != 0
    assert f"Point --data={kind}:PATH at what holds the data." in broken.output
    assert "Traceback" not in broken.output


def test_a_region_outside_its_image_is_an_error_of_the_data(tmp_path: Path) -> None:
    """Status 1, and the image with its sentence."""
    rows = make_x_aigd()
    rows[0]["labels"][0]["points"] = [[900.0, 2.0], [990.0, 2.0], [990.0, 12.0]]
    result = run(f"x-aigd:{write_x_aigd(tmp_path, rows)}")
    assert result.exit_code == 1
    assert "its region (900, 2, 990, 12) does not lie in it" in " ".join(result.stdout.split())


def test_the_second_image_of_a_comparison_is_checked_too(tmp_path: Path) -> None:
    """It is missing although no other case shows it; and pairs are asked but once."""
    other = {"image_path": [LOKI_CHOICE["image_path"][0], "media_data/image/lost.png"], "id": "x"}
    rows = [dict(LOKI_CHOICE), LOKI_CHOICE | other]
    result = run(f"loki:{write_loki(tmp_path, {'multi_choice.json': rows})}")
    assert result.exit_code == 1
    assert "error: missing images: 1" in result.stdout
    assert "media_data/image/lost.png" in result.stdout
    assert "asked twice" not in result.stdout


def test_a_leak_is_told_with_its_reach(tmp_path: Path) -> None:
    """The conclusion says which leaks a model sees something of, and which it does not."""
    write_sound(tmp_path)
    for number in range(0, 24, 2):
        make_picture(number, (32, 32)).save(tmp_path / "images" / f"{number}.png")
    result = run(tmp_path)
    assert result.exit_code == 0
    output = " ".join(result.stdout.split())
    assert "image size 1.000* 24 yes 16x12 (0, 12); 32x32 (12, 0)" in output
    assert "predicted from image size, aspect ratio" in output
    assert "which models are exposed to" in output


@pytest.mark.parametrize("path", ["nowhere", "empty", "bad.jsonl"])
def test_a_users_mistake_is_status_2(tmp_path: Path, path: str) -> None:
    """A path that is not there, holds nothing or is not JSON ends in one printable sentence."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.jsonl").write_text('{"id": "\\u001b[31m', encoding="utf-8")
    result = run(tmp_path / path)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.rstrip("\n").isprintable()


def test_hostile_names_are_printed_and_nothing_else(tmp_path: Path) -> None:
    """Control characters, markup and endless names from rows, files and metadata stay text."""
    text = PngImagePlugin.PngInfo()
    text.add_text("\x9b31m[red]key", "x")
    rows = [make_row(f"[bold]{'x' * 190}{n}\u202e.png", fake=n % 2 == 0) for n in range(12)]
    rows += [make_row(f"[/]{n}[link=x].png", fake=True) for n in range(4)]
    write_rows(tmp_path, rows)
    (tmp_path / "\x1b[31mred").mkdir()
    for number, row in enumerate(rows[1:]):
        path = tmp_path / "\x1b[31mred" / row["image_id"]
        path.parent.mkdir(exist_ok=True)
        make_picture(number).save(path, pnginfo=text if number % 2 else None)
    make_picture(99).save(tmp_path / "\x1b[31mred" / "\x1b]0;title\x07.png")
    lines = [
        {
            "id": f"{n}\x1b[2J",
            "task": "detection",
            "image": "a.png",
            "question": "\x1b[5m Fake? [/]",
        }
        for n in range(2)
    ]
    for path in (tmp_path, write_lines(tmp_path / "own\x1b.jsonl", *lines)):
        result = run(path)
        assert isinstance(result.exception, SystemExit)
        assert result.exit_code == 1
        assert all(line.isprintable() for line in result.stdout.splitlines())
        assert max(map(len, result.stdout.splitlines())) <= int(os.environ.get("COLUMNS", "80"))
        assert json.loads(run(path, "--json").stdout)["kind"] in {"layout", "jsonl"}


def test_the_probes_are_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a path the embedded probes are inspected, here few of them."""
    dataset = load_probes(8)
    monkeypatch.setattr("fakebench_suite.datasets.probes.dataset.load_probes", lambda: dataset)
    result = run()
    assert result.exit_code == 0
    assert f"{len(dataset.cases)} cases on 16 images" in result.stdout
    assert "predicted from file name, which models never receive" in result.stdout
