"""What a run is told by: its identity, and what its backend and its judge say of themselves.

The identity is everything that answers depend on, without paths and times.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from fakebench_suite.types import PixelDigest, Record

if TYPE_CHECKING:
    from PIL import Image

PROTOCOL = 3
"""Incremented whenever a change of the suite can move scores; manifests without it have 1.

2: identities; digests of prompts and pixels in every record.
3: values of fields, negated adverbs and answers that are taken back, in replies on fake or real.
"""
_SMALL_SIDE = 128
"""Longer side, in pixels, below which an image counts as small. FakeBench's generators produce at
least 256 x 256 (arXiv 2404.13306, section III), and the photographs of ImageNet, COCO and DIV2K are
several hundred pixels wide."""


class ImageSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Properties of the images of a run, as they were shown to the model."""

    digest: str
    """Over names and pixels of all images, independent of their order."""
    images: int
    known: int
    """Images whose pixels have a digest: all that could be opened."""
    repeated: int = 0
    """Images with the same pixels as another one."""
    flat: int = 0
    """Images of a single colour."""
    small: int = 0
    """Images whose longer side is below 128 pixels."""

    @property
    def odd(self) -> int:
        """Lower bound of the images that are repeated, flat or small."""
        return max(self.repeated, self.flat, self.small)


class RunIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the answers of a run depend on, and nothing about paths or times.

    Runs of equal identity may be merged; the names of the fields that differ say how two runs
    differ.
    """

    protocol: int
    code: str
    """Digest of the suite's code."""
    card: dict[str, Any]
    """The card without its name, its path and its notes."""
    weights: str | None = None
    """Digest of the weights; None for models without weights."""
    files: dict[str, str] = {}
    """Digests of the other files that loading reads, by path relative to the checkpoint."""
    remote_code: bool = False
    """Whether code of the checkpoint was executed."""
    rows: str
    """Digest of the data set's rows."""
    prompts: str
    """Digest of the texts of all prompts."""
    style: str
    """The prompt style: ``paper`` or ``clean``."""
    reply: str
    """``text`` if replies are generated, ``likelihood`` if the options are compared."""
    generation: dict[str, Any] | None = None
    """Decoding settings in force; None if the model does not report them."""
    rendering: list[str] | None = None
    """Digests of one fixed question rendered by the chat template; None if the model reports
    none."""
    pixels: ImageSummary | None = None
    """None until the run has ended, and if no pixels are known."""


class InferenceInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a backend answers, for the manifest; what a backend does not know stays empty."""

    path: str = ""
    """``prefix`` where prompts about one image share its computation, else ``plain``."""
    reason: str = ""
    """One sentence on the path."""
    shared: bool = False
    """Whether prompts about one image attend to one copy of its prefix."""
    mixes: bool = False
    """Whether a batch may hold prefixes of several images."""
    device: str = ""
    """A GPU by its maker's name, or ``cpu``."""
    batch_tokens: int | None = None
    """Most tokens in one forward pass, after all that ran out of memory."""
    generation: dict[str, Any] | None = None
    """Decoding settings in force."""
    left_over: list[str] = []
    """Tensors of the checkpoint that are not used."""
    rendering: str | None = None
    """Digest of one fixed question after the chat template."""
    details: dict[str, Any] = {}
    """Whatever else the backend of another package tells."""
    error: str = ""
    """Why the backend tells nothing, in a sentence."""


class JudgeInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a judge of texts says of itself besides its name; what it does not know stays empty."""

    digest: str | None = None
    """Digest of a local judge's content, independent of its path."""
    refused_parameters: list[str] = []
    """Parameters that its server refuses."""
    sampling: str | None = None
    """How rounds were sampled without them."""
    details: dict[str, Any] = {}
    """Whatever else the judge of another package tells."""


def digest_pixels(image: "Image.Image") -> PixelDigest:
    """Return the digest of a decoded image: BLAKE2b over mode, size and bytes, 128 bits."""
    return PixelDigest(digest=hash_pixels(image), size=image.size, flat=_is_flat(image))


def hash_pixels(image: "Image.Image") -> str:
    """Return the digest of a decoded image alone, as hex."""
    digest = hashlib.blake2b(f"{image.mode} {image.size} ".encode(), digest_size=16)
    digest.update(image.tobytes())
    return digest.hexdigest()


def _is_flat(image: "Image.Image") -> bool:
    """Return whether all pixels have one colour; nearly all pictures have two in these places."""
    right, bottom = image.width - 1, image.height - 1
    places = ((0, 0), (right, 0), (0, bottom), (right, bottom), (right // 2, bottom // 2))
    if len({image.getpixel(place) for place in places}) > 1:
        return False
    extrema = image.getextrema()
    bands = extrema if isinstance(extrema[0], tuple) else (extrema,)
    return all(isinstance(band, tuple) and band[0] == band[1] for band in bands)


def digest_parts(parts: Iterable[bytes]) -> str:
    """Return the SHA-256 of the parts in order, as hex; part boundaries count."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def digest_tokens(tokens: Iterable[int]) -> str:
    """Return the digest of a prompt's token ids, 128 bits as hex."""
    return digest_parts([array("q", tokens).tobytes()])[:32]


def collect_pixels(records: Iterable[Record]) -> Mapping[str, PixelDigest | None]:
    """Return the pixels of every image in the records by name; None where they are unknown."""
    pixels: dict[str, PixelDigest | None] = {}
    for record in records:
        shown = (record.pixels, record.second_pixels)
        for name, digest in zip(record.case.image_names, shown, strict=False):
            pixels[name] = pixels.get(name) or digest
    return pixels


def summarize_pixels(records: Iterable[Record]) -> ImageSummary | None:
    """Return the properties of the records' images; None if no pixels are known.

    Perturbed images are not those of the data set, and do not count.
    """
    images = collect_pixels(record for record in records if record.case.perturbation is None)
    known = {name: pixels for name, pixels in images.items() if pixels is not None}
    if not known:
        return None
    digests = Counter(pixels.digest for pixels in known.values())
    lines = (f"{name}\0{known[name].digest}" for name in sorted(known))
    return ImageSummary(
        digest=digest_parts(line.encode("utf-8", "surrogatepass") for line in lines),
        images=len(images),
        known=len(known),
        repeated=len(known) - len(digests),
        flat=sum(pixels.flat for pixels in known.values()),
        small=sum(max(pixels.size) < _SMALL_SIDE for pixels in known.values()),
    )


def count_changed_pixels(first: Iterable[Record], second: Iterable[Record]) -> tuple[int, int]:
    """Return how many images differ between two runs, and how many both runs know the pixels of."""
    first_pixels, second_pixels = collect_pixels(first), collect_pixels(second)
    pairs = [
        (first_pixels[name], second_pixels[name])
        for name in first_pixels.keys() & second_pixels.keys()
        if first_pixels[name] is not None and second_pixels[name] is not None
    ]
    return sum(pixels != other for pixels, other in pairs), len(pairs)
