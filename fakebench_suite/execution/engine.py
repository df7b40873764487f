"""Engines: work units in, answered units out, one or several in flight; what a reply must be."""

import asyncio
import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

import msgspec

from fakebench_suite.backends.base import (
    Backend,
    Capability,
    Reply,
    Request,
    lacks_options,
)
from fakebench_suite.errors import ModelError
from fakebench_suite.execution.flip_search import FlipSearchInput, search_flips
from fakebench_suite.runs.record_lines import make_plain
from fakebench_suite.text.surrogates import replace_lone_surrogates
from fakebench_suite.types import Answer

if TYPE_CHECKING:
    from PIL import Image


MAX_IMAGE_BYTES = 512_000_000
"""Bytes of decoded images that are held for one work unit, and shown to a model at once: two of the
largest that are opened, or 122 of 1,024 x 1,024."""
STRAYS = (SystemExit, GeneratorExit, asyncio.CancelledError)
"""What is no Exception and yet, where a model lets it through, an error of the model."""


class CaseTimeoutError(BaseException):
    """The model takes too long over what it was asked; its message says how long it may take.

    It is raised in the thread that waits, and is no Exception, which a model's code could catch.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkUnit:
    """Requests that are answered together, whole image groups each."""

    number: int
    """No two units of a run share it."""
    requests: Sequence[Request]
    images: "Mapping[str, Image.Image]"
    """The image of every request, by name."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Bytes of each image, so far as they are known."""
    searches: Mapping[str, FlipSearchInput] = field(default_factory=dict)
    """By case id, the searches: each of these cases takes many prompts, in rounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkUnitResult:
    """What became of a work unit."""

    number: int
    replies: Mapping[str, Reply] | BaseException
    """A reply by case id for every request; or what the model raised over the whole unit."""


class Engine(Protocol):
    """Answers work units, one or several at a time."""

    @property
    def has_room(self) -> bool:
        """Whether it would begin one more unit at once."""
        ...

    def submit(self, unit: WorkUnit) -> None:
        """Take a unit to answer."""
        ...

    def wait(self) -> WorkUnitResult:
        """The next answered unit, in any order. Raises EngineError where none can be answered."""
        ...

    @property
    def requests_in_flight(self) -> int | None:
        """Requests that a server has at present; None where there is no server."""
        ...

    @property
    def limits_prompts(self) -> bool:
        """Whether a prompt that takes too long is given up without being waited for here."""
        ...

    def holds(self, number: int) -> bool:
        """Whether ``wait`` will return this unit; asked after something broke a wait off."""
        ...

    def stop(self, reason: str) -> None:
        """Begin no further prompt; every unit is returned nevertheless. From a signal handler."""
        ...

    def give_up(self) -> None:
        """Wait no longer, after ``stop``, for prompts that can be given up; from any thread.

        Their units are returned with the replies that have arrived.
        """
        ...


def answer_work_unit(
    backend: Backend, unit: WorkUnit, *, is_stopped: Callable[[], str | None] = lambda: None
) -> Mapping[str, Reply]:
    """A reply by case id for every request of the unit.

    The backend is asked once, or more often where the images have no room side by side, and once
    for each round of the unit's searches, of which none begins once ``is_stopped`` gives a reason.
    """
    replied: list[tuple[Request, Reply]] = []
    plain = [request for request in unit.requests if request.prompt.case not in unit.searches]
    for requests in cut_by_room(plain, unit.sizes):
        replied += zip(requests, backend.run(requests), strict=True)
    searched = [request for request in unit.requests if request.prompt.case in unit.searches]
    if searched:
        found = search_flips(backend, searched, unit.searches, is_stopped=is_stopped)
        replied += zip(searched, found, strict=True)
    return {request.prompt.case: reply for request, reply in replied}


def check_reply(reply: object, *, want: Capability) -> Answer | ModelError:
    """The reply as it is recorded, so that the record can be read again.

    What is no answer to the request is a ModelError.
    """
    if isinstance(reply, ModelError):
        return make_encodable(reply)
    if not isinstance(reply, Answer):
        return ModelError(f"the backend gave {type(reply).__name__} in place of an Answer")
    if not isinstance(reply.text, str):
        return ModelError(f"the backend gave {type(reply.text).__name__} as the text of its answer")
    try:
        reply = msgspec.convert(msgspec.to_builtins(reply, enc_hook=make_plain), Answer)
    except (msgspec.ValidationError, TypeError) as error:
        return ModelError(f"the backend gave an answer that cannot be recorded: {error}")
    if not math.isfinite(reply.seconds):
        return ModelError(f"the backend gave {reply.seconds} as the seconds of its answer")
    if want is Capability.PROBABILITIES and reply.p_fake is None and not lacks_options(reply):
        return ModelError("the backend was asked for probabilities and gave none")
    if reply.p_fake is not None and not 0 <= reply.p_fake <= 1:
        return ModelError(f"the backend gave {reply.p_fake} as the probability of a fake")
    try:
        msgspec.json.encode(reply)
    except UnicodeEncodeError:
        return make_encodable(reply)
    return reply


def make_encodable(reply: Answer | ModelError) -> Answer | ModelError:
    """The reply as text that UTF-8 can carry: half a surrogate pair becomes U+FFFD."""
    if isinstance(reply, ModelError):
        return ModelError(replace_lone_surrogates(str(reply)))
    usage = reply.usage
    if usage is not None:
        usage = replace(
            usage,
            model=usage.model and replace_lone_surrogates(usage.model),
            provider=usage.provider and replace_lone_surrogates(usage.provider),
            system_fingerprint=usage.system_fingerprint
            and replace_lone_surrogates(usage.system_fingerprint),
        )
    reasoning = reply.reasoning and replace_lone_surrogates(reply.reasoning)
    text = replace_lone_surrogates(reply.text)
    search = reply.search
    if search is not None:
        search = replace(search, original_text=replace_lone_surrogates(search.original_text))
    return replace(reply, text=text, reasoning=reasoning, usage=usage, search=search)


def cut_by_room(
    requests: Sequence[Request], sizes: Mapping[str, int]
) -> Iterator[Sequence[Request]]:
    """The requests in order, cut where their images would exceed MAX_IMAGE_BYTES together."""
    if requests and sum(sizes.values()) <= MAX_IMAGE_BYTES:
        yield requests
        return
    part: list[Request] = []
    seen: dict[str, int] = {}
    for request in requests:
        shown = {image: sizes.get(image, 0) for image in request.prompt.image_names}
        more = shown.keys() - seen.keys()
        if more and part and sum((seen | shown).values()) > MAX_IMAGE_BYTES:
            yield part
            part, seen = [], {}
        part.append(request)
        seen |= shown
    if part:
        yield part


def try_work_unit(
    backend: Backend, unit: WorkUnit, *, is_stopped: Callable[[], str | None] = lambda: None
) -> WorkUnitResult:
    """What became of a unit; whatever a backend lets through is its unit's error."""
    try:
        replies = answer_work_unit(backend, unit, is_stopped=is_stopped)
        return WorkUnitResult(number=unit.number, replies=replies)
    except (Exception, *STRAYS) as error:
        return WorkUnitResult(number=unit.number, replies=error)


class LocalEngine:
    """One backend in this process.

    A backend that takes one unit at a time works in this thread, while its answer is waited for;
    one that takes more works in a thread for each unit. These threads keep no process alive: a
    backend that hangs is left behind.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._threaded = backend.max_in_flight > 1
        self._units: deque[WorkUnit] = deque()
        """Units that wait for this thread."""
        self._in_flight: set[int] = set()
        """Numbers of the units in other threads."""
        self._results: SimpleQueue[WorkUnitResult] = SimpleQueue()
        self._stop_reason: str | None = None

    @property
    def has_room(self) -> bool:
        """Whether fewer units are in flight than the backend takes."""
        return len(self._units) + len(self._in_flight) < self._backend.max_in_flight

    @property
    def requests_in_flight(self) -> int | None:
        """As the backend says; one of another package may not."""
        number: int | None = getattr(self._backend, "requests_in_flight", None)
        return number

    @property
    def limits_prompts(self) -> bool:
        """As the backend says; one of another package may not."""
        return bool(getattr(self._backend, "limits_prompts", False))

    def submit(self, unit: WorkUnit) -> None:
        """Begin the unit, or keep it until its answer is waited for."""
        if not self._threaded:
            self._units.append(unit)
            return
        self._in_flight.add(unit.number)
        name = f"fakebench-unit-{unit.number}"
        threading.Thread(target=self._answer, args=(unit,), name=name, daemon=True).start()

    def _answer(self, unit: WorkUnit) -> None:
        self._results.put(self._try(unit))

    def _try(self, unit: WorkUnit) -> WorkUnitResult:
        return try_work_unit(self._backend, unit, is_stopped=lambda: self._stop_reason)

    def wait(self) -> WorkUnitResult:
        """The oldest unit, answered now; or the first that another thread has answered.

        Where something breaks the wait off, no unit in flight is held any more: which of them takes
        too long is not known, and their cases can be asked one by one.
        """
        if not self._threaded:
            return self._try(self._units.popleft())
        try:
            result = self._results.get()
            while result.number not in self._in_flight:  # of a wait that was broken off
                result = self._results.get()
        except BaseException:
            self._in_flight.clear()
            raise
        self._in_flight.remove(result.number)
        return result

    def stop(self, reason: str) -> None:
        """Begin no further round of a search, and tell the backend.

        One that is no Backend may mean something else by ``stop``.
        """
        self._stop_reason = reason
        if Backend in type(self._backend).__mro__:
            self._backend.stop(reason)

    def give_up(self) -> None:
        """Tell the backend; a model that computes in this process answers what it was given."""
        if Backend in type(self._backend).__mro__:
            self._backend.give_up()

    def holds(self, number: int) -> bool:
        """Whether the unit has not been begun, or is in another thread."""
        return any(unit.number == number for unit in self._units) or number in self._in_flight
