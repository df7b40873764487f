"""The seam between the cases and where their model computes: slices in, replies out."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from fakebench_suite.backends.base import Backend, Reply
from fakebench_suite.types import Prompt

if TYPE_CHECKING:
    from PIL import Image


MAX_IMAGE_BYTES = 512_000_000
"""Bytes of decoded pictures that are held for one slice, and shown to a model at once: two of the
largest that are opened, or 122 of 1,024 x 1,024."""
STRAYS = (SystemExit, GeneratorExit, asyncio.CancelledError)
"""What is no Exception and yet, where a model lets it through, an error of the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkUnit:
    """Prompts that are answered together, with the picture of every ``prompt.image``."""

    number: int
    """What the slice is called by; no two slices of a run share it."""
    written: Sequence[Prompt]
    """Prompts that get a reply in words."""
    weighed: Sequence[Prompt]
    """Prompts whose two options are weighed."""
    images: "Mapping[str, Image.Image]"
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Bytes of each picture, so far as they are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkUnitResult:
    """What became of a slice."""

    number: int
    replies: Mapping[str, Reply] | BaseException
    """A reply by case id for every prompt; or what the model raised over the whole slice."""


class Engine(Protocol):
    """Answers slices, one or several at a time."""

    @property
    def has_room(self) -> bool:
        """Whether it would begin one more slice at once."""
        ...

    def submit(self, work: WorkUnit) -> None:
        """Take a slice to answer."""
        ...

    def wait(self) -> WorkUnitResult:
        """The next answered slice, in any order. Raises EngineError where none can be answered."""
        ...

    def holds(self, number: int) -> bool:
        """Whether ``wait`` will return this slice; asked after something broke a wait off."""
        ...


def answer_work_unit(model: Backend, work: WorkUnit) -> Mapping[str, Reply]:
    """A reply by case id for every prompt of the slice.

    The model is asked once, or more often where the pictures have no room side by side.
    """
    replied: list[tuple[Prompt, Reply]] = []
    for prompts in cut_by_room(work.written, work.sizes):
        replied += zip(prompts, model.answer(prompts, work.images), strict=True)
    for prompts in cut_by_room(work.weighed, work.sizes):
        replied += zip(prompts, model.weigh(prompts, work.images), strict=True)
    return {prompt.case: reply for prompt, reply in replied}


def cut_by_room(prompts: Sequence[Prompt], sizes: Mapping[str, int]) -> Iterator[Sequence[Prompt]]:
    """The prompts in order, cut where their pictures would exceed MAX_IMAGE_BYTES together."""
    part: list[Prompt] = []
    seen: dict[str, int] = {}
    for prompt in prompts:
        size = sizes.get(prompt.image, 0)
        if prompt.image not in seen and part and sum(seen.values()) + size > MAX_IMAGE_BYTES:
            yield part
            part, seen = [], {}
        part.append(prompt)
        seen[prompt.image] = size
    if part:
        yield part


class LocalEngine:
    """One model in this process: it works while its answer is waited for."""

    def __init__(self, model: Backend) -> None:
        self._model = model
        self._work: deque[WorkUnit] = deque()

    @property
    def has_room(self) -> bool:
        """One slice at a time."""
        return not self._work

    def submit(self, work: WorkUnit) -> None:
        """Keep the slice until its answer is waited for."""
        self._work.append(work)

    def wait(self) -> WorkUnitResult:
        """The oldest slice, answered now."""
        work = self._work.popleft()
        try:
            return WorkUnitResult(number=work.number, replies=answer_work_unit(self._model, work))
        except (Exception, *STRAYS) as error:  # Whatever an adapter lets through is its slice's.
            return WorkUnitResult(number=work.number, replies=error)

    def holds(self, number: int) -> bool:
        """Whether the slice has not been begun."""
        return any(work.number == number for work in self._work)
