"""P(fake) from the likeliest first tokens of a reply."""

import math
from collections.abc import Sequence

from fakebench_suite.backends.base import OPTIONS
from fakebench_suite.types import QuestionType

_EDGES = " \t\r\n.,:;!?*_`\"'()[]<>\u2581\u0120\u010a"
"""Characters around a word that make it another token, and no other word. The last three stand for
blanks and line breaks in tokens that a server does not turn into text."""


def sum_options(
    tokens: Sequence[tuple[str, float]], question_type: QuestionType
) -> tuple[float, float]:
    """Return the summed probabilities of all spellings of the two options, that of fake first.

    ``tokens`` are pairs of a token and its log-probability. "Yes", " yes" and "YES." are spellings
    of one option; the first letters of a word are not.
    """
    fake, real = (
        sum(
            math.exp(min(0.0, logprob))
            for token, logprob in tokens
            if token.strip(_EDGES).casefold() == option
        )
        for option in OPTIONS[question_type]
    )
    return fake, real
