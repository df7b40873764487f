"""Image file -> pixels, and nothing else: the same few rules for every source.

What reaches a model is a fresh RGB picture built from decoded pixels. File name, directory,
EXIF and every other metadata stay behind, so nothing but the picture can tell the label.
"""

import os
import re
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from fakebench_suite.errors import AmbiguousImageError, ImageError, MissingImageError

MAX_PIXELS = 64_000_000
"""Larger pictures are refused as decompression bombs; a 20,000 x 3,000 panorama passes."""
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
# No others: Pillow would hand a PostScript file, whatever its name, to a program.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
_RANGES = {"I": (255, 65535), "F": (1, 255, 65535)}
"""What may stand for white in modes that do not say how deep they are."""
_TURNS = {
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
def quiet_decoders() -> Generator[None, None, None]:
    """Silence about broken metadata, which stay behind anyway, while pictures are opened.

    Python keeps one list of warning filters for all threads. So the one thread that lets others
    open pictures enters this before the first is opened and leaves it after the last, and
    :func:`open_image` touches no filter.
    """
    with warnings.catch_warnings():
        for module in (r"PIL\.", rf"{re.escape(__name__)}$"):
            warnings.filterwarnings("ignore", module=module)
        yield


def open_image(path: Path) -> Image.Image:
    """The first frame of an image file, upright, as 8-bit RGB without metadata.

    Transparent pixels are laid on white, 16-bit samples scaled to 8. Raises ImageError when the
    file is missing, empty, truncated, not an image, or larger than MAX_PIXELS. To be called within
    :func:`quiet_decoders`: where warnings are errors, one about metadata would cost the picture.
    """
    try:
        if not path.is_file() and path.exists():  # To open a named pipe would wait for ever.
            raise ImageError(f"{path.name} is not a regular file.")
        with Image.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise ImageError(
                    f"{path.name} has {picture.width} x {picture.height} pixels, more than "
                    f"the {MAX_PIXELS:,} allowed; it is refused as a decompression bomb."
                )
            picture.load()
            return strip(_turn_upright(picture))
    except ImageError:
        raise
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
        raise ImageError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    except Exception as error:  # Pillow's decoders raise nearly anything on broken bytes
        raise ImageError(f"{path.name} cannot be decoded: {error}.") from error


def _turn_upright(picture: Image.Image) -> Image.Image:
    """The picture as its EXIF orientation asks; as it is where that cannot be read.

    Not ``ImageOps.exif_transpose``: that writes the whole EXIF anew, and fails where it is broken.
    """
    try:
        turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow's EXIF reader raises nearly anything on broken bytes
        return picture
    return picture if turn is None else picture.transpose(turn)


def strip(picture: Image.Image) -> Image.Image:
    """A new RGB picture with the same pixels and no metadata."""
    if picture.mode.startswith("I") or picture.mode == "F":
        samples = np.nan_to_num(np.asarray(picture, dtype=np.float64))
        # I;16 says how deep it is; of I and F, the least range that holds the samples counts.
        ranges = _RANGES.get(picture.mode, (65535,))
        full = next((top for top in ranges if samples.max(initial=0) <= top), samples.max())
        picture = Image.fromarray(np.rint(np.clip(samples / full, 0, 1) * 255).astype(np.uint8))
    if picture.mode in {"LA", "PA", "RGBA", "La", "RGBa"} or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        picture = Image.alpha_composite(white, layer)
    return Image.fromarray(np.array(picture.convert("RGB")))


class ImageFolder:
    """Finds images by name anywhere below a directory, listing it once, at the first question."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._paths: dict[str, list[Path]] | None = None

    def find(self, name: str, *, prefer: str | None = None) -> Path:
        """The file called ``name``; ``prefer`` is a directory name that settles a tie.

        Raises MissingImageError when there is none, AmbiguousImageError when there are several
        and no way to choose.
        """
        exact, parts = self.root / name, Path(name).parts
        if os.path.isfile(exact):  # noqa: PTH113  # Path.is_file raises on a name too long
            return exact
        found = [
            path
            for path in self._listing().get(parts[-1], [])
            if path.parts[-len(parts) :] == parts
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


def _list_images(root: Path) -> dict[str, list[Path]]:
    """The image files below a directory by name; folders that links lead back to only once."""
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
            if Path(name).suffix.lower() in _SUFFIXES:
                paths.setdefault(name, []).append(Path(folder, name))
    return paths
