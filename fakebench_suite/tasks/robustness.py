"""What robustness changes of a case: perturbations as data, with one text for each.

A perturbation changes the picture or the prompt of a detection case, and never whether the picture
is a fake. Its text is its family and its strength, such as ``jpeg:70`` or ``flip``; a chain joins
several in the order in which they are applied, such as ``blur:1+jpeg:70``. What is done to pixels
is in :mod:`fakebench_suite.datasets.perturbations`, and to prompts in :mod:`.rewording`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from fakebench_suite.errors import describe_choices

ORIGINAL = "original"
"""Names the normalised picture with the data set's own question, which all others are compared
with."""
IDENTITY = "identity"
"""The same picture and question asked once more: what changes there is noise."""
SEARCH = "search"
"""Names the cases of the search, whose perturbation is found while the model is asked."""


class RobustnessMode(StrEnum):
    """How ``--robustness`` perturbs."""

    LADDER = "ladder"
    """Every level of every family once."""
    SEARCH = "search"
    """Chains are drawn until a verdict flips, and shrunk to the smallest that flips it."""
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Perturbations of one kind, which differ in strength."""

    meaning: str
    """What it does, and what its strength is, with its unit."""
    levels: tuple[float | str | None, ...]
    """The strengths of the ladder, the weakest first; None for a family without strengths."""
    lowest: float | None = None
    highest: float | None = None
    """The strengths that are allowed, both included; None where they are words, or there are none.
    """
    changes_prompt: bool = False
    """Whether it changes the prompt; else it changes the picture."""
    searched: tuple[float | str | None, ...] = ()
    """The strengths that the search draws from, the weakest first; empty: it does not."""


def _span(first: float, last: float, step: float) -> tuple[float, ...]:
    """Numbers from the first to the last, both included, without errors of rounding."""
    count = round((last - first) / step)
    return tuple(round(first + number * step, 6) for number in range(count + 1))


FAMILIES: Mapping[str, Family] = MappingProxyType({
    "jpeg": Family(
        meaning="JPEG with 4:2:0 chroma; strength is libjpeg's quality, 1 to 100, 1 the strongest",
        levels=(90, 70, 50, 30, 10), lowest=1, highest=100, searched=_span(95, 5, -1),
    ),
    "webp": Family(
        meaning="lossy WebP; strength is libwebp's quality, 1 to 100, 1 the strongest",
        levels=(80, 50, 20), lowest=1, highest=100, searched=_span(95, 5, -1),
    ),
    "resize-down": Family(
        meaning="made smaller (Lanczos); strength is the factor of both sides",
        levels=(0.75, 0.5, 0.25), lowest=0.05, highest=1, searched=_span(0.95, 0.2, -0.05),
    ),
    "resize-up": Family(
        meaning="made larger (bicubic); strength is the factor of both sides",
        levels=(1.5, 2), lowest=1, highest=4, searched=_span(1.1, 2, 0.1),
    ),
    "crop": Family(
        meaning="cut to the centre; strength is the share of both sides that is kept",
        levels=(0.9, 0.75, 0.5), lowest=0.05, highest=1, searched=_span(0.98, 0.5, -0.02),
    ),
    "blur": Family(
        meaning="Gaussian blur; strength is its standard deviation in pixels",
        levels=(0.5, 1, 2), lowest=0, highest=50, searched=_span(0.2, 4, 0.2),
    ),
    "noise": Family(
        meaning="Gaussian noise; strength is its standard deviation in steps of 256",
        levels=(4, 8, 16), lowest=0, highest=255, searched=_span(1, 32, 1),
    ),
    "gamma": Family(
        meaning="another brightness; strength is the exponent of values from 0 to 1; 2 is darker",
        levels=(1.2, 1.5, 2), lowest=0.1, highest=10, searched=_span(1.1, 3, 0.1),
    ),
    "screenshot-border": Family(
        meaning="a grey window frame around it; strength is its width as a share of the side",
        levels=(0.02, 0.05, 0.1), lowest=0.01, highest=1, searched=_span(0.02, 0.2, 0.02),
    ),
    "social-media": Family(
        meaning="a re-upload: no side longer than the strength in pixels, then JPEG of quality 75"
        " with 4:2:0 chroma",
        levels=(1600,), lowest=16, highest=10_000, searched=(1600,),
    ),
    "flip": Family(
        meaning="mirrored left to right, still upright", levels=(None,), searched=(None,),
    ),
    "paraphrase": Family(
        meaning="another wording of the question, by its number; numbers are no strengths",
        levels=(1, 2, 3), changes_prompt=True,
    ),
    "options-swapped": Family(
        meaning="the options in the other order: real or fake, no or yes", levels=(None,),
        changes_prompt=True,
    ),
    "opposite-polarity": Family(
        meaning="'is it real?' in place of 'is it fake?', and the other way round", levels=(None,),
        changes_prompt=True,
    ),
    "language": Family(
        meaning="the question in another language whose replies the suite reads; strength is its"
        " code: zh, Chinese", levels=("zh",), changes_prompt=True,
    ),
})  # fmt: skip
"""The families by name, in the order in which they are shown and in which the search prefers
them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Perturbation:
    """One change of a picture or a prompt; raises ValueError, in one clause, if there is none."""

    family: str
    strength: float | str | None = None

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            choices = describe_choices(self.family, FAMILIES)
            raise ValueError(f"there is no perturbation {self.family!r}; {choices}")
        family = FAMILIES[self.family]
        if family.lowest is None or family.highest is None:
            if self.strength not in family.levels:
                allowed = ", ".join(_format(self.family, level) for level in family.levels)
                raise ValueError(f"there is no perturbation {self}; allowed: {allowed}")
        elif (
            not isinstance(self.strength, float | int)
            or not family.lowest <= self.strength <= family.highest
        ):
            raise ValueError(
                f"there is no perturbation {self}; {self.family} takes a number from "
                f"{family.lowest:g} to {family.highest:g}, such as "
                f"{_format(self.family, family.levels[0])}"
            )

    @property
    def changes_prompt(self) -> bool:
        """Whether it changes the prompt; else it changes the picture."""
        return FAMILIES[self.family].changes_prompt

    def __str__(self) -> str:
        return _format(self.family, self.strength)


def _format(family: str, strength: float | str | None) -> str:
    if strength is None:
        return family
    if isinstance(strength, str):
        return f"{family}:{strength}"
    # repr is what reads back as the same number.
    is_whole = math.isfinite(strength) and strength == int(strength)
    return f"{family}:{int(strength) if is_whole else repr(float(strength))}"


Chain = tuple[Perturbation, ...]
"""Perturbations in the order in which they are applied; none: the original."""


def parse_perturbation(text: str) -> Perturbation:
    """The perturbation that a text such as ``jpeg:70`` names; raises ValueError in one clause."""
    family, colon, strength = text.strip().partition(":")
    if not colon:
        return Perturbation(family=family)
    try:
        number = float(strength)
    except ValueError:
        return Perturbation(family=family, strength=strength)
    return Perturbation(family=family, strength=number)


def parse_chain(text: str) -> Chain:
    """The chain that a text names; ``original`` and ``identity`` change nothing.

    Raises ValueError, in one clause, where a part is no perturbation.
    """
    if text.strip() in (ORIGINAL, IDENTITY):
        return ()
    return tuple(map(parse_perturbation, text.split("+")))


def format_chain(chain: Sequence[Perturbation]) -> str:
    """The text of a chain; ``original`` where it is empty."""
    return "+".join(map(str, chain)) or ORIGINAL


def list_ladder(families: Sequence[str] | None = None) -> Iterator[Perturbation]:
    """Every level of the families, in the order of FAMILIES; of all where None is given."""
    for name, family in FAMILIES.items():
        if families is None or name in families:
            for level in family.levels:
                yield Perturbation(family=name, strength=level)


def name_image(image: str, perturbation: str) -> str:
    """The name of a perturbed image, which is no file: the original's and the perturbation's."""
    return f"{image}@{perturbation}"


def parse_image_name(name: str) -> tuple[str, Chain] | None:
    """The original image and the chain that :func:`name_image` joined; None for another name."""
    image, at, text = name.rpartition("@")
    try:
        return (image, parse_chain(text)) if at else None
    except ValueError:
        return None
