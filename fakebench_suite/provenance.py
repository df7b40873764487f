"""What the answers of a run depend on: one identity, free of places, whose parts have names."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from fakebench_suite.types import PixelDigest, Record

if TYPE_CHECKING:
    from PIL import Image

PROTOCOL = 2
"""Raised whenever a change of the suite can move scores; manifests without one are of protocol 1.

2: identities, prompts and pixels by digest in every record.
"""
_SMALL_SIDE = 128
"""Pixels of the longer side. FakeBench's generators draw 256 x 256 and more (arXiv 2404.13306,
section III), and the photographs of ImageNet, COCO and DIV2K are some hundred pixels wide."""


class PixelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The pictures of a run's images, as they were shown."""

    digest: str
    """Over names and pixels of all images, in whatever order they were asked about."""
    images: int
    known: int
    """Images whose pixels have a digest: all, but for those that could not be opened."""
    repeated: int = 0
    """Images that show the pixels of another."""
    flat: int = 0
    """Images of one colour."""
    small: int = 0
    """Images whose longer side is below 128 pixels."""

    @property
    def odd(self) -> int:
        """Upper bound of the images that a benchmark of pictures would not have."""
        return max(self.repeated, self.flat, self.small)


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the answers of a run depend on, and nothing about places or clocks.

    Two runs of equal identity may be merged; where they differ, the names of the parts that differ
    say what the difference is.
    """

    protocol: int
    code: str
    """Digest of the suite that asked."""
    card: dict[str, Any]
    """The card less its name, its path and what is for people."""
    weights: str | None = None
    """Digest of the weights; None for models that have none."""
    files: dict[str, str] = {}
    """Digests of the other files that loading reads, by name below the checkpoint's directory."""
    remote_code: bool = False
    """Whether code that came with the checkpoint was run."""
    rows: str
    """Digest of the data set's rows."""
    prompts: str
    """Digest of the prompts' texts."""
    style: str
    """The prompts' wording: ``paper`` or ``clean``."""
    reply: str
    """``text`` where replies are written, ``likelihood`` where options are weighed."""
    generation: Any = None
    """Decoding settings in force; None where no model told them."""
    rendering: list[str] | None = None
    """Digests of one fixed question after the chat template; None where no model told them."""
    pixels: PixelFacts | None = None
    """None until the run is closed, and where nothing is known of them."""


def digest_pixels(picture: "Image.Image") -> PixelDigest:
    """The digest of a decoded picture: BLAKE2b over mode, size and bytes, 128 bits."""
    digest = hashlib.blake2b(f"{picture.mode} {picture.size} ".encode(), digest_size=16)
    digest.update(picture.tobytes())
    extrema = picture.getextrema()
    bands = extrema if isinstance(extrema[0], tuple) else (extrema,)
    return PixelDigest(
        digest=digest.hexdigest(),
        size=picture.size,
        flat=all(isinstance(band, tuple) and band[0] == band[1] for band in bands),
    )


def digest_parts(parts: Iterable[bytes]) -> str:
    """SHA-256 over the given parts in order, as hex; where one ends and the next begins counts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def collect_pixels(records: Iterable[Record]) -> Mapping[str, PixelDigest | None]:
    """The pixels of every image that the records are about; None where they are unknown."""
    found: dict[str, PixelDigest | None] = {}
    for record in records:
        found[record.case.image] = found.get(record.case.image) or record.pixels
    return found


def summarize_pixels(records: Iterable[Record]) -> PixelFacts | None:
    """What is known of the pictures of these records; None where nothing is."""
    images = collect_pixels(records)
    known = {name: one for name, one in images.items() if one is not None}
    if not known:
        return None
    shown = Counter(one.digest for one in known.values())
    names = (f"{name}\0{known[name].digest}" for name in sorted(known))
    return PixelFacts(
        digest=digest_parts(line.encode("utf-8", "surrogatepass") for line in names),
        images=len(images),
        known=len(known),
        repeated=len(known) - len(shown),
        flat=sum(one.flat for one in known.values()),
        small=sum(max(one.size) < _SMALL_SIDE for one in known.values()),
    )


def count_changed_pixels(one: Iterable[Record], two: Iterable[Record]) -> tuple[int, int]:
    """Images that two runs showed with unequal pixels, of those whose pixels both know."""
    ours, theirs = collect_pixels(one), collect_pixels(two)
    pairs = [
        (ours[name], theirs[name])
        for name in ours.keys() & theirs.keys()
        if ours[name] is not None and theirs[name] is not None
    ]
    return sum(mine != other for mine, other in pairs), len(pairs)


def read_identity(manifest: Mapping[str, Any]) -> Identity | None:
    """The identity in a manifest; None where an older version of the suite wrote it."""
    found = manifest.get("identity")
    try:
        return None if found is None else msgspec.convert(found, Identity)
    except msgspec.ValidationError:
        return None
