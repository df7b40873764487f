"""Calibrate a judge on texts whose order is known.

For each image there are six texts: its reference, a part of it, a text on another topic, the
opposite claim, the reference of another image, and an empty text. The reference must score above
the part, and the part above all others; a judge that fails this is not used for gates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import mean

from fakebench_suite.errors import CalibrationError
from fakebench_suite.grading.judges.base import TextJudge
from fakebench_suite.grading.judges.rubric import RatingRequest

MIN_ORDERED_SHARE = 0.75
"""Share of the images on which each comparison must be right; a tie counts as wrong."""


class TextVariant(StrEnum):
    """Relation of a calibration text to its reference."""

    REFERENCE = "reference"
    PARTIAL = "partial"
    OFF_TOPIC = "off-topic"
    OPPOSITE = "opposite"
    OTHER = "other image"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationTexts:
    """The clues of an image, the opposite claims, and a text on another topic."""

    clues: tuple[str, ...]
    opposite: str
    off_topic: str


CALIBRATION_ITEMS = (
    CalibrationTexts(
        clues=("The left hand has six fingers.", "The thumb grows out of the wrist."),
        opposite="The left hand has five fingers and the thumb sits where it should.",
        off_topic="The library opens at nine and closes at six on weekdays.",
    ),
    CalibrationTexts(
        clues=("The shadow of the tree falls towards the sun.", "The bench casts no shadow."),
        opposite="The shadows of tree and bench fall away from the sun, as they should.",
        off_topic="Simmer the lentils for twenty minutes and stir now and then.",
    ),
    CalibrationTexts(
        clues=("The letters on the sign are garbled.", "Two words melt into each other."),
        opposite="The letters on the sign are crisp and every word can be read.",
        off_topic="A bicycle chain should be oiled after riding in the rain.",
    ),
    CalibrationTexts(
        clues=("The cat's eyes look in different directions.", "One ear has no edge."),
        opposite="The cat's eyes look the same way and both ears have clean edges.",
        off_topic="The train to the coast leaves from platform four.",
    ),
    CalibrationTexts(
        clues=("The windows of the tower are not in rows.", "The left wall bends outwards."),
        opposite="The windows of the tower stand in straight rows and the walls are upright.",
        off_topic="He practised the violin for an hour every evening.",
    ),
    CalibrationTexts(
        clues=("The skin is as smooth as plastic.", "No pore or wrinkle can be seen."),
        opposite="The skin shows pores and fine wrinkles, as real skin does.",
        off_topic="The contract may be ended by either side within thirty days.",
    ),
    CalibrationTexts(
        clues=("The mirror shows another face.", "The lamp is missing from the reflection."),
        opposite="The mirror shows the same face and the lamp, just as it should.",
        off_topic="Potatoes are planted once the ground is free of frost.",
    ),
    CalibrationTexts(
        clues=("The horizon breaks behind the man's head.", "The waves repeat like wallpaper."),
        opposite="The horizon is one straight line and no two waves are alike.",
        off_topic="The museum's new wing was paid for by a lottery.",
    ),
)
CALIBRATION_QUESTION = "What reveals that this image was generated?"
"""The question of all calibration texts."""
_ORDER = (
    (TextVariant.REFERENCE, TextVariant.PARTIAL),
    *(
        (TextVariant.PARTIAL, kind)
        for kind in TextVariant
        if kind not in (TextVariant.REFERENCE, TextVariant.PARTIAL)
    ),
)
"""Pairs of variants of which the first must score higher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationResult:
    """The scores of a judge on the calibration set."""

    judge: str
    means: Mapping[str, float | None]
    """Mean score, 0-2, of each variant; None if no text has a rating."""
    right: Mapping[str, float]
    """Share of the images on which each comparison is right."""

    @property
    def passed(self) -> bool:
        """Whether every comparison is right on enough images."""
        return all(share >= MIN_ORDERED_SHARE for share in self.right.values())


def build_text_variants(index: int) -> Mapping[TextVariant, str]:
    """Return the six texts of item ``index`` by variant."""
    item, next_item = (
        CALIBRATION_ITEMS[index],
        CALIBRATION_ITEMS[(index + 1) % len(CALIBRATION_ITEMS)],
    )
    return {
        TextVariant.REFERENCE: " ".join(item.clues),
        TextVariant.PARTIAL: item.clues[0],
        TextVariant.OFF_TOPIC: item.off_topic,
        TextVariant.OPPOSITE: item.opposite,
        TextVariant.OTHER: " ".join(next_item.clues),
        TextVariant.EMPTY: "",
    }


def calibrate(judge: TextJudge) -> CalibrationResult:
    """Return the judge's scores on the calibration set; a text without a rating is never right.

    Raises CalibrationError if the judge did not reply about some text.
    """
    requests = [
        RatingRequest(question=CALIBRATION_QUESTION, reference=item.clues, text=text)
        for index, item in enumerate(CALIBRATION_ITEMS)
        for text in build_text_variants(index).values()
    ]
    judgements = judge.grade(requests)
    unanswered = [
        judgement for judgement in judgements if judgement.score is None and judgement.unanswered
    ]
    if unanswered:
        raise CalibrationError(
            f"{len(unanswered)} of {len(requests)} texts have no rating: {unanswered[-1].reason}"
        )
    scores = [judgement.score for judgement in judgements]
    rows = [
        dict(zip(TextVariant, scores[start : start + len(TextVariant)], strict=True))
        for start in range(0, len(scores), len(TextVariant))
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
    rated = [score for score in scores if score is not None]
    return mean(rated) if rated else None


def _is_above(first: float | None, second: float | None) -> bool:
    return first is not None and second is not None and first > second
