"""The seam between the cases and where their model computes: slices in, replies out."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fakebench_suite.adapters.adapter import Adapter, Reply
from fakebench_suite.types import Prompt

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Prompts that are answered together, with the picture of every ``prompt.image``."""

    number: int
    """What the slice is called by; no two slices of a run share it."""
    written: Sequence[Prompt]
    """Prompts that get a reply in words."""
    weighed: Sequence[Prompt]
    """Prompts whose two options are weighed."""
    images: "Mapping[str, Image.Image]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What became of a slice."""

    number: int
    replies: Mapping[str, Reply] | Exception
    """A reply by case id for every prompt; or what the model raised over the whole slice."""


class Engine(Protocol):
    """Answers slices, one or several at a time."""

    @property
    def has_room(self) -> bool:
        """Whether it would begin one more slice at once."""
        ...

    def submit(self, work: Slice) -> None:
        """Take a slice to answer."""
        ...

    def wait(self) -> Answered:
        """The next answered slice, in any order. Raises UserError where none can be answered."""
        ...


def answer_slice(model: Adapter, work: Slice) -> Mapping[str, Reply]:
    """A reply by case id for every prompt of the slice."""
    replied = list(zip(work.written, model.answer(work.written, work.images), strict=True))
    if work.weighed:
        replied += zip(work.weighed, model.weigh(work.weighed, work.images), strict=True)
    return {prompt.case: reply for prompt, reply in replied}


class LocalEngine:
    """One model in this process: it works while its answer is waited for."""

    def __init__(self, model: Adapter) -> None:
        self._model = model
        self._work: deque[Slice] = deque()

    @property
    def has_room(self) -> bool:
        """One slice at a time."""
        return not self._work

    def submit(self, work: Slice) -> None:
        """Keep the slice until its answer is waited for."""
        self._work.append(work)

    def wait(self) -> Answered:
        """The oldest slice, answered now."""
        work = self._work.popleft()
        try:
            return Answered(number=work.number, replies=answer_slice(self._model, work))
        except Exception as error:  # Whatever an adapter lets through is that slice's error.
            return Answered(number=work.number, replies=error)
