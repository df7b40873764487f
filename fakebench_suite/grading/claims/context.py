"""What a clause says of criteria, and what the sentences before it leave to it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from fakebench_suite.grading.claims.places import Place


class Polarity(StrEnum):
    """What a claim says of a criterion."""

    ANOMALY = "anomaly"
    """Something is wrong with it."""
    ABSENCE = "absence"
    """Nothing is wrong with it."""

    def invert(self) -> "Polarity":
        """The contrary."""
        return Polarity.ABSENCE if self is Polarity.ANOMALY else Polarity.ANOMALY


UNREALISTIC = "unrealistic"
"""What other criteria are called in passing: claimed only where a clause names no other one."""


FLAW_NAMES = frozenset({"content deficiency", "distortion", UNREALISTIC})
"""The criteria whose names are flaws."""


Polarities = dict[str, Polarity]


class FrozenContext(NamedTuple):
    """A context as a value that does not change."""

    asked: str | None
    is_real: bool
    topic: tuple[str, ...]
    is_heading: bool
    general: tuple[tuple[str, Polarity], ...]
    list_polarity: Polarity | None
    previous_polarity: Polarity | None
    proposed_polarity: Polarity | None
    places: tuple[Place, ...]


@dataclass(slots=True, kw_only=True)
class Context:
    """What the sentences before one leave to it."""

    asked: str | None
    is_real: bool = False
    """Whether the reply takes the image to be real, of which blur says nothing."""
    topic: tuple[str, ...] = ()
    """Criteria that the next clause may go on about."""
    is_heading: bool = False
    """Whether the topic is a heading, which all that follows in its line is about."""
    is_titled: bool = False
    """Whether the line before was a title, which the next one is about."""
    general: Polarities = field(default_factory=dict)
    """What has just been said of images in general."""
    list_polarity: Polarity | None = None
    """What the items of a list are evidence of: "signs of manipulation:"."""
    previous_polarity: Polarity | None = None
    """What the clause before, in the same line, said of what it was about."""
    proposed_polarity: Polarity | None = None
    """What a question or a heading supposes of its topic, to which the next clause may say no."""
    places: tuple[Place, ...] = ()
    """Of a heading: "lower left: a blurred patch"."""

    def freeze(self) -> FrozenContext:
        """What a sentence is read by, as it is now; its title has become its heading by then."""
        return FrozenContext(
            self.asked, self.is_real, self.topic, self.is_heading, tuple(self.general.items()),
            self.list_polarity, self.previous_polarity, self.proposed_polarity, self.places,
        )  # fmt: skip

    def restore(self, state: FrozenContext) -> None:
        """Set all that a sentence may change."""
        self.topic, self.is_heading, self.general = (
            state.topic, state.is_heading, dict(state.general)
        )  # fmt: skip
        self.list_polarity, self.previous_polarity = state.list_polarity, state.previous_polarity
        self.proposed_polarity, self.places = state.proposed_polarity, state.places
