"""What an image file says beside its pixels: format, coding, and the keys of its metadata."""

import mmap
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from PIL import ExifTags, Image, JpegImagePlugin, PngImagePlugin

from fakebench_suite.datasets.images import FORMATS, iter_without_metadata

_SIGNATURES = {
    "C2PA": b"jumdc2pa",  # the head of every manifest store (C2PA 2.1, 11.1.4), in any container
    "IPTC trainedAlgorithmicMedia": b"trainedAlgorithmicMedia",
}
_TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt", b"eXIf")
_INFO = {
    "xmp": "XMP",
    "icc_profile": "ICC profile",
    "comment": "comment",
    "photoshop": "Photoshop",
}
_SUBSAMPLING = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
_MAX_KEY_LENGTH, _MAX_KEYS = 60, 200
"""Characters of a key, and keys of a file, that are looked at: both are a stranger's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMetadata:
    """The file around the pixels."""

    size: int
    """Bytes."""
    format: str
    """By content, not by name; as Pillow calls it."""
    mode: str
    """Colour mode as Pillow calls it, before anything is converted."""
    coding: str | None
    """Of a JPEG: quality by its quantisation tables, chroma subsampling, progressive or not."""
    keys: tuple[str, ...]
    """Names of the metadata it carries, each once, never their values."""


def read_image_metadata(path: Path) -> ImageMetadata:
    """The container of an image that can be opened; broken metadata are a key of their own."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        marks = [name for name, mark in _SIGNATURES.items() if content.find(mark) >= 0]
        talks = any(content.find(chunk) >= 0 for chunk in _TEXT_CHUNKS)
        picture, broken = _open(path)
        with picture:
            try:
                if talks and isinstance(picture, PngImagePlugin.PngImageFile):
                    picture.load()  # Text may stand behind the pixels.
                keys = {*marks, *_list_keys(picture)}
            except Exception:  # Pillow's readers raise nearly anything on broken bytes
                keys, broken = {*marks}, True
            if broken:
                keys.add("broken metadata")
            return ImageMetadata(
                size=len(content),
                # A JPEG that carries further pictures is a JPEG to whoever looks at the first.
                format="JPEG" if picture.format == "MPO" else str(picture.format),
                mode=picture.mode,
                coding=_describe_coding(picture),
                keys=tuple(sorted(key[:_MAX_KEY_LENGTH] for key in keys))[:_MAX_KEYS],
            )


def _open(path: Path) -> tuple[Image.Image, bool]:
    """The picture, not yet decoded, and whether it opens only without its metadata."""
    try:
        return Image.open(path, formats=FORMATS), False
    except Exception:  # Pillow's readers raise nearly anything on broken bytes
        for content in iter_without_metadata(path):
            with suppress(Exception):
                return Image.open(BytesIO(content), formats=FORMATS), True
        raise


def _list_keys(picture: Image.Image) -> Iterator[str]:
    yield from (name for key, name in _INFO.items() if picture.info.get(key))
    if isinstance(picture, PngImagePlugin.PngImageFile):
        yield from (f"PNG {key}" for key in picture.text if not key.startswith("XML:com.adobe"))
    if picture.format == "TIFF":  # whose every property is a tag
        return
    exif = picture.getexif()
    tags = [*exif, *exif.get_ifd(ExifTags.IFD.Exif)]
    pointers = {int(ifd) for ifd in ExifTags.IFD}
    yield from (f"EXIF {ExifTags.TAGS.get(tag, hex(tag))}" for tag in tags if tag not in pointers)
    if ExifTags.IFD.GPSInfo in exif:
        yield "EXIF GPSInfo"


def _describe_coding(picture: Image.Image) -> str | None:
    if not isinstance(picture, JpegImagePlugin.JpegImageFile):
        return None
    tables = [tuple(table) for table in picture.quantization.values()]
    quality = _list_qualities().get(tables[0]) if tables else None
    if quality is None:
        named = f"own tables {sha256(repr(tables).encode()).hexdigest()[:8]}"
    else:
        named = f"quality {quality}"
    sampling = _SUBSAMPLING.get(JpegImagePlugin.get_sampling(picture), "other sampling")
    progressive = ", progressive" if picture.info.get("progressive") else ""
    return f"{named}, {sampling}{progressive}"


@cache
def _list_qualities() -> dict[tuple[int, ...], int]:
    """The luminance table of each quality: written by libjpeg, so no formula is copied."""
    found: dict[tuple[int, ...], int] = {}
    for quality in range(100, 0, -1):
        file = BytesIO()
        Image.new("L", (8, 8)).save(file, "JPEG", quality=quality)
        file.seek(0)
        with JpegImagePlugin.JpegImageFile(file) as picture:
            found[tuple(picture.quantization[0])] = quality
    return found
