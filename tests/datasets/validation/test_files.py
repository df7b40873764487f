"""Images a run could not show, and files nobody asks about."""

import os
import sys
from pathlib import Path

import pytest

from fakebench_suite.datasets.validation.issues import Severity
from tests.datasets.validation.example_sets import (
    FEW,
    find,
    inspect,
    make_picture,
    make_row,
    write_lines,
    write_rows,
    write_sound,
)


def test_a_sound_set_gives_no_finding(tmp_path: Path) -> None:
    """Nothing is found where nothing is wrong, and every count is right."""
    write_sound(tmp_path, FEW)
    result = inspect(tmp_path)
    assert result.is_sound
    assert result.findings == ()
    assert (result.totals.cases, result.totals.images) == (FEW, FEW)
    assert not any(leak.tells for leak in result.leaks)


def test_a_missing_image_is_trouble(tmp_path: Path) -> None:
    """The image and where it was looked for are named."""
    write_sound(tmp_path, FEW)
    (tmp_path / "images" / "3.png").unlink()
    result = inspect(tmp_path)
    finding = find(result, "missing images")
    assert finding.severity is Severity.ERROR
    assert not result.is_sound
    assert [item.images for item in finding.items] == [("3.png",)]
    assert "no file of that name below" in finding.items[0].detail


@pytest.mark.parametrize("content", [b"", b"not an image", None])
def test_a_broken_image_is_trouble(tmp_path: Path, content: bytes | None) -> None:
    """Empty, foreign and truncated files are unreadable, as a run would find them."""
    write_sound(tmp_path, FEW)
    path = tmp_path / "images" / "3.png"
    path.write_bytes(path.read_bytes()[:200] if content is None else content)
    result = inspect(tmp_path)
    assert [item.images for item in find(result, "unreadable images").items] == [("3.png",)]
    assert not result.is_sound


def test_an_ambiguous_image_is_trouble_and_its_rivals_are_asked_about(tmp_path: Path) -> None:
    """Two files of one name: the row is in error, and neither file counts as forgotten."""
    write_sound(tmp_path, FEW)
    (tmp_path / "more").mkdir()
    make_picture(99).save(tmp_path / "more" / "3.png")
    (finding,) = inspect(tmp_path).findings
    assert (finding.name, finding.severity) == ("ambiguous images", Severity.ERROR)
    assert [item.images for item in finding.items] == [("3.png",)]


def test_the_label_settles_which_file_is_meant(tmp_path: Path) -> None:
    """One name in fake_images/ and real_images/: the other file is the one nobody asks about."""
    write_rows(tmp_path, [make_row("a.png", fake=True)])
    for seed, folder in enumerate(("fake_images", "real_images")):
        (tmp_path / folder).mkdir()
        make_picture(seed).save(tmp_path / folder / "a.png")
    (path,) = (item.images[0] for item in find(inspect(tmp_path), "no row asks about").items)
    assert Path(path) == tmp_path / "real_images" / "a.png"


def test_unasked_images_are_a_remark(tmp_path: Path) -> None:
    """Every image file below the data that no row asks about is listed, in either layout."""
    write_sound(tmp_path, FEW)
    make_picture(99).save(tmp_path / "images" / "extra.png")
    result = inspect(tmp_path)
    assert result.is_sound
    (item,) = find(result, "no row asks about").items
    assert Path(item.images[0]).name == "extra.png"
    line = {"id": "a", "task": "detection", "image": "images/3.png", "question": "Fake or real?"}
    result = inspect(write_lines(tmp_path / "own.jsonl", line))
    assert len(find(result, "no row asks about").items) == FEW


def test_a_linked_folder_is_not_forgotten(tmp_path: Path) -> None:
    """A file reached through a link is the file asked about, whatever its path is called."""
    write_sound(tmp_path, FEW)
    make_picture(99).save(tmp_path / "images" / "extra.png")
    (tmp_path / "link").symlink_to(tmp_path / "images", target_is_directory=True)
    line = {"id": "a", "task": "detection", "image": "link/extra.png", "question": "Fake or real?"}
    result = inspect(write_lines(tmp_path / "own.jsonl", line))
    assert len(find(result, "no row asks about").items) == FEW


def test_a_suffix_that_belies_its_format_is_a_remark(tmp_path: Path) -> None:
    """A JPEG called .png is read, and named."""
    write_sound(tmp_path, FEW)
    make_picture(3).save(tmp_path / "images" / "3.png", "JPEG")
    (finding,) = inspect(tmp_path).findings
    assert finding.severity is Severity.WARNING
    assert [(item.images, item.detail) for item in finding.items] == [(("3.png",), "is JPEG")]


def test_the_same_pixels_under_both_labels_are_trouble(tmp_path: Path) -> None:
    """A copy is found through another format and folder, with the labels of both."""
    write_sound(tmp_path, FEW)
    make_picture(2).save(tmp_path / "images" / "3.png", compress_level=1)
    result = inspect(tmp_path)
    assert not result.is_sound
    (item,) = find(result, "labelled fake and real").items
    assert (item.images, item.detail) == (("2.png", "3.png"), "fake, real")


def test_the_same_pixels_under_one_label_are_a_remark(tmp_path: Path) -> None:
    """Three copies are one finding of three names; equal bytes of another shape are no copy."""
    write_sound(tmp_path, FEW)
    for number in (4, 6):
        make_picture(2).save(tmp_path / "images" / f"{number}.png")
    make_picture(5, (12, 16)).save(tmp_path / "images" / "7.png")
    result = inspect(tmp_path)
    assert result.is_sound
    (item,) = find(result, "several names").items
    assert item.images == ("2.png", "4.png", "6.png")


def test_absent_images_are_one_trouble(tmp_path: Path) -> None:
    """Without any image the rows are inspected all the same, and names still tell labels."""
    rows = [make_row(f"{'sd' if n % 2 else 'photo'}-{n}.png", fake=bool(n % 2)) for n in range(20)]
    write_rows(tmp_path, rows)
    result = inspect(tmp_path)
    assert [finding.name for finding in result.findings] == ["the images are absent"]
    assert not result.is_sound
    assert {leak.feature for leak in result.leaks if leak.tells} == {"file name"}


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are Linux's")
def test_a_name_that_is_no_text_is_listed(tmp_path: Path) -> None:
    """A file name that is not UTF-8 is written with its bytes escaped."""
    write_sound(tmp_path, FEW)
    path = os.fsencode(tmp_path / "images") + b"/\xff.png"
    Path(os.fsdecode(path)).write_bytes((tmp_path / "images" / "3.png").read_bytes())
    (item,) = find(inspect(tmp_path), "no row asks about").items
    assert item.images[0].endswith(r"\udcff.png")
