"""A text judge behind any OpenAI-compatible endpoint: ``--judge=openai:MODEL@URL``."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import openai

from fakebench_suite.endpoints.address import Address, parse_address
from fakebench_suite.endpoints.client import ChatClient, NotSentError, RequestFailedError
from fakebench_suite.endpoints.event_loops import LoopThread, run_coroutine
from fakebench_suite.endpoints.failures import (
    Subject,
    describe_failure,
    explain_failure,
    shorten,
)
from fakebench_suite.endpoints.parameters import (
    find_named_parameters,
    is_unrelated,
    may_be_unnamed,
)
from fakebench_suite.endpoints.transport import REQUEST_TIMEOUT_S
from fakebench_suite.errors import UserError
from fakebench_suite.grading.judges.base import (
    MAX_ATTEMPTS,
    TEMPERATURE,
    FailedRound,
    Judgement,
    StoppableJudge,
    combine_rounds,
)
from fakebench_suite.grading.judges.cache import RatingCache
from fakebench_suite.grading.judges.calibration import CALIBRATION_ITEMS, CALIBRATION_QUESTION
from fakebench_suite.grading.judges.registry import JudgeConfig, JudgeOptions
from fakebench_suite.grading.judges.reply_text import (
    EmptyReplyError,
    describe_unrated,
    find_text,
)
from fakebench_suite.grading.judges.rubric import (
    SCHEMA,
    Messages,
    RatingRequest,
    build_messages,
    parse_rating,
)
from fakebench_suite.provenance import JudgeInfo
from fakebench_suite.types import Rating

MAX_IN_FLIGHT = 32
"""Most requests in flight, over all processes of a run."""
PATIENCE_S = 3.0
"""Seconds after a stop for which replies are waited for. A run that is stopped where there is no
terminal ends 5 s after its last record, and has yet to record the texts in this time."""
SEED_STRIDE = 1000
"""Difference between the seeds of two attempts at one round."""
_OPTIONAL_PARAMETERS = ("temperature", "seed", "response_format")
"""Parameters that a server may refuse."""
_SERVER = "the judge's server"


class EndpointJudge(StoppableJudge):
    """A judge that sends all rounds of all texts concurrently, at most so many at a time.

    Each round has its own seed. Parameters that the server refuses are left out of later requests
    and listed in ``dropped``, to which nothing is added once any request was answered, and which
    another process may have determined before. ``timeout`` are the seconds of a whole request.

    A server that is down is waited for. Where it does not come back, or refuses the account, no
    request is sent any more. It has to be closed.
    """

    def __init__(
        self,
        model: str,
        url: str,
        *,
        rounds: int,
        cache: RatingCache,
        timeout: float = REQUEST_TIMEOUT_S,
        dropped: Collection[str] | None = None,
        concurrency: int = MAX_IN_FLIGHT,
    ) -> None:
        self._address: Address = parse_address(url)
        self.name = f"{model}@{self._address.name}"
        self.dropped = frozenset(dropped or ())
        self._settled = dropped is not None
        self._model, self._rounds, self._cache, self._timeout = model, rounds, cache, timeout
        self._concurrency = concurrency
        self._lock = asyncio.Lock()
        """Held while refused parameters are determined."""
        self._connection: tuple[LoopThread, ChatClient] | None = None
        """Once the first text is graded: a thread that is alive when workers fork is a risk."""
        self._stop_reason: str | None = None

    def check(self) -> None:
        """Ask for the rating of one text; raises UserError with the reason if there is no reply."""
        try:
            run_coroutine(self._check())
        except Exception as error:  # Servers and connections raise many kinds of errors.
            subject = Subject(noun="judge", name=self.name, option="--judge", address=self._address)
            raise UserError(explain_failure(error, subject)) from error

    def grade(self, requests: Sequence[RatingRequest]) -> Sequence[Judgement]:
        """Return one judgement per request; failed rounds are counted."""
        if self._connection is None:
            self._connection = LoopThread("fakebench-judge"), self._connect()
            if self._stop_reason is not None:
                self.stop(self._stop_reason)
        loop, client = self._connection
        return loop.run(self._grade_all(client, requests))

    def describe(self) -> JudgeInfo:
        """Return which parameters were refused and how rounds were sampled; empty if none was."""
        notes = []
        if "temperature" in self.dropped:
            notes.append("the temperature is the server's own")
        if "seed" in self.dropped:
            notes.append("rounds are not seeded, and may be equal or differ at each asking")
        return JudgeInfo(refused_parameters=sorted(self.dropped), sampling="; ".join(notes) or None)

    @property
    def given_up(self) -> str | None:
        """Why the server is not asked any more, other than by ``stop``."""
        stopped = None if self._connection is None else self._connection[1].stopped
        return None if stopped == self._stop_reason else stopped

    def stop(self, reason: str) -> None:
        """Send nothing any more, and wait PATIENCE_S seconds for what was sent."""
        self._stop_reason = reason
        if self._connection is not None:
            loop, client = self._connection
            loop.call(self._stop, client)

    def close(self) -> None:
        """Give up what is in flight, and close the connections."""
        if self._connection is not None:
            loop, client = self._connection
            loop.close(client.close())
            self._connection = None

    def _connect(self) -> ChatClient:
        return ChatClient(
            self._address, timeout=self._timeout, concurrency=self._concurrency, server=_SERVER
        )

    async def _check(self) -> None:
        request = RatingRequest(
            question=CALIBRATION_QUESTION,
            reference=CALIBRATION_ITEMS[0].clues,
            text=CALIBRATION_ITEMS[0].clues[0],
        )
        client = self._connect()
        try:
            await self._complete(client, build_messages(request), 0, is_test=True)
        finally:
            await client.close()

    async def _grade_all(
        self, client: ChatClient, requests: Sequence[RatingRequest]
    ) -> Sequence[Judgement]:
        results = await asyncio.gather(
            *(
                self._ask_round(client, build_messages(request), number)
                for request in requests
                for number in range(self._rounds)
            )
        )
        return [
            combine_rounds(results[start : start + self._rounds])
            for start in range(0, len(results), self._rounds)
        ]

    def _stop(self, client: ChatClient) -> None:
        client.stop(self._stop_reason or "")
        asyncio.get_running_loop().call_later(PATIENCE_S, client.give_up)

    async def _ask_round(
        self, client: ChatClient, messages: Messages, number: int
    ) -> Rating | FailedRound:
        """Return the rating of one round, or the failure of its last attempt."""
        cached = self._cache.find(self._key, messages, number)
        if cached is not None:
            return cached
        secrets = self._address.secrets
        failure = FailedRound(reason="")
        for attempt in range(MAX_ATTEMPTS):
            try:
                reply = await self._complete(client, messages, number + attempt * SEED_STRIDE)
            except EmptyReplyError as error:
                failure = FailedRound(reason=shorten(str(error), *secrets), unanswered=True)
                if error.lasting:
                    break
                continue
            except NotSentError:
                return make_unasked_round(client)
            except RequestFailedError as error:
                return FailedRound(reason=str(error), unanswered=True)
            except Exception as error:  # A server may send anything; only this round fails.
                why = describe_failure(error, *secrets, server=_SERVER)
                return FailedRound(reason=why, unanswered=True)
            rating = parse_rating(reply, *secrets)
            if rating is not None:
                self._cache.keep(self._key, messages, number, rating)
                return rating
            failure = FailedRound(reason=describe_unrated(reply, *secrets))
        return failure

    @property
    def _key(self) -> str:
        """The judge's name in the cache; ratings sampled with other parameters are kept apart."""
        dropped = sorted(self.dropped - {"response_format"})
        return f"{self.name} without {', '.join(dropped)}" if dropped else self.name

    async def _complete(
        self, client: ChatClient, messages: Messages, seed: int, *, is_test: bool = False
    ) -> str:
        """Return the judge's reply; until the first reply, refused parameters are determined.

        A test request is not sent again for long, and waits for no outage.
        """
        while True:
            dropped = self.dropped

            async def build() -> bytes:
                nonlocal dropped
                dropped = self.dropped  # at its turn, when others may have determined them
                return self._build_body(messages, seed, dropped)

            try:
                if is_test:
                    completion = await client.send_test_request(await build())
                else:
                    completion = (await client.ask(build)).completion
            except (RequestFailedError, openai.APIStatusError) as error:
                refusal = error.__cause__ if isinstance(error, RequestFailedError) else error
                if not isinstance(refusal, openai.APIStatusError):
                    raise
                async with self._lock:
                    # Requests in flight may have been sent before a parameter was dropped.
                    if dropped == self.dropped and (
                        self._settled
                        or not await self._drop_refused_parameters(client, messages, seed, refusal)
                    ):
                        raise
            else:
                self._settled = True
                return find_text(completion)

    async def _drop_refused_parameters(
        self,
        client: ChatClient,
        messages: Messages,
        seed: int,
        error: openai.APIStatusError,
    ) -> bool:
        """Drop the parameters that an error names, or without which the request succeeds.

        Returns whether any was dropped.
        """
        remaining = [name for name in _OPTIONAL_PARAMETERS if name not in self.dropped]
        if is_unrelated(error):
            return False
        named_parameters = find_named_parameters(error, remaining, model=self._model)
        if named_parameters:
            self.dropped |= named_parameters
            return True
        if not remaining or not may_be_unnamed(error):
            return False
        for candidates in (*({name} for name in reversed(remaining)), set(remaining)):
            body = self._build_body(messages, seed, self.dropped | candidates)
            try:
                await client.send_test_request(body)
            except openai.APIStatusError:
                continue
            self.dropped |= candidates
            return True
        return False

    def _build_body(self, messages: Messages, seed: int, dropped: Collection[str]) -> bytes:
        """Return the JSON of a request, without the parameters that are dropped."""
        parameters: dict[str, Any] = {
            "temperature": TEMPERATURE,
            "seed": seed,
            "response_format": {"type": "json_schema", "json_schema": SCHEMA},
        }
        kept = {name: value for name, value in parameters.items() if name not in dropped}
        return msgspec.json.encode({"model": self._model, "messages": messages} | kept)


def make_unasked_round(client: ChatClient) -> FailedRound:
    """The failure of a round that was not sent, or given up, because the client was stopped."""
    return FailedRound(reason=client.stopped or "", unanswered=True, unasked=True)


def open_endpoint(choice: JudgeConfig, options: JudgeOptions) -> EndpointJudge:
    """The judge behind a URL, for the registry."""
    return EndpointJudge(
        choice.model,
        choice.url,
        rounds=choice.rounds,
        cache=RatingCache(options.cache),
        dropped=options.dropped,
        concurrency=max(1, MAX_IN_FLIGHT // options.workers),
    )
