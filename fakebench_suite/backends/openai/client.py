"""Requests to one server: sent within its limits, and sent again where it fails for a while."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import httpx2
import openai

from fakebench_suite.backends.cards import EndpointOptions
from fakebench_suite.backends.openai.limiter import RequestSlots
from fakebench_suite.backends.openai.retries import (
    MAX_ATTEMPTS,
    MAX_OVERLOADED_S,
    FailureKind,
    classify,
    compute_wait,
    find_hint,
    find_status,
    is_overload,
    is_refusal,
)
from fakebench_suite.endpoints.address import Address
from fakebench_suite.endpoints.completion import (
    Completion,
    MalformedReplyError,
    parse_completion,
)
from fakebench_suite.endpoints.failures import describe_failure, shorten
from fakebench_suite.endpoints.transport import BoundedClient, CircuitBreaker, CircuitOpenError

Clock = Callable[[], float]
FILTERED = Completion(text="", finish_reason="content_filter")
"""What an error stands for that is a refusal to answer."""


class RequestFailedError(Exception):
    """There is no reply after all attempts; the message is short and holds no secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A completion, and what it took to get it."""

    completion: Completion
    seconds: float
    """Of the request that was answered; waits are not counted."""
    attempts: int


class ChatClient:
    """Sends requests to a server, at most so many at a time, from one event loop.

    The retries of the official client are off, for here they are counted, and wait together.
    """

    def __init__(
        self,
        address: Address,
        options: EndpointOptions,
        *,
        concurrency: int,
        clock: Clock = time.monotonic,
    ) -> None:
        self._address, self._clock = address, clock
        self._slots = RequestSlots(concurrency, clock=clock)
        self._breaker = CircuitBreaker(clock=clock)
        """Counts requests that failed after all attempts."""
        self._episodes = 0
        """Overloads since the last reply."""
        self._client = openai.AsyncOpenAI(
            base_url=address.base,
            default_query=address.query,
            api_key=address.key or "none",  # never sent, see Address.headers
            max_retries=0,
            timeout=options.timeout,
            http_client=BoundedClient(deadline=options.timeout, keepalive=max(64, concurrency)),
        )

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
        completion = parse_completion(response.content)
        said = completion.text.strip() or completion.refusal or completion.reasoning
        if not said and completion.finish_reason is None:
            raise MalformedReplyError("the reply is empty, and does not say why it ended")
        return completion

    async def list_models(self) -> Sequence[str]:
        """Return the names of the server's models; empty where it does not tell."""
        try:
            page = await self._client.models.list(extra_headers=self._address.headers)
            return [model.id for model in page.data if isinstance(model.id, str)]
        except Exception:  # It is asked for the sake of an error message only.
            return []

    async def ask(self, build: Callable[[], Awaitable[bytes]]) -> Reply:
        """Return the reply to a request, whose body is built when its turn has come.

        Raises RequestFailedError, and what building the body raises.
        """
        failures: Counter[FailureKind] = Counter()
        overloaded_since = 0.0
        while True:
            async with self._slots.take(first=failures.total() > 0):
                self._check_circuit()
                body = await build()
                sent = self._clock()
                failure: Exception | None = None
                try:
                    completion = await self.post(body)
                except Exception as error:  # Servers and connections raise many kinds of errors.
                    completion, failure = FILTERED, None if is_refusal(error) else error
                if failure is None:
                    self._note_reply()
                    return Reply(
                        completion=completion,
                        seconds=self._clock() - sent,
                        attempts=failures.total() + 1,
                    )
                kind = classify(failure)
                failures[kind] += 1
                if kind is FailureKind.OVERLOAD:
                    overloaded_since = overloaded_since or sent
                    self._note_overload(failure, sent=sent)
            late = overloaded_since and self._clock() - overloaded_since > MAX_OVERLOADED_S
            if failures[kind] >= MAX_ATTEMPTS[kind] or late:
                self._give_up(failure, failures.total())
            if kind is not FailureKind.OVERLOAD:  # After that, all requests wait together.
                await asyncio.sleep(find_hint(failure) or compute_wait(failures[kind]))

    def _check_circuit(self) -> None:
        """Raise RequestFailedError while the server is taken for down."""
        try:
            self._breaker.admit()
        except CircuitOpenError as error:
            raise RequestFailedError(shorten(str(error), *self._address.secrets)) from None

    def _note_reply(self) -> None:
        self._episodes = 0
        self._breaker.note_reply()
        self._slots.limit.note_success()

    def _note_overload(self, error: Exception, *, sent: float) -> None:
        """Lower the limit, and pause for as long as the server says, or longer each time."""
        if self._slots.limit.note_overload(sent=sent, now=self._clock()):
            self._episodes += 1
        hint = find_hint(error)
        if hint is not None:
            self._slots.pause(hint)
        elif not self._slots.is_paused:
            self._slots.pause(compute_wait(max(1, self._episodes)))

    def _give_up(self, error: Exception, attempts: int) -> NoReturn:
        """Raise RequestFailedError; the server counts as down where it failed, not the request."""
        secrets = self._address.secrets
        if isinstance(error, MalformedReplyError):
            why = shorten(str(error), *secrets)
        else:
            why = describe_failure(error, *secrets)
        status = find_status(error)
        if status is not None and status < 500 and not is_overload(error):
            self._breaker.note_reply()
        else:
            self._breaker.note_failure(why)
        times = f" ({attempts} attempts)" if attempts > 1 else ""
        raise RequestFailedError(f"{why}{times}") from error
