"""Open image files as plain RGB pixels, by the same rules for every data set.

A model is shown a new RGB image made of decoded pixels. File name, directory, EXIF and all other
metadata are dropped, so that only the pixels can reveal the label.
"""

import errno
import os
import re
import struct
import threading
import unicodedata
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from io import BytesIO
from pathlib import Path

from PIL import ExifTags, Image, UnidentifiedImageError

from fakebench_suite.datasets.image_modes import to_plain_rgb
from fakebench_suite.datasets.metadata_stripping import drop_metadata
from fakebench_suite.errors import (
    AmbiguousImageError,
    ImageError,
    MachineError,
    MissingImageError,
)

MAX_PIXELS = 64_000_000
"""Larger images are refused as decompression bombs; a panorama of 20,000 x 3,000 is allowed."""
_MAX_FILE_BYTES = 8 * MAX_PIXELS
"""Largest file that is read whole: four samples of 16 bits per pixel."""
_MANY_PIXELS = 8_000_000
_MANY_PIXELS_LOCK = threading.Lock()
"""Held while an image of more than _MANY_PIXELS is opened, which takes several times its size in
memory."""
_RESOURCE_ERRORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""Errors of an exhausted machine: no file descriptor left in this process or in any, no memory."""
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
# No other formats: Pillow would run a program on a PostScript file, whatever its name.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> the operation that makes the image upright (EXIF 2.32, tag 0x0112)."""


@contextmanager
def silence_decoder_warnings() -> Generator[None, None, None]:
    """Ignore decoders' warnings about broken metadata, which is dropped anyway.

    Python has one list of warning filters for all threads. So the thread that starts others which
    open images enters this context before the first image and leaves it after the last;
    :func:`open_image` itself changes no filter.
    """
    with warnings.catch_warnings():
        for module in (r"PIL\.", rf"{re.escape(__package__ or '')}\."):
            warnings.filterwarnings("ignore", module=module)
        yield


def open_image(path: Path) -> Image.Image:
    """Open the first frame of an image file, upright, as 8-bit RGB without metadata.

    Transparent pixels are composited on white, and 16-bit samples are scaled to 8 bits. Metadata
    that a decoder rejects is ignored. Raises ImageError if the file is missing, empty, truncated,
    not an image, or larger than MAX_PIXELS, and MachineError if files or memory are exhausted. Call
    it within :func:`silence_decoder_warnings`: when warnings are errors, a warning about metadata
    would fail the image.
    """
    try:
        with _explain_errors(path.name):
            if not path.is_file() and path.exists():  # Opening a named pipe may block forever.
                raise ImageError(f"{path.name} is not a regular file.")
            return _decode_tolerantly(path)
    except FileNotFoundError as error:
        raise MissingImageError(f"{path.name} is missing from {path.parent}.") from error
    except UnidentifiedImageError as error:
        raise _describe_unknown(path.name, is_empty=path.stat().st_size == 0) from error


def open_content(content: bytes, *, name: str) -> Image.Image:
    """Open an image that is no file of its own, by the rules of :func:`open_image`.

    ``content`` holds the bytes of a file, and ``name`` is what messages call it.
    """
    try:
        with _explain_errors(name):
            return _decode(content, name)
    except UnidentifiedImageError as error:
        raise _describe_unknown(name, is_empty=not content) from error


def _describe_unknown(name: str, *, is_empty: bool) -> ImageError:
    return ImageError(f"{name} is {'empty' if is_empty else 'not an image of a known format'}.")


@contextmanager
def _explain_errors(name: str) -> Generator[None, None, None]:
    """Raise whatever opening an image raises as ImageError or MachineError.

    A missing file and an unknown format are left to the caller.
    """
    try:
        yield
    except (ImageError, FileNotFoundError, UnidentifiedImageError):
        raise
    except MemoryError as error:
        raise MachineError(f"There is no memory left to open {name}.") from error
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{name} has more than the {MAX_PIXELS:,} pixels allowed; it is refused as a "
            "decompression bomb."
        ) from error
    except OSError as error:
        if error.errno in _RESOURCE_ERRORS:
            raise MachineError(f"{name} cannot be opened: {error.strerror}.") from error
        raise ImageError(f"{name} cannot be read: {error.strerror or error}.") from error
    except Exception as error:  # Pillow's decoders raise nearly anything on broken bytes
        raise ImageError(f"{name} cannot be decoded: {error}.") from error


def _decode_tolerantly(path: Path) -> Image.Image:
    """Decode the image; if that fails, decode it again without its metadata."""
    try:
        return _decode(path, path.name)
    except (ImageError, FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception:  # Pillow's decoders raise nearly anything on broken bytes
        for content in iter_without_metadata(path):
            with suppress(Exception):
                return _decode(content, path.name)
        raise


def iter_without_metadata(path: Path) -> Iterator[bytes]:
    """Yield the file's content with no metadata but the orientation, then with none."""
    if path.stat().st_size > _MAX_FILE_BYTES:
        return
    content = path.read_bytes()
    for orientation in (True, False):
        with suppress(IndexError, ValueError, struct.error):
            yield drop_metadata(content, orientation=orientation)


def _decode(source: Path | bytes, name: str) -> Image.Image:
    """Decode one image to upright RGB; raises ImageError if it has too many pixels."""
    with Image.open(_to_source(source), formats=FORMATS) as image:
        pixel_count = image.width * image.height
        if pixel_count > MAX_PIXELS:
            raise ImageError(
                f"{name} has {image.width} x {image.height} pixels, more than the "
                f"{MAX_PIXELS:,} allowed; it is refused as a decompression bomb."
            )
        with _MANY_PIXELS_LOCK if pixel_count > _MANY_PIXELS else nullcontext():
            raw = image.tile[0][3] if image.tile else None
            image.load()
            low_bytes = _read_low_bytes(source) if _needs_low_bytes(image, raw) else None
            plain = to_plain_rgb(image, raw=raw if isinstance(raw, str) else "", low=low_bytes)
            transpose = _select_transpose(image)
            return plain if transpose is None else plain.transpose(transpose)


def _to_source(source: Path | bytes) -> Path | BytesIO:
    return BytesIO(source) if isinstance(source, bytes) else source


def _select_transpose(image: Image.Image) -> Image.Transpose | None:
    """Return the operation that makes the image upright; None without a readable orientation.

    ``ImageOps.exif_transpose`` is not used: it writes the EXIF again, and fails if it is broken.
    """
    try:
        return _TRANSPOSES.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow's EXIF reader raises nearly anything on broken bytes
        return None


def _needs_low_bytes(image: Image.Image, raw: object) -> bool:
    return raw == "RGB;16B" and "transparency" in image.info


def _read_low_bytes(source: Path | bytes) -> Image.Image:
    """Return the low bytes of all 16-bit samples as an image.

    Pillow keeps the high bytes only, but a transparent colour is given by both. When the samples
    are decoded as little-endian, the low byte is in the place of the high one.
    """
    with Image.open(_to_source(source), formats=FORMATS) as image:
        image.tile = [tile._replace(args="RGB;16L") for tile in image.tile]
        image.load()
        return image.copy()


class ImageFolder:
    """Finds images by name anywhere below a directory, which is listed once, at the first call."""

    def __init__(self, root: Path, *, advice: str = "Keep one.") -> None:
        """``advice`` says what to do about several files of one name."""
        self.root = root
        self._advice = advice
        self._paths: dict[str, list[Path]] | None = None

    def find(self, name: str, *, prefer: str | None = None) -> Path:
        """Return the path of the image ``name``.

        ``prefer`` is a directory name that decides between several files of that name. An exact
        match of the characters goes before one of another Unicode normalization. Raises
        MissingImageError if there is no such file, and AmbiguousImageError if there are several and
        ``prefer`` does not decide.
        """
        exact = os.path.join(self.root, name)  # noqa: PTH118  # strings are quicker, for thousands
        if os.path.isfile(exact):  # noqa: PTH113  # Path.is_file raises on a name too long
            return Path(exact)
        parts = _normalize_parts(Path(name).parts)
        matches = self._listing().get(parts[-1], [])
        if len(parts) > 1:
            matches = [
                path for path in matches if _normalize_parts(path.parts[-len(parts) :]) == parts
            ]
        if len(matches) > 1 and prefer is not None:
            depth = len(self.root.parts)
            matches = [path for path in matches if prefer in path.parts[depth:]] or matches
        if not matches:
            raise MissingImageError(f"{name} is missing: no file of that name below {self.root}.")
        if len(matches) > 1:
            raise AmbiguousImageError(
                f"{name} is ambiguous: {matches[0]} and {matches[1]} both match. {self._advice}",
                rivals=tuple(matches),
            )
        return matches[0]

    def list_paths(self) -> list[Path]:
        """Return the paths of all image files below the directory, each once."""
        return [path for paths in self._listing().values() for path in paths]

    def __bool__(self) -> bool:
        return bool(self._listing())

    def _listing(self) -> dict[str, list[Path]]:
        if self._paths is None:
            # Assigned once it is complete, because other threads may read it meanwhile.
            self._paths = _list_images(self.root)
        return self._paths


def is_image_name(name: str) -> bool:
    """Return whether a file name has the suffix of an image format."""
    return Path(name).suffix.lower() in _SUFFIXES


def _list_images(root: Path) -> dict[str, list[Path]]:
    """Return the image files below a directory by normalized name.

    Links are followed; a directory that is reached twice is listed once.
    """
    paths: dict[str, list[Path]] = {}
    seen = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real_path = os.path.realpath(folder)
        if real_path in seen:
            folders.clear()
            continue
        seen.add(real_path)
        folders.sort()
        for name in sorted(names):
            if is_image_name(name):
                key = unicodedata.normalize("NFC", name)
                paths.setdefault(key, []).append(Path(folder, name))
    return paths


def _normalize_parts(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the parts of a path in NFC: macOS and Linux may encode accents differently."""
    return tuple(unicodedata.normalize("NFC", part) for part in parts)
