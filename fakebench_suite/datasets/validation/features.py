"""What could tell an image's label without a look at its pixels, one feature at a time."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from statistics import median

from fakebench_suite.datasets.validation.files import escape_surrogates
from fakebench_suite.datasets.validation.image_scan import ImageScan
from fakebench_suite.datasets.validation.issues import Exposure
from fakebench_suite.types import Authenticity

Row = dict[str, str | float]
"""One image's value: texts are categories and are shown to the reader, numbers have an order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature of labelled images; those it does not apply to are left out."""

    name: str
    reach: Exposure
    rows: tuple[Row, ...]
    labels: tuple[Authenticity, ...]


def list_features(looks: Sequence[ImageScan]) -> Iterator[Feature]:
    """Every feature that applies to some labelled image, those that reach a model first."""
    labelled = sorted((look for look in looks if look.label), key=lambda look: look.image)
    # Where some have files, the others' folders are unknown, not those their names would give.
    placed = [look for look in labelled if look.path] or labelled
    parents = [str(_image_path(look).parent) for look in placed]
    common = os.path.commonpath(parents) if parents else ""
    half = median(weights) if (weights := [*filter(None, map(_bytes_per_pixel, labelled))]) else 0.0

    def read_directory(look: ImageScan) -> Row | None:
        if look.path is None and placed is not labelled:
            return None
        return {"directory": _mask_digits(os.path.relpath(_image_path(look).parent, common))}

    def read_weight(look: ImageScan) -> Row | None:
        weight = _bytes_per_pixel(look)
        if weight is None:
            return None
        return {"bytes": weight, "half": f"{'under' if weight < half else 'from'} {half:.2f}"}

    readers: tuple[tuple[str, Exposure, Callable[[ImageScan], Row | None]], ...] = (
        ("image size", Exposure.ALWAYS, _read_size),
        ("aspect ratio", Exposure.ALWAYS, _read_aspect),
        ("question wording", Exposure.ALWAYS, lambda look: {text: text for text in look.questions}),
        ("question type", Exposure.ALWAYS, lambda look: {f: f for f in look.questions.values()}),
        ("file format", Exposure.TRACES, _read_format),
        ("JPEG coding", Exposure.TRACES, _read_coding),
        ("bytes per pixel", Exposure.TRACES, read_weight),
        ("colour mode", Exposure.TRACES, _read_mode),
        ("metadata keys", Exposure.NEVER, _read_keys),
        ("file name", Exposure.NEVER, _read_name),
        ("directory", Exposure.NEVER, read_directory),
        ("file suffix", Exposure.NEVER, lambda look: {"": _image_path(look).suffix or "none"}),
    )
    for name, reach, read in readers:
        pairs = [(row, look.label) for look in labelled if (row := read(look))]
        if pairs:
            yield Feature(
                name=name,
                reach=reach,
                rows=tuple(row for row, _ in pairs),
                labels=tuple(label for _, label in pairs if label),
            )


def _image_path(look: ImageScan) -> PurePath:
    """The file, or the name it would have."""
    return look.path or PurePath(look.image)


def _mask_digits(name: str) -> str:
    """The name with every number as #, so that a count is no value of its own."""
    return re.sub(r"\d+", "#", escape_surrogates(name))


def _read_name(look: ImageScan) -> Row:
    pattern = _mask_digits(_image_path(look).stem)
    # Words tell where patterns do not repeat: fake-cat, fake-dog.
    words = {f"word {word}": 1.0 for word in re.findall(r"[^\W\d_]{3,}", pattern.lower())}
    return {"pattern": pattern, **words}


def _read_size(look: ImageScan) -> Row | None:
    if look.size is None:
        return None
    width, height = look.size
    return {"size": f"{width}x{height}", "width": width, "height": height}


def _read_aspect(look: ImageScan) -> Row | None:
    if look.size is None:
        return None
    ratio = look.size[0] / max(1, look.size[1])
    return {"shown": f"{ratio:.2f}", "ratio": ratio}


def _read_format(look: ImageScan) -> Row | None:
    return {"": look.container.format} if look.container else None


def _read_mode(look: ImageScan) -> Row | None:
    return {"": look.container.mode} if look.container else None


def _read_coding(look: ImageScan) -> Row | None:
    return {"": look.container.coding} if look.container and look.container.coding else None


def _read_keys(look: ImageScan) -> Row | None:
    if look.container is None:
        return None
    return {key: key for key in look.container.keys} or {"": "none"}


def _bytes_per_pixel(look: ImageScan) -> float | None:
    """Bytes of the file per pixel: of lossless files, how much detail and noise there is."""
    if look.container is None or look.size is None:
        return None
    return look.container.size / max(1, look.size[0] * look.size[1])
