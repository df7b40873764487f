"""Read an image file's format, coding and metadata keys."""

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
"""Characters of a key, and keys of a file, that are kept; files may contain anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMetadata:
    """Properties of an image file other than its pixels."""

    size: int
    """Bytes."""
    format: str
    """Pillow's name of the format, by content."""
    mode: str
    """Pillow's name of the colour mode in the file."""
    coding: str | None
    """Of a JPEG: quality by its quantisation tables, chroma subsampling, and whether
    progressive."""
    keys: tuple[str, ...]
    """Names of the metadata in the file, each once, without values."""


def read_image_metadata(path: Path) -> ImageMetadata:
    """Read the metadata of an image that can be opened; broken metadata counts as a key."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        signatures = [
            name for name, signature in _SIGNATURES.items() if content.find(signature) >= 0
        ]
        has_text = any(content.find(chunk) >= 0 for chunk in _TEXT_CHUNKS)
        image, broken = _open(path)
        with image:
            try:
                if has_text and isinstance(image, PngImagePlugin.PngImageFile):
                    image.load()  # Text chunks may follow the pixels.
                keys = {*signatures, *_list_keys(image)}
            except Exception:  # Pillow's readers raise nearly anything on broken bytes
                keys, broken = {*signatures}, True
            if broken:
                keys.add("broken metadata")
            return ImageMetadata(
                size=len(content),
                # A JPEG with further images (MPO) counts as a JPEG, since only the first is used.
                format="JPEG" if image.format == "MPO" else str(image.format),
                mode=image.mode,
                coding=_describe_coding(image),
                keys=tuple(sorted(key[:_MAX_KEY_LENGTH] for key in keys))[:_MAX_KEYS],
            )


def _open(path: Path) -> tuple[Image.Image, bool]:
    """Return the image, not yet decoded, and whether it opens only without its metadata."""
    try:
        return Image.open(path, formats=FORMATS), False
    except Exception:  # Pillow's readers raise nearly anything on broken bytes
        for stripped in iter_without_metadata(path):
            with suppress(Exception):
                return Image.open(BytesIO(stripped), formats=FORMATS), True
        raise


def _list_keys(image: Image.Image) -> Iterator[str]:
    """Yield the names of the metadata: those of Pillow, PNG text chunks and EXIF tags."""
    yield from (name for key, name in _INFO.items() if image.info.get(key))
    if isinstance(image, PngImagePlugin.PngImageFile):
        yield from (f"PNG {key}" for key in image.text if not key.startswith("XML:com.adobe"))
    if image.format == "TIFF":  # All properties of a TIFF are tags.
        return
    exif = image.getexif()
    tags = [*exif, *exif.get_ifd(ExifTags.IFD.Exif)]
    pointers = {int(ifd) for ifd in ExifTags.IFD}
    yield from (f"EXIF {ExifTags.TAGS.get(tag, hex(tag))}" for tag in tags if tag not in pointers)
    if ExifTags.IFD.GPSInfo in exif:
        yield "EXIF GPSInfo"


def _describe_coding(image: Image.Image) -> str | None:
    """Return a JPEG's quality, subsampling and progressive flag in words; None for others."""
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return None
    tables = [tuple(table) for table in image.quantization.values()]
    quality = _list_qualities().get(tables[0]) if tables else None
    if quality is None:
        description = f"own tables {sha256(repr(tables).encode()).hexdigest()[:8]}"
    else:
        description = f"quality {quality}"
    sampling = _SUBSAMPLING.get(JpegImagePlugin.get_sampling(image), "other sampling")
    progressive = ", progressive" if image.info.get("progressive") else ""
    return f"{description}, {sampling}{progressive}"


@cache
def _list_qualities() -> dict[tuple[int, ...], int]:
    """Return the JPEG quality by its luminance table, as libjpeg writes them."""
    qualities: dict[tuple[int, ...], int] = {}
    for quality in range(100, 0, -1):
        file = BytesIO()
        Image.new("L", (8, 8)).save(file, "JPEG", quality=quality)
        file.seek(0)
        with JpegImagePlugin.JpegImageFile(file) as image:
            qualities[tuple(image.quantization[0])] = quality
    return qualities
