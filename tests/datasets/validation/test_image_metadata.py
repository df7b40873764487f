"""What a file says beside its pixels, on files of every make."""

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from fakebench_suite.datasets.validation.image_metadata import read_image_metadata
from tests.datasets.validation.example_sets import (
    COUNT,
    find_leak,
    inspect,
    make_picture,
    write_sound,
)


def test_keys_of_a_png_are_read_behind_the_pixels_too(tmp_path: Path) -> None:
    """Text before and after the picture, compressed and international, is text."""
    text = PngImagePlugin.PngInfo()
    text.add_text("prompt", "a cat", zip=True)
    text.add_itxt("workflow", "{}")
    make_picture(1).save(tmp_path / "a.png", pnginfo=text)
    late_text = b"tEXtSoftware\0x"
    content, end = (tmp_path / "a.png").read_bytes()[:-12], b"\0\0\0\0IEND\xaeB`\x82"
    chunk = (
        struct.pack(">I", len(late_text) - 4) + late_text + struct.pack(">I", zlib.crc32(late_text))
    )
    (tmp_path / "a.png").write_bytes(content + chunk + end)
    metadata = read_image_metadata(tmp_path / "a.png")
    assert metadata.keys == ("PNG Software", "PNG prompt", "PNG workflow")
    assert (metadata.format, metadata.mode, metadata.coding) == ("PNG", "RGB", None)
    assert metadata.size == (tmp_path / "a.png").stat().st_size


def test_keys_of_a_jpeg_are_read(tmp_path: Path) -> None:
    """EXIF with the tags of its sub-directory, XMP, colour profile and comment are named."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0Steps: 20"
    make_picture(1).save(
        tmp_path / "a.jpg", exif=exif, xmp=b"<x:xmpmeta/>", icc_profile=b"x" * 200, comment=b"hello"
    )
    keys = read_image_metadata(tmp_path / "a.jpg").keys
    assert keys == ("EXIF Make", "EXIF UserComment", "ICC profile", "XMP", "comment")


def test_provenance_is_found_in_any_container(tmp_path: Path) -> None:
    """A C2PA store and the IPTC word for generated media are seen where they stand."""
    for name in ("a.png", "a.jpg", "a.webp"):
        make_picture(1).save(tmp_path / name)
        assert read_image_metadata(tmp_path / name).keys == ()
        with (tmp_path / name).open("ab") as file:
            file.write(b"jumdc2pa\0\x11 digitalsourcetype/trainedAlgorithmicMedia")
        assert read_image_metadata(tmp_path / name).keys == ("C2PA", "IPTC trainedAlgorithmicMedia")


@pytest.mark.parametrize(
    ("options", "coding"),
    [
        ({"quality": 75}, "quality 75, 4:2:0"),
        ({"quality": 100, "subsampling": 0}, "quality 100, 4:4:4"),
        ({"quality": 90, "subsampling": 1, "progressive": True}, "quality 90, 4:2:2, progressive"),
    ],
)
def test_the_coding_of_a_jpeg_is_named(
    tmp_path: Path, options: dict[str, Any], coding: str
) -> None:
    """Quality by libjpeg's own tables, subsampling, and whether it is progressive."""
    make_picture(1).save(tmp_path / "a.jpg", **options)
    assert read_image_metadata(tmp_path / "a.jpg").coding == coding


def test_tables_of_another_maker_have_a_digest(tmp_path: Path) -> None:
    """Tables that no quality of libjpeg gives are told apart all the same."""
    codings = set()
    for number in (3, 4):
        make_picture(1).save(tmp_path / "a.jpg", qtables=[[number] * 64, [number] * 64])
        codings.add(read_image_metadata(tmp_path / "a.jpg").coding)
    assert len(codings) == 2
    assert all(str(coding).startswith("own tables ") for coding in codings)


def test_broken_metadata_are_a_key_of_their_own(tmp_path: Path) -> None:
    """EXIF that cannot be read is no trouble, as in a run, and no less a trace."""
    write_sound(tmp_path)
    for number in range(0, COUNT, 2):
        path = tmp_path / "images" / f"{number}.png"
        make_picture(number).save(path, exif=b"Exif\0\0no TIFF at all")
    result = inspect(tmp_path)
    assert result.findings == ()
    leak = find_leak(result, "metadata keys")
    assert {(share.value, share.fake, share.real) for share in leak.shares} == {
        ("broken metadata", 12, 0),
        ("none", 0, 12),
    }


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "I;16", "CMYK"])
def test_the_colour_mode_is_the_files_own(tmp_path: Path, mode: str) -> None:
    """Before anything is converted."""
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.new(mode, (4, 4)).save(path)
    assert read_image_metadata(path).mode == mode
