"""What reading a reply comes to, and the rules there are to read it by."""

from dataclasses import dataclass
from enum import StrEnum

from fakebench_suite.types import Authenticity


class ReplyParser(StrEnum):
    """How replies to detection questions are read."""

    GRAMMAR = "grammar"
    """Negation, polarity, contradiction and conclusions are understood; nothing is guessed."""
    PAPER = "paper"
    """Plain keywords, for comparison with published figures."""
    LIKELIHOOD = "likelihood"
    """No reply is written: the model's probabilities of the two options are compared."""


class NoLabel(StrEnum):
    """Why a reply asserts no label."""

    REFUSED = "refused"
    UNPARSED = "unparsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedLabel:
    """What a reply asserts, and the words that decided it."""

    label: Authenticity | NoLabel
    reason: str
