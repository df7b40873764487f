"""Requests to one server: sent within its limits, and again where it fails for a while.

A request that fails while the server lives is an error of its prompt. If the server does not live,
no prompt is at fault: all wait for it, and if it does not come back, the run is stopped.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import httpx2
import openai

from fakebench_suite.endpoints.address import Address
from fakebench_suite.endpoints.completion import (
    Completion,
    MalformedReplyError,
)
from fakebench_suite.endpoints.failures import describe_failure, shorten
from fakebench_suite.endpoints.limiter import RequestSlots
from fakebench_suite.endpoints.outage import ServerWatch
from fakebench_suite.endpoints.pacing import NO_LIMITS, Pace, RequestLimits, SentRequest
from fakebench_suite.endpoints.retries import (
    HINTS_TRUSTED,
    MAX_ATTEMPTS,
    MAX_OVERLOADED_S,
    FailureKind,
    classify,
    compute_wait,
    find_hint,
    find_status,
    is_out_of_tokens,
    is_overload,
    is_refusal,
    is_retried,
)
from fakebench_suite.endpoints.server_sent_events import find_first_token, is_stream, parse_reply
from fakebench_suite.endpoints.transport import ARRIVALS, BoundedClient, make_timeout

Clock = Callable[[], float]
PROBE_TIMEOUT_S = 10.0
"""Seconds in which a server that lives replies to the question which models it has."""
SERVER_ERROR = 500
"""The first status that is the server's fault."""
NOT_IMPLEMENTED = 501
_SERVER_FAILURES = frozenset({FailureKind.OUTAGE, FailureKind.UNUSABLE})
"""Failures that may be those of a server that is down."""
MAX_OUTAGES = 3
"""Outages that one prompt waits for; the next counts as its own error, as if it caused them."""
NOT_FOUND = 404
"""The model may be gone: one after another, such prompts stop the run."""
TEST_ATTEMPTS = 3
"""Test requests, where the server is overloaded or fails."""
MAX_TEST_WAIT_S = 10.0
"""Longest wait for another one; a server that asks for more is reported."""
FILTERED = Completion(text="", finish_reason="content_filter")
"""What an error stands for that is a refusal to answer."""
OUT_OF_TOKENS = Completion(text="", finish_reason="length")
"""What an error stands for that says that there was no room for a reply."""


class RequestFailedError(Exception):
    """There is no reply after all attempts; the message is short and holds no secrets."""


class NotSentError(Exception):
    """Nothing is sent any more, and what was sent is given up; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A completion, and what it took to get it."""

    completion: Completion
    seconds: float
    """Of the request that was answered; waits are not counted."""
    attempts: int


class _History:
    """What became of the requests for one prompt so far."""

    def __init__(self) -> None:
        self.failures: Counter[FailureKind] = Counter()
        """By their kind, those since the last outage."""
        self.attempts, self.outages = 0, 0
        """Requests in all; outages that may be the fault of this prompt."""
        self.began = self.sent = self.failing_since = 0.0
        """When the first request was sent, the last, and the first that failed in a row."""
        self.overloaded_since: float | None = None
        self._suspect = False

    def begin(self, sent: float) -> None:
        """Count a request."""
        self.attempts += 1
        self.sent, self.began = sent, self.began or sent

    def note_failure(self, kind: FailureKind, *, sent: float, suspect: bool) -> None:
        """Count a failure; ``suspect`` if the request was on its way when the trouble began."""
        if not self.failures:
            self.failing_since, self._suspect = sent, suspect
        self.failures[kind] += 1
        overloaded = kind is FailureKind.OVERLOAD
        self.overloaded_since = (self.overloaded_since or sent) if overloaded else None

    def note_outage(self) -> None:
        """Begin anew after an outage."""
        self.outages += self._suspect
        self.failures.clear()


def _read_reply(response: httpx2.Response) -> Completion:
    """The completion in a response, and when its first token came if it came in pieces."""
    content, kind = response.content, response.headers.get("content-type", "")
    completion = parse_reply(content, kind)
    end = find_first_token(content) if is_stream(content, kind) else None
    if end is None:
        return completion
    arrivals = response.extensions.get(ARRIVALS, ())
    seconds = next((seconds for size, seconds in arrivals if size >= end), None)
    return replace(completion, first_token_seconds=seconds)


def _omit_environment_headers() -> dict[str, Any]:
    """Leave out the headers that the official client takes from the environment for any host.

    No card names them, and no manifest would.
    """
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()
    custom = (line.partition(":")[0].strip() for line in lines)
    return dict.fromkeys(("OpenAI-Organization", "OpenAI-Project", *custom), openai.omit)


class ChatClient:
    """Sends requests to a server, at most so many at a time, from one event loop.

    ``timeout`` are the seconds of a whole request, and ``server`` is what messages call it.
    ``earlier`` are requests of other clients that the limits hold for, too, see ``list_sent``.
    The retries of the official client are off, for here they are counted, and wait together.
    """

    def __init__(
        self,
        address: Address,
        *,
        timeout: float,
        concurrency: int,
        limits: RequestLimits = NO_LIMITS,
        earlier: Sequence[tuple[float, float]] = (),
        server: str = "the server",
        clock: Clock = time.monotonic,
    ) -> None:
        self._address, self._name, self._clock, self._limits = address, server, clock, limits
        self._pace = Pace(limits.requests_per_minute, limits.tokens_per_minute)
        for sent, tokens in earlier:
            self._pace.note_earlier(sent - time.time() + clock(), tokens)
        self._slots = RequestSlots(concurrency, self._pace, clock=clock)
        self._server = ServerWatch(self._is_alive, clock=clock)
        self.stopped: str | None = None
        """Why nothing is sent any more, as a sentence; None while requests are sent."""
        self._stopping = asyncio.Event()
        self._waits: set[asyncio.Timeout] = set()
        """Those of the requests that are under way, or wait for their turn."""
        self._episodes = 0
        """Overloads since the last reply."""
        self._client = openai.AsyncOpenAI(
            base_url=address.base,
            default_query=address.query,
            api_key=address.key or "none",  # never sent, see Address.headers
            max_retries=0,
            timeout=make_timeout(timeout),
            http_client=BoundedClient(deadline=timeout),
            default_headers=_omit_environment_headers(),
        )

    @property
    def in_flight(self) -> int:
        """Requests that were sent and not answered."""
        return self._slots.taken

    @property
    def _subject(self) -> str:
        """The server's name, at the beginning of a sentence."""
        return self._name[:1].upper() + self._name[1:]

    def list_sent(self) -> Sequence[tuple[float, float]]:
        """When each request that the limits count was sent, in seconds since 1970, and its tokens.

        None where there are no limits. Clocks of two processes agree on this time only.
        """
        offset = time.time() - self._clock()
        return [(request.time + offset, request.tokens) for request in self._pace.list_sent()]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def post(self, body: bytes) -> Completion:
        """Return the completion for one request; raises whatever goes wrong with it.

        MalformedReplyError where the reply is none, or is empty and does not say why it ended.
        """
        response = await self._client.post(
            "/chat/completions",
            cast_to=httpx2.Response,
            content=body,
            options={"headers": self._address.headers},
        )
        completion = _read_reply(response)
        said = completion.text.strip() or completion.refusal or completion.reasoning
        if not said and completion.finish_reason is None:
            raise MalformedReplyError("the reply is empty, and does not say why it ended")
        return completion

    async def send_test_request(self, body: bytes) -> Completion:
        """Return the completion for a test request; raises whatever goes wrong with it.

        It is sent again where that may help within seconds, and waits for no outage.
        """
        for attempt in range(1, TEST_ATTEMPTS + 1):
            try:
                async with self._wait(), self._slots.take(first=True) as slot:
                    self._check_going()
                    completion = await self.post(body)
                    self._note_tokens(slot, completion)
                    return completion
            except Exception as error:  # Servers and connections raise many kinds of errors.
                wait = find_hint(error) or compute_wait(attempt)
                lasting = find_status(error) is None or not is_retried(error)
                if lasting or wait > MAX_TEST_WAIT_S or attempt == TEST_ATTEMPTS:
                    raise
            await self._sleep(wait)
        raise AssertionError

    async def list_models(self) -> Sequence[str]:
        """Return the names of the server's models; empty where it does not tell."""
        try:
            page = await self._client.models.list(extra_headers=self._address.headers)
            return [model.id for model in page.data if isinstance(model.id, str)]
        except Exception:  # It is asked for the sake of an error message only.
            return []

    async def ask(self, build: Callable[[], Awaitable[bytes]]) -> Reply:
        """Return the reply to a request, whose body is built when its turn has come.

        Raises RequestFailedError, NotSentError, and what building the body raises.
        """
        async with self._wait():
            return await self._ask(build)

    async def _ask(self, build: Callable[[], Awaitable[bytes]]) -> Reply:
        """Return the reply to a request, after as many attempts as it takes."""
        history = _History()
        while True:
            async with self._slots.take(first=history.attempts > 0) as slot:
                self._check_going()
                sent = self._clock()
                history.begin(sent)
                completion, failure = await self._send(build, slot, began=history.began)
                if failure is None:
                    self._note_reply()
                    return Reply(
                        completion=completion,
                        seconds=self._clock() - sent,
                        attempts=history.attempts,
                    )
                kind = classify(failure)
                if kind is FailureKind.OVERLOAD:
                    self._note_overload(failure, sent=sent)
                suspect = sent <= self._server.note_trouble()
                history.note_failure(kind, sent=sent, suspect=suspect)
            await self._recover(failure, kind, history)

    async def _recover(self, failure: Exception, kind: FailureKind, history: "_History") -> None:
        """Wait until a prompt may be sent again; raises where it is not.

        RequestFailedError where it is given up, NotSentError where nothing is sent any more.
        """
        if kind is FailureKind.ACCOUNT:
            self._stop_for(failure)
        if self._is_late(history.began):
            limit = f"--case-timeout={self._limits.prompt_seconds:g}"
            self._give_up(TimeoutError(f"no answer within {limit}"), history.attempts)
        overloaded = history.overloaded_since
        late = overloaded is not None and self._clock() - overloaded > MAX_OVERLOADED_S
        if late and overloaded is not None and self._server.last_reply < overloaded:
            self._stop_for(failure, f"for {MAX_OVERLOADED_S:g} s")
        left = 0 if late else MAX_ATTEMPTS[kind] - history.failures[kind]
        # The last attempt is for a server that came back before it was looked at.
        looks = left <= 1 and kind in _SERVER_FAILURES and history.outages < MAX_OUTAGES
        if looks and await self._came_back(failure, history):
            history.note_outage()
            return
        if left <= 0:
            self._give_up(failure, history.attempts)
        if kind is not FailureKind.OVERLOAD:  # After that, all requests wait together.
            await self._sleep(find_hint(failure) or compute_wait(history.failures[kind]))

    def stop(self, reason: str) -> None:
        """Send nothing any more, whatever waits for its turn; what was sent is still received."""
        self.stopped = self.stopped or reason
        self._slots.open()
        self._stopping.set()

    def give_up(self) -> None:
        """Wait no longer, after a stop, for what was sent; before one, nothing is given up."""
        if self.stopped is None:
            return
        now = asyncio.get_running_loop().time()
        for wait in self._waits:
            wait.reschedule(now)
        self._waits.clear()

    @asynccontextmanager
    async def _wait(self) -> AsyncGenerator[None, None]:
        """Raise NotSentError in the block when it is given up."""
        wait = asyncio.timeout(None)
        try:
            async with wait:
                self._waits.add(wait)
                yield
        except TimeoutError:
            if not wait.expired():
                raise
            raise NotSentError(self.stopped) from None
        finally:
            self._waits.discard(wait)

    def _stop_for(self, failure: Exception, since: str = "") -> NoReturn:
        """Stop, as the server refuses whatever it is sent; raises NotSentError."""
        why = self._describe(failure)
        self.stop(f"{self._subject} refuses all requests{since and f' {since}'} ({why}).")
        raise NotSentError(self.stopped)

    async def _send(
        self, build: Callable[[], Awaitable[bytes]], slot: SentRequest, *, began: float
    ) -> tuple[Completion, Exception | None]:
        """The completion for one request, or what went wrong with it."""
        body = await build()
        limit = self._limits.prompt_seconds
        try:
            async with asyncio.timeout(limit and max(0.0, began + limit - self._clock())):
                completion = await self.post(body)
        except Exception as error:  # Servers and connections raise many kinds of errors.
            if is_out_of_tokens(error):
                return OUT_OF_TOKENS, None
            return FILTERED, None if is_refusal(error) else error
        self._note_tokens(slot, completion)
        return completion, None

    def _note_tokens(self, slot: SentRequest, completion: Completion) -> None:
        """Count what a request took, where the server says so."""
        tokens = completion.tokens
        if tokens is not None:
            self._slots.note_tokens(slot, (tokens.prompt or 0) + (tokens.completion or 0))

    def _describe(self, failure: Exception) -> str:
        """A failed request in words, without secrets."""
        return describe_failure(failure, *self._address.secrets, server=self._name)

    async def _sleep(self, seconds: float) -> bool:
        """Wait before another attempt; False at once if nothing is sent any more."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self.stopped is None

    def _is_late(self, began: float) -> bool:
        """Whether a prompt has had all the time that it may take."""
        limit = self._limits.prompt_seconds
        return limit is not None and self._clock() - began >= limit

    def _check_going(self) -> None:
        """Raise NotSentError if nothing is sent any more."""
        if self.stopped is not None:
            raise NotSentError(self.stopped)

    async def _came_back(self, failure: Exception, history: "_History") -> bool:
        """Whether the server was down and lives again; False if only this prompt fails.

        Raises NotSentError where it does not come back.
        """
        if not await self._server.wait(
            since=history.failing_since, sent=history.sent, sleep=self._sleep
        ):
            self._check_going()
            if not self._server.is_down:
                return False
            seconds = f"{self._server.seconds_down:.0f} s"
            self.stop(f"{self._subject} has not replied for {seconds} ({self._describe(failure)}).")
            self._check_going()
        return True

    async def _is_alive(self) -> bool:
        """Whether the server replies to anything, whatever it replies."""
        try:
            await self._client.get(
                "/models",
                cast_to=httpx2.Response,
                options={"headers": self._address.headers, "timeout": PROBE_TIMEOUT_S},
            )
        except openai.APIStatusError as error:
            return error.status_code < SERVER_ERROR or error.status_code == NOT_IMPLEMENTED
        except Exception:  # Connections raise many kinds of errors.
            return False
        return True

    def _note_reply(self) -> None:
        self._episodes = 0
        self._server.note_reply()
        self._slots.limit.note_success()

    def _note_overload(self, error: Exception, *, sent: float) -> None:
        """Lower the limit, and pause for as long as the server says, or longer each time."""
        if self._slots.limit.note_overload(sent=sent, now=self._clock()):
            self._episodes += 1
        hint = find_hint(error)
        if hint is not None and self._episodes > HINTS_TRUSTED:
            hint = max(hint, compute_wait(self._episodes - HINTS_TRUSTED))
        if hint is not None:
            self._slots.pause(hint)
        elif not self._slots.is_paused:
            self._slots.pause(compute_wait(max(1, self._episodes)))

    def _give_up(self, error: Exception, attempts: int) -> NoReturn:
        """Raise RequestFailedError, or NotSentError where one prompt after another fails.

        Only failures of the server and of the model's name count for that, not those of a request.
        """
        if isinstance(error, MalformedReplyError | TimeoutError):
            why = shorten(str(error), *self._address.secrets)
        else:
            why = self._describe(error)
        status = find_status(error)
        if status not in (None, NOT_FOUND) and status < SERVER_ERROR and not is_overload(error):
            self._server.note_reply()
        elif self._server.note_failure():
            self.stop(f"{self._server.failed} prompts in a row had no reply ({why}).")
        times = f" ({attempts} attempts)" if attempts > 1 else ""
        raise RequestFailedError(f"{why}{times}") from error
