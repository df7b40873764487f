"""Which outputs of a detector mean fake: by its card, or by the names of its labels."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fakebench_suite.backends.classifier.options import ClassifierOptions
from fakebench_suite.errors import CardError
from fakebench_suite.text.display import count_of, to_single_line

_FAKE_WORDS = frozenset({
    "fake", "fakes", "ai", "aigc", "aigi", "artificial", "synthetic", "generated", "deepfake",
    "deepfakes", "gan", "diffusion", "spoof", "forged", "manipulated",
})  # fmt: skip
_REAL_WORDS = frozenset({
    "real", "reals", "realism", "human", "hum", "natural", "nature", "authentic", "genuine",
    "original", "photo", "photograph", "camera", "pristine", "bonafide",
})  # fmt: skip
_NEGATIONS = frozenset({"not", "non", "no", "un"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_PLACEHOLDER = re.compile(r"label_?\d+", re.IGNORECASE)
"""The names that transformers gives to labels without any."""
_MAX_SHOWN = 6
"""Most labels in a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputLabels:
    """What the outputs of a detector mean.

    ``fake`` are the numbers of those that mean fake; none of them where the only output is the
    probability of a real image. ``names`` is None where nothing names the outputs.
    """

    names: tuple[str, ...] | None
    fake: tuple[int, ...]

    @property
    def fake_names(self) -> list[str]:
        """What the outputs that mean fake are called, or their numbers."""
        return [str(number) if self.names is None else self.names[number] for number in self.fake]


def find_labels(
    names: Sequence[str] | None, card: ClassifierOptions, *, place: str
) -> OutputLabels:
    """Return the outputs that mean fake: those of the card, or by what the labels are called.

    ``names`` are the labels of the model in order, None if it has none; ``labels`` of the card
    replace them. Raises CardError, with the labels and the line to write, where nothing says which
    of them mean fake, or where the card names others.
    """
    if names is not None and card.labels and len(names) != len(card.labels):
        raise CardError(
            f"{place} has {count_of(len(names), 'label')} ({list_names(names)}), and its card "
            f"{len(card.labels)}: give labels in [classifier] one name per output, in order."
        )
    known = tuple(card.labels or names or ()) or None
    if card.fake_labels:
        return OutputLabels(names=known, fake=_match(known, card.fake_labels, place=place))
    meanings = [classify_label(name) for name in known or ()]
    fake = tuple(number for number, meaning in enumerate(meanings) if meaning == "fake")
    clear = None not in meanings and (len(meanings) == 1 or 0 < len(fake) < len(meanings))
    if known is None or not clear:
        raise CardError(_ask(known, place=place))
    return OutputLabels(names=known, fake=fake)


def classify_label(name: str) -> str | None:
    """Return ``fake`` or ``real`` where a label's words say so; None where they do not.

    Words of both kinds, and negations, say nothing for sure.
    """
    words = {word.lower() for word in _WORD.findall(name)}
    is_fake, is_real = not words.isdisjoint(_FAKE_WORDS), not words.isdisjoint(_REAL_WORDS)
    if is_fake == is_real or not words.isdisjoint(_NEGATIONS):
        return None
    return "fake" if is_fake else "real"


def check_outputs(labels: OutputLabels, outputs: int, *, place: str) -> None:
    """Raise CardError where a model has another number of outputs than its labels."""
    if labels.names is not None and len(labels.names) != outputs:
        raise CardError(
            f"{place} has {count_of(outputs, 'output')} and {count_of(len(labels.names), 'label')} "
            f"({list_names(labels.names)}). Give labels in [classifier] of a card one name per "
            "output, in order."
        )
    if any(number >= outputs for number in labels.fake):
        raise CardError(
            f"{place} has {count_of(outputs, 'output')}, and its card calls number "
            f"{max(labels.fake)} fake, counted from 0. Correct fake_labels in [classifier]."
        )
    if outputs == len(labels.fake) > 1:
        raise CardError(_refuse_all(labels.fake_names, place=place))


def list_names(names: Sequence[str]) -> str:
    """Return the first names, and the number of the others."""
    shown = ", ".join(map(to_single_line, names[:_MAX_SHOWN]))
    more = f" and {len(names) - _MAX_SHOWN:,} more" if len(names) > _MAX_SHOWN else ""
    return shown + more


def _match(
    names: tuple[str, ...] | None, wanted: Sequence[str | int], *, place: str
) -> tuple[int, ...]:
    """Return the numbers of the outputs that a card calls fake; raises CardError for others."""
    fake = sorted({_match_one(names, label, place=place) for label in wanted})
    if names is not None and 1 < len(names) == len(fake):
        raise CardError(_refuse_all(list(names), place=place))
    return tuple(fake)


def _match_one(names: tuple[str, ...] | None, label: str | int, *, place: str) -> int:
    if isinstance(label, int):
        if label >= 0 and (names is None or label < len(names)):
            return label
    elif names is not None:
        alike = [number for number, name in enumerate(names) if name == label] or [
            number for number, name in enumerate(names) if name.casefold() == label.casefold()
        ]
        if len(alike) == 1:
            return alike[0]
    if names is None:
        raise CardError(
            f"{place} does not name its outputs, and fake_labels in [classifier] has {label!r}. "
            "Give their numbers, counted from 0, or their names in order as labels."
        )
    raise CardError(
        f"{place} has the labels {list_names(names)}, and fake_labels in [classifier] has "
        f"{label!r}. Give one of these names, or a number from 0 to {len(names) - 1}."
    )


def _refuse_all(names: Sequence[str], *, place: str) -> str:
    return (
        f"All outputs of {place} ({list_names(names)}) mean fake by its card: P(fake) would always "
        "be 1. Leave those out of fake_labels in [classifier] that mean real."
    )


def _ask(names: tuple[str, ...] | None, *, place: str) -> str:
    """Return the sentences that ask for a card."""
    if names is None:
        found, example = "does not name its outputs", "fake_labels = [1]"
    else:
        # A name of transformers' own making says as little as a number.
        bare = all(_PLACEHOLDER.fullmatch(name) for name in names)
        last = str(len(names) - 1) if bare else f'"{names[-1]}"'
        found, example = f"has the labels {list_names(names)}", f"fake_labels = [{last}]"
    return (
        f"{place} {found}, and nothing says which of them mean fake. Write a card with backend = "
        f'"classifier", its path, and {example} (or others) in [classifier].'
    )
