"""Image file -> pixels, and nothing else: the same few rules for every source.

What reaches a model is a fresh RGB picture built from decoded pixels. File name, directory,
EXIF and every other metadata stay behind, so nothing but the picture can tell the label.
"""

import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fakebench_suite.errors import ImageError

MAX_PIXELS = 64_000_000
"""Larger pictures are refused as decompression bombs; a 20,000 x 3,000 panorama passes."""
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})


def open_image(path: Path) -> Image.Image:
    """The first frame of an image file, upright, as 8-bit RGB without metadata.

    Transparent pixels are laid on white, 16-bit samples scaled to 8. Raises ImageError when the
    file is missing, empty, truncated, not an image, or larger than MAX_PIXELS.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise ImageError(
                        f"{path.name} has {picture.width} x {picture.height} pixels, more than "
                        f"the {MAX_PIXELS:,} allowed; it is refused as a decompression bomb."
                    )
                picture.load()
                return strip(ImageOps.exif_transpose(picture))
    except FileNotFoundError as error:
        raise ImageError(f"{path.name} is missing from {path.parent}.") from error
    except UnidentifiedImageError as error:
        empty = path.stat().st_size == 0
        raise ImageError(
            f"{path.name} is {'empty' if empty else 'not an image of a known format'}."
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{path.name} is refused as a decompression bomb: {error}.") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise ImageError(f"{path.name} cannot be decoded: {error}.") from error


def strip(picture: Image.Image) -> Image.Image:
    """A new RGB picture with the same pixels and no metadata."""
    if picture.mode.startswith("I") or picture.mode == "F":
        samples = np.asarray(picture, dtype=np.float64)
        scale = 255 / 65535 if samples.max(initial=0) > 255 else 1.0
        picture = Image.fromarray(np.clip(np.rint(samples * scale), 0, 255).astype(np.uint8))
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

        Raises ImageError when there is none, or several and no way to choose.
        """
        exact = self.root / name
        found = [exact] if exact.is_file() else self._listing().get(Path(name).name, [])
        if len(found) > 1 and prefer is not None:
            found = [path for path in found if prefer in path.parts] or found
        if not found:
            raise ImageError(f"{name} is missing: no file of that name below {self.root}.")
        if len(found) > 1:
            raise ImageError(
                f"{name} is ambiguous: {found[0]} and {found[1]} both match. Keep one, or put "
                "them into fake_images/ and real_images/."
            )
        return found[0]

    def __bool__(self) -> bool:
        return bool(self._listing())

    def _listing(self) -> dict[str, list[Path]]:
        if self._paths is None:
            self._paths = {}
            for folder, folders, names in os.walk(self.root):
                folders.sort()
                for name in sorted(names):
                    if Path(name).suffix.lower() in _SUFFIXES:
                        self._paths.setdefault(name, []).append(Path(folder, name))
        return self._paths
