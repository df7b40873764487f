"""``fakebench data``: exit status, what is printed, and what is JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import PngImagePlugin
from typer.testing import CliRunner, Result

from fakebench_suite.cli.main import app
from fakebench_suite.datasets.probes.dataset import load_probes
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
    assert set(output) == {"name", "kind", "digest", "totals", "counts", "findings", "leaks"}
    assert output["totals"]["cases"] == 24
    assert {"by": "label", "value": "fake", "cases": 12, "images": 12} in output["counts"]
    sizes = next(leak for leak in output["leaks"] if leak["feature"] == "image size")
    assert sizes["reach"] == "yes"
    assert sizes["shares"] == [{"value": "16x12", "fake": 12, "real": 12}]


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
