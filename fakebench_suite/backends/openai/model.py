"""A model behind a chat endpoint: all prompts of all its work units are asked at once."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fakebench_suite.backends.base import (
    NO_LIMITS,
    Backend,
    Capability,
    InferenceInfo,
    NotAsked,
    Reply,
    Request,
    RequestLimits,
)
from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.openai.answers import AnswerBuilder
from fakebench_suite.backends.openai.bodies import ServerFeatures, build_body, build_parameters
from fakebench_suite.backends.openai.images import EncodedImages
from fakebench_suite.endpoints.address import Address
from fakebench_suite.endpoints.client import ChatClient, NotSentError, RequestFailedError
from fakebench_suite.endpoints.event_loops import LoopThread
from fakebench_suite.errors import ModelError

_UNIT_PROMPTS = 64
"""Prompts of a work unit, at least, as the suite makes them; the last may have fewer."""


class EndpointBackend(Backend):
    """Sends the requests of several work units concurrently, from an event loop in a thread.

    At most ``concurrency`` requests are in flight, whatever units they are of. It has to be closed.
    """

    capabilities = frozenset(Capability)
    limits_prompts = True

    def __init__(
        self,
        card: Card,
        address: Address,
        features: ServerFeatures,
        *,
        concurrency: int,
        limits: RequestLimits = NO_LIMITS,
    ) -> None:
        assert card.endpoint is not None
        self._card, self._options, self._address = card, card.endpoint, address
        self._features = features
        self.max_in_flight = 1 + -(-concurrency // _UNIT_PROMPTS)
        """One unit more than fills the slots: it starts while the last replies of others arrive."""
        self._client = ChatClient(
            address,
            timeout=card.endpoint.timeout,
            concurrency=concurrency,
            limits=limits,
            earlier=features.sent,
        )
        self._answers = AnswerBuilder(prices=card.endpoint.prices, secrets=address.reply_secrets)
        # One thread: images that are opened again when they are asked for know no other.
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix="fakebench-encoder")
        self._loop = LoopThread("fakebench-endpoint")

    def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """One reply per request; from any thread, several at a time."""
        return self._loop.run(self._answer_all(requests))

    def describe(self) -> InferenceInfo:
        """The parameters in force, what the server refuses or limits, and if it may be blind."""
        refused = sorted(self._features.refused)
        details: dict[str, Any] = {
            "endpoint": self._address.name,
            "image": f"{self._options.image_format}, before the text",
        }
        if refused:
            details["refused_parameters"] = refused
        usual = ServerFeatures()
        for name in ("top_logprobs", "first_token_limit"):
            if (value := getattr(self._features, name)) != getattr(usual, name):
                details[name] = value
        if self._features.too_few_tokens is not None:
            details["too_few_tokens"] = self._features.too_few_tokens
        return InferenceInfo(
            generation=build_parameters(self._card, self._features, Capability.TEXT),
            details=details,
        )

    @property
    def requests_in_flight(self) -> int:
        """Those that were sent and not answered."""
        return self._client.in_flight

    def stop(self, reason: str) -> None:
        """Send nothing any more; replies to what was sent are still received."""
        self._loop.call(self._client.stop, reason)

    def give_up(self) -> None:
        """Wait no longer for replies to what was sent."""
        self._loop.call(self._client.give_up)

    def close(self) -> None:
        """Give up what is in flight, and close the connections."""
        self._loop.close(self._client.close())
        self._encoder.shutdown(cancel_futures=True)

    async def _answer_all(self, requests: Sequence[Request]) -> Sequence[Reply]:
        images = EncodedImages(requests, self._options, self._encoder)
        tasks = [asyncio.create_task(self._answer(request, images)) for request in requests]
        try:
            return await asyncio.gather(*tasks)
        except BaseException:  # An image is gone: the suite asks case by case.
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def _answer(self, request: Request, images: EncodedImages) -> Reply:
        async def build() -> bytes:
            parts = await images.get(request)
            text = request.prompt.text
            return build_body(
                self._card, self._features, text=text, images=parts, want=request.want
            )

        try:
            reply = await self._client.ask(build)
        except NotSentError as error:
            return NotAsked(str(error))
        except RequestFailedError as error:
            return ModelError(str(error))
        finally:
            images.release(request)
        return self._answers.build(request, reply)
