"""The exceptions that this suite raises on purpose.

Their messages are for people: what was wrong, what is allowed, what to do next.

SuiteError
    UserError                   the user can mend it
        RunTakenError
        DataError
        FormatError
        CardError
            MissingWeightsError
        MissingExtraError
    EngineError                 no further case can be answered: the run ends
    RunStoppedError             the run was stopped before this case was asked
    CaseError                   one case came to no verdict
        ImageError              one image: an error of its cases
            MissingImageError
            AmbiguousImageError
        ModelError              one prompt
        JudgeError              one answer
    CalibrationError            one text judge: it gates nothing
    MachineError                this machine
    InternalError               the suite itself

The plugin shows a UserError that is raised before the first case as pytest's usage error. Commands
exit with status 2 after one, and with 3 where the machine, the engine or the suite is at fault.
"""

import difflib
import errno
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from fakebench_suite.text.display import escape_controls
from fakebench_suite.types import Outcome

_LONGEST = 2_000
"""Characters of a message; what is longer quotes a stranger's text."""


class SuiteError(Exception):
    """Any error this suite raises on purpose; what its message quotes can be printed anywhere."""

    def __str__(self) -> str:
        return _shorten(escape_controls(super().__str__()))


def _shorten(text: str) -> str:
    """A message without the middle of what it quotes at length; its end says what to do."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 2]} [...] {text[-_LONGEST // 4 :]}"


class UserError(SuiteError):
    """The command line, a card, a data set or another file is wrong; the user can mend it."""


class RunTakenError(UserError):
    """The directory of a run already holds one."""


class DataError(UserError):
    """A data set cannot be read: the message names file, row and field."""


class FormatError(UserError):
    """The content of a file is not what its format allows: words to stand after a colon."""


class CardError(UserError):
    """A model card is missing or malformed, or its checkpoint cannot be loaded."""


class MissingWeightsError(CardError):
    """The weights of a model card are not on this machine."""


class MissingExtraError(UserError):
    """A feature was asked for whose optional dependencies are not installed."""


class EngineError(SuiteError):
    """What answers cannot start or has ended; no case can be asked any more, and the run ends."""


class RunStoppedError(SuiteError):
    """The run was stopped before this case was asked, for a reason in the message."""


class CaseError(SuiteError):
    """One case came to no verdict: an error is never an answer and never a zero."""

    outcome: ClassVar[Outcome]
    """What the case's record says became of it."""


class ImageError(CaseError):
    """One image cannot be shown to a model; an error of its cases, not of the run."""

    outcome = Outcome.IMAGE_ERROR


class MissingImageError(ImageError):
    """There is no file of the name a row asks for."""


class AmbiguousImageError(ImageError):
    """Several files have the name a row asks for, and nothing says which is meant."""

    def __init__(self, message: str, *, rivals: tuple[Path, ...]) -> None:
        super().__init__(message)
        self.rivals = rivals


class ModelError(CaseError):
    """The model failed on one prompt."""

    outcome = Outcome.MODEL_ERROR


class JudgeError(CaseError):
    """An answer could not be judged."""

    outcome = Outcome.JUDGE_ERROR

    def __init__(self, message: str, *, failed_rounds: int = 0) -> None:
        super().__init__(message)
        self.failed_rounds = failed_rounds


class CalibrationError(SuiteError):
    """A text judge failed for technical reasons, and could not be audited."""


class MachineError(SuiteError):
    """The machine has no room, memory or files left; the fault of no model and no data set."""


class InternalError(SuiteError):
    """The suite made a mistake that nobody but its authors can mend."""


_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""No room, no files, no memory left, or a broken disk."""


def describe_unwritable(place: object, error: OSError, *, advice: str) -> SuiteError:
    """The error to raise where a place cannot be written to: the machine's fault, or the user's."""
    kind = MachineError if error.errno in _MACHINE else UserError
    return kind(f"{place} cannot be written: {error.strerror or error}. {advice}")


def find_nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that a word was most likely meant for; None where none is near."""
    return next(iter(difflib.get_close_matches(word, list(choices), n=1)), None)


def describe_choices(word: str, choices: Iterable[str]) -> str:
    """What may stand in place of a word that may not, the nearest choice last where one is near."""
    allowed = list(choices)
    near = find_nearest(word, allowed)
    return f"allowed: {', '.join(allowed)}" + (f"; nearest: {near}" if near is not None else "")
