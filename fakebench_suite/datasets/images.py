"""Image file -> pixels, and nothing else: the same few rules for every source.

What reaches a model is a fresh RGB picture built from decoded pixels. File name, directory,
EXIF and every other metadata stay behind, so nothing but the picture can tell the label.
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

from fakebench_suite.datasets.image_metadata import drop_metadata
from fakebench_suite.datasets.image_modes import to_plain_rgb
from fakebench_suite.errors import (
    AmbiguousImageError,
    ImageError,
    MachineError,
    MissingImageError,
)

MAX_PIXELS = 64_000_000
"""Larger pictures are refused as decompression bombs; a 20,000 x 3,000 panorama passes."""
_MAX_FILE_BYTES = 8 * MAX_PIXELS
"""Of a file that is read whole: four samples of 16 bits for each pixel."""
_MANY_PIXELS = 8_000_000
_MANY_PIXELS_LOCK = threading.Lock()
"""Held while a picture of more pixels is opened, which takes several times their room."""
_RESOURCE_ERRORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""What the machine has no more of: files of this process or of all, and memory."""
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
# No others: Pillow would hand a PostScript file, whatever its name, to a program.
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
"""EXIF orientation -> what undoes it (EXIF 2.32, tag 0x0112)."""


@contextmanager
def silence_decoder_warnings() -> Generator[None, None, None]:
    """Silence about broken metadata, which stay behind anyway, while pictures are opened.

    Python keeps one list of warning filters for all threads. So the one thread that lets others
    open pictures enters this before the first is opened and leaves it after the last, and
    :func:`open_image` touches no filter.
    """
    with warnings.catch_warnings():
        for module in (r"PIL\.", rf"{re.escape(__package__ or '')}\."):
            warnings.filterwarnings("ignore", module=module)
        yield


def open_image(path: Path) -> Image.Image:
    """The first frame of an image file, upright, as 8-bit RGB without metadata.

    Transparent pixels are laid on white, 16-bit samples scaled to 8. Metadata that a decoder
    refuses cost nothing. Raises ImageError when the file is missing, empty, truncated, not an
    image, or larger than MAX_PIXELS. To be called within :func:`silence_decoder_warnings`: where
    warnings are errors, one about metadata would cost the picture.
    """
    try:
        if not path.is_file() and path.exists():  # To open a named pipe would wait for ever.
            raise ImageError(f"{path.name} is not a regular file.")
        return _decode_tolerantly(path)
    except ImageError:
        raise
    except MemoryError as error:
        raise MachineError(f"There is no memory left to open {path.name}.") from error
    except FileNotFoundError as error:
        raise MissingImageError(f"{path.name} is missing from {path.parent}.") from error
    except UnidentifiedImageError as error:
        empty = path.stat().st_size == 0
        raise ImageError(
            f"{path.name} is {'empty' if empty else 'not an image of a known format'}."
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{path.name} has more than the {MAX_PIXELS:,} pixels allowed; it is refused as a "
            "decompression bomb."
        ) from error
    except OSError as error:
        if error.errno in _RESOURCE_ERRORS:
            raise MachineError(f"{path.name} cannot be opened: {error.strerror}.") from error
        raise ImageError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    except Exception as error:  # Pillow's decoders raise nearly anything on broken bytes
        raise ImageError(f"{path.name} cannot be decoded: {error}.") from error


def _decode_tolerantly(path: Path) -> Image.Image:
    """The picture as it is, or else without the metadata that may be to blame."""
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
    """The content of an image file with no metadata but its orientation, then with none."""
    if path.stat().st_size > _MAX_FILE_BYTES:
        return
    content = path.read_bytes()
    for orientation in (True, False):
        with suppress(IndexError, ValueError, struct.error):
            yield drop_metadata(content, orientation=orientation)


def _decode(source: Path | bytes, name: str) -> Image.Image:
    with Image.open(_to_source(source), formats=FORMATS) as picture:
        pixels = picture.width * picture.height
        if pixels > MAX_PIXELS:
            raise ImageError(
                f"{name} has {picture.width} x {picture.height} pixels, more than the "
                f"{MAX_PIXELS:,} allowed; it is refused as a decompression bomb."
            )
        with _MANY_PIXELS_LOCK if pixels > _MANY_PIXELS else nullcontext():
            raw = picture.tile[0][3] if picture.tile else None
            picture.load()
            low = _read_low_bytes(source) if _needs_low_bytes(picture, raw) else None
            bare = to_plain_rgb(picture, raw=raw if isinstance(raw, str) else "", low=low)
            turn = _select_transpose(picture)
            return bare if turn is None else bare.transpose(turn)


def _to_source(source: Path | bytes) -> Path | BytesIO:
    return BytesIO(source) if isinstance(source, bytes) else source


def _select_transpose(picture: Image.Image) -> Image.Transpose | None:
    """What undoes the EXIF orientation; None where there is none or it cannot be read.

    Not ``ImageOps.exif_transpose``: that writes the whole EXIF anew, and fails where it is broken.
    """
    try:
        return _TRANSPOSES.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow's EXIF reader raises nearly anything on broken bytes
        return None


def _needs_low_bytes(picture: Image.Image, raw: object) -> bool:
    return raw == "RGB;16B" and "transparency" in picture.info


def _read_low_bytes(source: Path | bytes) -> Image.Image:
    """The lower half of every 16-bit sample: Pillow keeps the upper, and a clear colour has both.

    Read as if the samples were little-endian, the lower half is the upper one.
    """
    with Image.open(_to_source(source), formats=FORMATS) as picture:
        picture.tile = [tile._replace(args="RGB;16L") for tile in picture.tile]
        picture.load()
        return picture.copy()


class ImageFolder:
    """Finds images by name anywhere below a directory, listing it once, at the first question."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._paths: dict[str, list[Path]] | None = None

    def find(self, name: str, *, prefer: str | None = None) -> Path:
        """The file called ``name``; ``prefer`` is a directory name that settles a tie.

        A file of just these characters is meant before one that spells an accent in two.
        Raises MissingImageError when there is none, AmbiguousImageError when there are several
        and no way to choose.
        """
        exact, parts = self.root / name, _normalize_parts(Path(name).parts)
        if os.path.isfile(exact):  # noqa: PTH113  # Path.is_file raises on a name too long
            return exact
        found = [
            path
            for path in self._listing().get(parts[-1], [])
            if _normalize_parts(path.parts[-len(parts) :]) == parts
        ]
        if len(found) > 1 and prefer is not None:
            below = len(self.root.parts)
            found = [path for path in found if prefer in path.parts[below:]] or found
        if not found:
            raise MissingImageError(f"{name} is missing: no file of that name below {self.root}.")
        if len(found) > 1:
            raise AmbiguousImageError(
                f"{name} is ambiguous: {found[0]} and {found[1]} both match. Keep one, or put "
                "them into fake_images/ and real_images/.",
                rivals=tuple(found),
            )
        return found[0]

    def list_paths(self) -> list[Path]:
        """Every image file below the directory, each file once."""
        return [path for paths in self._listing().values() for path in paths]

    def __bool__(self) -> bool:
        return bool(self._listing())

    def _listing(self) -> dict[str, list[Path]]:
        if self._paths is None:
            # Kept once it is whole: threads that ask meanwhile must not see half of it.
            self._paths = _list_images(self.root)
        return self._paths


def is_image_name(name: str) -> bool:
    """Whether a file of this name is taken for an image."""
    return Path(name).suffix.lower() in _SUFFIXES


def _list_images(root: Path) -> dict[str, list[Path]]:
    """The image files below a directory by name, composed; folders behind links only once."""
    paths: dict[str, list[Path]] = {}
    seen = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        place = os.path.realpath(folder)
        if place in seen:
            folders.clear()
            continue
        seen.add(place)
        folders.sort()
        for name in sorted(names):
            if is_image_name(name):
                key = unicodedata.normalize("NFC", name)
                paths.setdefault(key, []).append(Path(folder, name))
    return paths


def _normalize_parts(parts: Sequence[str]) -> tuple[str, ...]:
    """A name's parts in one normal form: a Mac and a Linux machine spell an accent differently."""
    return tuple(unicodedata.normalize("NFC", part) for part in parts)
