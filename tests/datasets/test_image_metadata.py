"""What a decoder objects to outside the pixels costs no picture, whatever the format."""

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fakebench_suite.datasets.images import open_image, silence_decoder_warnings
from fakebench_suite.datasets.metadata_stripping import drop_metadata
from fakebench_suite.datasets.validation.image_metadata import read_image_metadata
from fakebench_suite.errors import ImageError

HEAD = 33
"""Bytes of a PNG's signature and IHDR."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with silence_decoder_warnings():
        yield


def draw(mode: str = "RGB") -> Image.Image:
    """A small picture in which no two corners are alike."""
    y, x = np.mgrid[0:16, 0:24]
    pixels = np.stack([x * 10, y * 15, np.full_like(x, 40)], -1).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encode(kind: str, **options: object) -> bytes:
    """The picture in a file of this format."""
    stream = io.BytesIO()
    draw().save(stream, kind, **options)
    return stream.getvalue()


def chunk(name: bytes, body: bytes, check: bytes | None = None) -> bytes:
    """A PNG chunk, its checksum right unless another is given."""
    checksum = struct.pack(">I", zlib.crc32(name + body))
    return struct.pack(">I", len(body)) + name + body + (checksum if check is None else check)


def segment(marker: int, body: bytes) -> bytes:
    """A JPEG segment."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def exif(orientation: int) -> bytes:
    """EXIF that says how to turn the picture."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


def read(path: Path, content: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The pixels the suite sees in a file of this content."""
    path.write_bytes(content)
    pixels = np.asarray(open_image(path))
    assert read_image_metadata(path).size == len(content)
    return pixels


BOMB = zlib.compress(b'{"node": 1}' * 200_000)
PNG_CHUNKS = {
    "text bomb": chunk(b"zTXt", b"workflow\0\0" + BOMB),
    "international text bomb": chunk(b"iTXt", b"workflow\0\1\0en\0\0" + BOMB),
    "many texts": chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(900_000))) * 80,
    "text that is no text": chunk(b"iTXt", b"a\0\0\0\xff\xfe\0\0\xff"),
    "text without an end": chunk(b"zTXt", b"a\0\0\x78\x9c\1"),
    "an unknown compression": chunk(b"zTXt", b"a\0\7xyz"),
    "checksum of a text": chunk(b"tEXt", b"a\0b", check=b"\0\0\0\0"),
    "short gamma": chunk(b"gAMA", b"\0\1"),
    "checksum of gamma": chunk(b"gAMA", b"\0\0\xb1\x8f", check=b"\1\2\3\4"),
    "short chromaticities": chunk(b"cHRM", b"\0\1\2"),
    "short resolution": chunk(b"pHYs", b"\0"),
    "empty intent": chunk(b"sRGB", b""),
    "profile of nothing": chunk(b"iCCP", b""),
    "profile that is none": chunk(b"iCCP", b"sRGB\0\0" + b"no zlib"),
    "profile bomb": chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(bytes(20_000_000))),
    "EXIF that is none": chunk(b"eXIf", b"\xff" * 9),
    "checksum of a time": chunk(b"tIME", b"\0" * 7, check=b"\0\0\0\0"),
    "an animation of nothing": chunk(b"acTL", b"\0\0"),
    "a frame of nothing": chunk(b"acTL", b"\0\0\0\2\0\0\0\0") + chunk(b"fcTL", b"\0"),
    "an unknown chunk": chunk(b"juNk", b"\xff" * 50, check=b"\0\0\0\0"),
}


@pytest.mark.parametrize("position", ["before", "after"])
@pytest.mark.parametrize("kind", PNG_CHUNKS)
def test_a_png_is_its_pixels(tmp_path: Path, kind: str, position: str) -> None:
    """No ancillary chunk before or behind the pixels changes or costs them."""
    original, extra = encode("PNG"), PNG_CHUNKS[kind]
    offset = HEAD if position == "before" else len(original) - 12
    pixels = read(tmp_path / "a.png", original[:offset] + extra + original[offset:])
    assert (pixels == np.asarray(draw())).all()


JPEG_SEGMENTS = {
    "short JFIF": segment(0xE0, b"JFIF"),
    "EXIF that is none": segment(0xE1, b"Exif\0\0" + b"\xff" * 20),
    "EXIF without a head": segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff"),
    "profile of nothing": segment(0xE2, b"ICC_PROFILE\0"),
    "pictures that are not there": segment(0xE2, b"MPF\0II*\0\xff\0\0\0\xff"),
    "more pictures than there are": segment(
        0xE2, b"MPF\0II*\0\x08\0\0\0\1\0\x01\xb0\4\0\1\0\0\0\x05\0\0\0\0\0\0\0"
    ),
    "Photoshop": segment(0xED, b"Photoshop 3.0\08BIM\x04\xed\0\0\0\0\0\x10ab"),
    "Photoshop cut short": segment(0xED, b"Photoshop 3.0\08BIM\x04"),
    "short Adobe": segment(0xEE, b"Adobe"),
    "comment": segment(0xFE, b"\xff\xd8\xff\xd9"),
    "empty segments": b"".join(segment(marker, b"") for marker in range(0xE0, 0xF0)),
    "segments of FF": b"".join(segment(marker, b"\xff" * 40) for marker in range(0xE1, 0xF0)),
}


@pytest.mark.parametrize("kind", JPEG_SEGMENTS)
def test_a_jpeg_is_its_pixels(tmp_path: Path, kind: str) -> None:
    """No application segment and no comment changes or costs the pixels."""
    original = encode("JPEG", quality=90)
    expected = read(tmp_path / "plain.jpg", original)
    first = 4 + struct.unpack(">H", original[4:6])[0]
    for offset in (2, first):
        content = original[:offset] + JPEG_SEGMENTS[kind] + original[offset:]
        assert (read(tmp_path / "a.jpg", content) == expected).all()


def test_a_webp_is_its_pixels(tmp_path: Path) -> None:
    """Broken metadata in or at the end of the container cost nothing."""
    expected = read(tmp_path / "plain.webp", encode("WEBP", lossless=True))
    original = encode("WEBP", lossless=True, exif=exif(1), xmp=b"<x/>", icc_profile=b"no profile")
    junk = {
        "cut": original[:-3],
        "longer than said": original + b"junk",
        "broken": original.replace(b"MM\0*", b"\xff\xff\xff\xff"),
        "unknown": original + b"junk\xff\0\0\0abc",
    }
    for name, content in junk.items():
        assert (read(tmp_path / f"{name}.webp", content) == expected).all(), name


def test_a_gif_is_its_pixels(tmp_path: Path) -> None:
    """Broken extensions before the frame cost nothing, nor does what follows it."""
    original = encode("GIF")
    expected = read(tmp_path / "plain.gif", original)
    offset = 13 + 3 * 2 ** ((original[10] & 7) + 1)
    junk = {
        "loop": b"\x21\xff\x0bNETSCAPE2.0\x01\x01\0",
        "control": b"\x21\xf9\x01\0\0",
        "application": b"\x21\xff\x02ab\0",
        "comment": b"\x21\xfe\x03\xff\xff\xff\0",
        "unknown": b"\x21\x99\x01\0\0",
    }
    for name, extra in junk.items():
        content = original[:offset] + extra + original[offset:]
        assert (read(tmp_path / f"{name}.gif", content) == expected).all(), name
    assert (read(tmp_path / "tail.gif", original[:-1] + b"\x21\xff\x0bjunk") == expected).all()


def test_a_tiff_is_its_pixels(tmp_path: Path) -> None:
    """Tags of a strange type, or that point beyond the file, cost nothing."""
    for compression in (None, "tiff_lzw", "tiff_adobe_deflate"):
        original = encode("TIFF", compression=compression)
        expected = read(tmp_path / "plain.tif", original)
        (start,) = struct.unpack_from("<I", original, 4)
        (count,) = struct.unpack_from("<H", original, start)
        entries = original[start + 2 : start + 2 + 12 * count]
        for kind in (0, 1, 2, 5, 12, 99):
            for tag in (33432, 700, 34675, 34665, 34853, 65000):
                extra = struct.pack("<HHII", tag, kind, 0xFFFFFF, len(original) - 3)
                directory = struct.pack("<H", count + 1) + entries + extra + b"\xff\xff\xff\x7f"
                content = original[:4] + struct.pack("<I", len(original)) + original[8:] + directory
                assert (read(tmp_path / "a.tif", content) == expected).all(), (kind, tag)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_the_picture_is_turned_whatever_lies_beside(
    tmp_path: Path, suffix: str, orientation: int
) -> None:
    """Sound EXIF still turns a picture whose other metadata are broken."""
    kinds = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "tif": "TIFF"}
    original = encode(kinds[suffix], exif=exif(orientation))
    expected = read(tmp_path / f"whole.{suffix}", original)
    assert expected.shape[:2] == ((24, 16) if orientation == 6 else (16, 24))
    for keep_orientation in (True, False):
        content = drop_metadata(original, orientation=keep_orientation)
        pixels = read(tmp_path / f"less.{suffix}", content)
        assert (
            pixels.shape == expected.shape and (pixels == expected).all()
        ) or not keep_orientation
    if suffix == "png":
        broken = original[:HEAD] + PNG_CHUNKS["short gamma"] + original[HEAD:]
        assert (read(tmp_path / "broken.png", broken) == expected).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
def test_lost_pixels_are_still_an_error(tmp_path: Path, kind: str) -> None:
    """A file cut short in its pixels is an image error, its metadata sound or broken."""
    content = encode(kind)
    cut = content[: len(content) // 2]
    if kind == "PNG":
        cut = cut[:HEAD] + PNG_CHUNKS["short gamma"] + cut[HEAD:]
    if kind == "TIFF":
        cut = content[:8] + bytes(40) + content[len(content) - 200 :]
    (tmp_path / "cut").write_bytes(cut)
    with pytest.raises(ImageError):
        open_image(tmp_path / "cut")


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_clear_grey_is_white_at_any_depth(tmp_path: Path, depth: int) -> None:
    """A grey that stands for clear is written as deep as the samples are, and laid on white."""
    maximum = 2**depth - 1
    clear = maximum if depth == 1 else maximum // 3
    samples = [0, clear, maximum, 0] if depth != 1 else [0, 1, 0, 1]
    bits = "".join(f"{sample:0{depth}b}" for sample in samples)
    body = b"\0" + int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8))
    content = encode("PNG")[:8] + b"".join(
        [
            chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 1, depth, 0, 0, 0, 0)),
            chunk(b"tRNS", struct.pack(">H", clear)),
            chunk(b"IDAT", zlib.compress(body)),
            chunk(b"IEND", b""),
        ]
    )
    levels = read(tmp_path / "grey.png", content)[0, :, 0].tolist()
    assert levels == [255 if sample == clear else sample * 255 // maximum for sample in samples]


def test_clear_colours_are_told_by_all_their_bits(tmp_path: Path) -> None:
    """Of two 16-bit colours that differ in their lower halves alone one is clear."""
    body = b"\0" + struct.pack(">6H", 0x8001, 0x4002, 3, 0x8001, 0x4002, 4)
    content = encode("PNG")[:8] + b"".join(
        [
            chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)),
            chunk(b"tRNS", struct.pack(">3H", 0x8001, 0x4002, 3)),
            chunk(b"IDAT", zlib.compress(body)),
            chunk(b"IEND", b""),
        ]
    )
    assert read(tmp_path / "deep.png", content)[0].tolist() == [[255, 255, 255], [128, 64, 0]]
