"""Features that may reveal an image's label without its pixels."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from statistics import median

from fakebench_suite.datasets.validation.files import escape_surrogates
from fakebench_suite.datasets.validation.image_scan import ImageScan
from fakebench_suite.datasets.validation.issues import Reach
from fakebench_suite.types import Authenticity

Row = dict[str, str | float]
"""Values of one image: texts are categories and are shown to the user, numbers are ordered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature of labelled images; images without a value are left out."""

    name: str
    reach: Reach
    rows: tuple[Row, ...]
    labels: tuple[Authenticity, ...]


def list_features(scans: Sequence[ImageScan]) -> Iterator[Feature]:
    """Yield every feature of some labelled image, those that a model can observe first."""
    labelled = sorted((scan for scan in scans if scan.label), key=lambda scan: scan.image)
    # If some images have files, the folders of the others are unknown.
    placed = [scan for scan in labelled if scan.path] or labelled
    parents = [str(_image_path(scan).parent) for scan in placed]
    common = os.path.commonpath(parents) if parents else ""
    middle = (
        median(densities)
        if (densities := [*filter(None, map(_bytes_per_pixel, labelled))])
        else 0.0
    )

    def read_directory(scan: ImageScan) -> Row | None:
        if scan.path is None and placed is not labelled:
            return None
        return {"directory": _mask_digits(os.path.relpath(_image_path(scan).parent, common))}

    def read_density(scan: ImageScan) -> Row | None:
        density = _bytes_per_pixel(scan)
        if density is None:
            return None
        return {"bytes": density, "half": f"{'under' if density < middle else 'from'} {middle:.2f}"}

    readers: tuple[tuple[str, Reach, Callable[[ImageScan], Row | None]], ...] = (
        ("image size", Reach.ALWAYS, _read_size),
        ("aspect ratio", Reach.ALWAYS, _read_aspect),
        ("question wording", Reach.ALWAYS, lambda scan: {text: text for text in scan.questions}),
        ("question type", Reach.ALWAYS, lambda scan: {f: f for f in scan.questions.values()}),
        ("file format", Reach.TRACES, _read_format),
        ("JPEG coding", Reach.TRACES, _read_coding),
        ("bytes per pixel", Reach.TRACES, read_density),
        ("colour mode", Reach.TRACES, _read_mode),
        ("metadata keys", Reach.NEVER, _read_keys),
        ("file name", Reach.NEVER, _read_name),
        ("directory", Reach.NEVER, read_directory),
        ("file suffix", Reach.NEVER, lambda scan: {"": _image_path(scan).suffix or "none"}),
    )
    for name, reach, read in readers:
        pairs = [(row, scan.label) for scan in labelled if (row := read(scan))]
        if pairs:
            yield Feature(
                name=name,
                reach=reach,
                rows=tuple(row for row, _ in pairs),
                labels=tuple(label for _, label in pairs if label),
            )


def _image_path(scan: ImageScan) -> PurePath:
    """Return the file's path, or the image name if it has no file."""
    return scan.path or PurePath(scan.image)


def _mask_digits(name: str) -> str:
    """Return the name with ``#`` for every number, so that a counter is not a value."""
    return re.sub(r"\d+", "#", escape_surrogates(name))


def _read_name(scan: ImageScan) -> Row:
    pattern = _mask_digits(_image_path(scan).stem)
    # Words reveal the label when patterns do not repeat: fake-cat, fake-dog.
    words = {f"word {word}": 1.0 for word in re.findall(r"[^\W\d_]{3,}", pattern.lower())}
    return {"pattern": pattern, **words}


def _read_size(scan: ImageScan) -> Row | None:
    if scan.size is None:
        return None
    width, height = scan.size
    return {"size": f"{width}x{height}", "width": width, "height": height}


def _read_aspect(scan: ImageScan) -> Row | None:
    if scan.size is None:
        return None
    ratio = scan.size[0] / max(1, scan.size[1])
    return {"shown": f"{ratio:.2f}", "ratio": ratio}


def _read_format(scan: ImageScan) -> Row | None:
    return {"": scan.container.format} if scan.container else None


def _read_mode(scan: ImageScan) -> Row | None:
    return {"": scan.container.mode} if scan.container else None


def _read_coding(scan: ImageScan) -> Row | None:
    return {"": scan.container.coding} if scan.container and scan.container.coding else None


def _read_keys(scan: ImageScan) -> Row | None:
    if scan.container is None:
        return None
    return {key: key for key in scan.container.keys} or {"": "none"}


def _bytes_per_pixel(scan: ImageScan) -> float | None:
    """Return the file's bytes per pixel; in lossless files they measure detail and noise."""
    if scan.container is None or scan.size is None:
        return None
    return scan.container.size / max(1, scan.size[0] * scan.size[1])
