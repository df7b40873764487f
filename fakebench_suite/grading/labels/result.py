"""The result of parsing a reply, and the parsers to choose from."""

from dataclasses import dataclass
from enum import StrEnum

from fakebench_suite.types import Authenticity


class ReplyParserKind(StrEnum):
    """How replies to detection questions are parsed."""

    GRAMMAR = "grammar"
    """Understands negation, polarity, contradiction and conclusions; does not guess."""
    PAPER = "paper"
    """Plain keywords, for comparison with published figures."""
    LIKELIHOOD = "likelihood"
    """No reply is generated: the model's probabilities of the two options are compared."""


class NoLabel(StrEnum):
    """Why a reply has no label."""

    REFUSED = "refused"
    UNPARSED = "unparsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedLabel:
    """The label that a reply asserts, and the words that decided it."""

    label: Authenticity | NoLabel
    reason: str
