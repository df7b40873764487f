"""Is the judge to be trusted? A calibration set whose order is known, put before any judge.

For each image: its reference, part of it, a text on something else, the opposite claim, the
reference of another image, and nothing. Reference above part, part above all the others; a judge
that gets the order wrong must not gate anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import mean

from fakebench_suite.errors import CalibrationError
from fakebench_suite.grading.judges.base import TextJudge
from fakebench_suite.grading.judges.rubric import Request

MIN_ORDERED_SHARE = 0.75
"""Share of the images on which a comparison must come out right (a tie is not right)."""


class TextVariant(StrEnum):
    """What a calibration text is to its reference."""

    REFERENCE = "reference"
    PARTIAL = "partial"
    OFF_TOPIC = "off-topic"
    OPPOSITE = "opposite"
    OTHER = "other image"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationItem:
    """An image's clues, the same claims denied, and a text on something else."""

    clues: tuple[str, ...]
    opposite: str
    off_topic: str


CALIBRATION_ITEMS = (
    CalibrationItem(
        clues=("The left hand has six fingers.", "The thumb grows out of the wrist."),
        opposite="The left hand has five fingers and the thumb sits where it should.",
        off_topic="The library opens at nine and closes at six on weekdays.",
    ),
    CalibrationItem(
        clues=("The shadow of the tree falls towards the sun.", "The bench casts no shadow."),
        opposite="The shadows of tree and bench fall away from the sun, as they should.",
        off_topic="Simmer the lentils for twenty minutes and stir now and then.",
    ),
    CalibrationItem(
        clues=("The letters on the sign are garbled.", "Two words melt into each other."),
        opposite="The letters on the sign are crisp and every word can be read.",
        off_topic="A bicycle chain should be oiled after riding in the rain.",
    ),
    CalibrationItem(
        clues=("The cat's eyes look in different directions.", "One ear has no edge."),
        opposite="The cat's eyes look the same way and both ears have clean edges.",
        off_topic="The train to the coast leaves from platform four.",
    ),
    CalibrationItem(
        clues=("The windows of the tower are not in rows.", "The left wall bends outwards."),
        opposite="The windows of the tower stand in straight rows and the walls are upright.",
        off_topic="He practised the violin for an hour every evening.",
    ),
    CalibrationItem(
        clues=("The skin is as smooth as plastic.", "No pore or wrinkle can be seen."),
        opposite="The skin shows pores and fine wrinkles, as real skin does.",
        off_topic="The contract may be ended by either side within thirty days.",
    ),
    CalibrationItem(
        clues=("The mirror shows another face.", "The lamp is missing from the reflection."),
        opposite="The mirror shows the same face and the lamp, just as it should.",
        off_topic="Potatoes are planted once the ground is free of frost.",
    ),
    CalibrationItem(
        clues=("The horizon breaks behind the man's head.", "The waves repeat like wallpaper."),
        opposite="The horizon is one straight line and no two waves are alike.",
        off_topic="The museum's new wing was paid for by a lottery.",
    ),
)
CALIBRATION_QUESTION = "What reveals that this image was generated?"
_ORDER = (
    (TextVariant.REFERENCE, TextVariant.PARTIAL),
    *(
        (TextVariant.PARTIAL, kind)
        for kind in TextVariant
        if kind not in (TextVariant.REFERENCE, TextVariant.PARTIAL)
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationResult:
    """What a judge made of the calibration set."""

    judge: str
    means: Mapping[str, float | None]
    """Mean score, 0-2, of each kind of text; None where no round gave marks."""
    right: Mapping[str, float]
    """Share of the images on which each comparison came out right."""

    @property
    def passed(self) -> bool:
        """Whether every comparison came out right often enough."""
        return all(share >= MIN_ORDERED_SHARE for share in self.right.values())


def build_text_variants(place: int) -> Mapping[TextVariant, str]:
    """The six texts on one specimen."""
    specimen, other = (
        CALIBRATION_ITEMS[place],
        CALIBRATION_ITEMS[(place + 1) % len(CALIBRATION_ITEMS)],
    )
    return {
        TextVariant.REFERENCE: " ".join(specimen.clues),
        TextVariant.PARTIAL: specimen.clues[0],
        TextVariant.OFF_TOPIC: specimen.off_topic,
        TextVariant.OPPOSITE: specimen.opposite,
        TextVariant.OTHER: " ".join(other.clues),
        TextVariant.EMPTY: "",
    }


def calibrate(judge: TextJudge) -> CalibrationResult:
    """The judge's scores on the calibration set; a text without marks gets nothing right.

    Raises CalibrationError where a text has no marks because the judge gave no reply: that says
    nothing of its order.
    """
    requests = [
        Request(question=CALIBRATION_QUESTION, reference=specimen.clues, text=text)
        for place, specimen in enumerate(CALIBRATION_ITEMS)
        for text in build_text_variants(place).values()
    ]
    judgements = judge.grade(requests)
    lost = [one for one in judgements if one.score is None and one.unanswered]
    if lost:
        raise CalibrationError(
            f"{len(lost)} of {len(requests)} texts were given no marks: {lost[-1].reason}"
        )
    found = [judgement.score for judgement in judgements]
    rows = [
        dict(zip(TextVariant, found[start : start + len(TextVariant)], strict=True))
        for start in range(0, len(found), len(TextVariant))
    ]
    return CalibrationResult(
        judge=judge.name,
        means={str(kind): _average([row[kind] for row in rows]) for kind in TextVariant},
        right={
            f"{above} > {below}": mean(_is_above(row[above], row[below]) for row in rows)
            for above, below in _ORDER
        },
    )


def _average(scores: Sequence[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return mean(known) if known else None


def _is_above(one: float | None, two: float | None) -> bool:
    return one is not None and two is not None and one > two
