"""Test requests: what a server takes is found out before the first case is asked."""

from collections.abc import Iterator
from functools import reduce

import msgspec
import openai

from fakebench_suite.backends.base import NO_LIMITS, BudgetUnit, Capability, RequestLimits
from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.openai.bodies import (
    FEWER_LOGPROBS,
    LEAST_TOKENS,
    MAX_COMPLETION_TOKENS,
    MAX_TOKENS,
    MORE_TOKENS,
    SAMPLING,
    SHORT_LIMIT,
    STREAM_OPTIONS,
    TOP_LOGPROBS,
    ServerFeatures,
    build_body,
)
from fakebench_suite.backends.openai.images import build_image_part
from fakebench_suite.endpoints.address import Address
from fakebench_suite.endpoints.client import ChatClient
from fakebench_suite.endpoints.completion import Completion, TokenCounts
from fakebench_suite.endpoints.failures import Subject, explain_failure, parse_reason, shorten
from fakebench_suite.endpoints.parameters import (
    BAD_REQUEST_STATUSES,
    find_named_parameters,
    is_unrelated,
    lacks_provider,
    may_be_unnamed,
)
from fakebench_suite.endpoints.retries import is_out_of_tokens, is_refusal
from fakebench_suite.errors import UserError, find_nearest
from fakebench_suite.tasks.prompts import DETECTION
from fakebench_suite.text.thoughts import find_open_thought
from fakebench_suite.types import QuestionType

SIDE = 256
"""Width and height of the test image in pixels: some models refuse images below 28. Models that put
an image among the tokens of its prompt spend 32 and more on one of this size; below 100 pixels,
Qwen2-VL spends as few as 4."""
MIN_TEXT_TOKENS = 8
"""Fewer than the text of a test request has in any common vocabulary, which is 10. A server that
counts fewer does not count the prompt: Ollama before 0.4 said 1 where there was an image."""
MIN_TOKENS = 18
"""Fewer than a prompt of that text and an image has for any known model. The fewest, 20 or 21, has
Llama 3.2 Vision: 10 for the text, 1 for the image, which cross-attention reads, and those of its
chat template (github.com/ollama/ollama/issues/7592). Without the image, the templates of OpenAI and
Mistral make it 17 and fewer; where others make it more, an image that is not shown goes unnoticed,
which is better than to suspect a server that shows it."""
_OPENING_BRACKETS = frozenset("<◁[【")
_MAX_NAMES = 20
"""Names of models in a message."""


async def find_features(
    card: Card, address: Address, wants: frozenset[Capability], limits: RequestLimits = NO_LIMITS
) -> ServerFeatures:
    """Return what a server takes; raises UserError where it cannot be asked what is wanted.

    One request each is sent for texts and for probabilities, and some more where one is refused.
    """
    assert card.endpoint is not None
    client = ChatClient(address, timeout=card.endpoint.timeout, concurrency=1, limits=limits)
    tester = FeatureTest(card, address, client)
    try:
        features = ServerFeatures()
        if wants - {Capability.PROBABILITIES}:
            features = await tester.find(features, Capability.TEXT)
        if Capability.PROBABILITIES in wants:
            features = await tester.find(features, Capability.PROBABILITIES)
        if Capability.TWO_IMAGES in wants:
            await tester.check_two_images(features)
        return msgspec.structs.replace(features, sent=tuple(client.list_sent()))
    finally:
        await client.close()


class FeatureTest:
    """Asks a server about a small grey image, with fewer parameters where it refuses some."""

    def __init__(self, card: Card, address: Address, client: ChatClient) -> None:
        from PIL import Image

        assert card.endpoint is not None
        self._card, self._client = card, client
        self._model, self._streams = card.endpoint.model, card.endpoint.stream
        self._subject = Subject(
            noun="model",
            name=f"{self._model}@{address.name}",
            option="--model",
            address=address,
        )
        grey = Image.new("RGB", (SIDE, SIDE), (128, 128, 128))
        self._image = build_image_part(grey, card.endpoint)

    async def find(self, features: ServerFeatures, want: Capability) -> ServerFeatures:
        """Return the features with which the server answers; raises UserError with none."""
        first: Exception | None = None
        while True:
            try:
                completion = await self._send(features, want)
            except Exception as error:  # Servers and connections raise many kinds of errors.
                if is_out_of_tokens(error) and want is Capability.PROBABILITIES:
                    raise UserError(self._describe_thinking()) from error
                if is_refusal(error) or is_out_of_tokens(error):
                    return features
                first = first or error
                adapted = await self._adapt(error, features, want)
                if adapted is None:
                    raise UserError(await self._explain(first, features, want)) from error
                features = adapted
            else:
                if want is Capability.PROBABILITIES:
                    self._check_probabilities(completion)
                return _note_usage(features, completion)

    async def check_two_images(self, features: ServerFeatures) -> None:
        """Raise UserError where a server that takes one image refuses two."""
        try:
            await self._send(features, Capability.TEXT, shows=2)
        except openai.APIStatusError as error:
            if error.status_code not in BAD_REQUEST_STATUSES or is_out_of_tokens(error):
                return  # It may be busy: the cases will tell.
            reason = shorten(parse_reason(error), *self._subject.address.secrets)
            raise UserError(
                f"The {self._subject.shown} takes one image, and comparisons show two "
                f"({error.status_code}: {reason}). Write images = 1 into [prompt] of its card, or "
                "name the other tasks with --tasks."
            ) from error
        except Exception:  # Whatever it is, the request with one image succeeded.
            return

    async def _send(
        self, features: ServerFeatures, want: Capability, *, shows: int = 1
    ) -> Completion:
        """Send a request that shows the image so many times."""
        text, images = DETECTION[QuestionType.ISFAKE], [self._image] * shows
        body = build_body(self._card, features, text=text, images=images, want=want)
        return await self._client.send_test_request(body)

    async def _adapt(
        self, error: Exception, features: ServerFeatures, want: Capability
    ) -> ServerFeatures | None:
        """Return features without what an error names, or with which a request succeeds."""
        if not isinstance(error, openai.APIStatusError) or is_unrelated(error):
            return None
        changes = dict(_list_changes(features, want, streams=self._streams))
        named = find_named_parameters(error, changes, model=self._model)
        if SHORT_LIMIT in named:  # The limit is too small, and not refused by its name.
            named.discard(MAX_TOKENS)
        if named:
            for name in named:
                features = _change(features, name)
            return features
        if not may_be_unnamed(error):
            return None
        sampling = [name for name in SAMPLING if name in changes]
        several = [names for names in (sampling, list(changes)) if len(names) > 1]
        for names in (*([name] for name in changes), *several):
            candidate = reduce(_change, names, features)
            try:
                await self._send(candidate, want)
            except openai.APIStatusError:
                continue
            return candidate
        return None

    def _check_probabilities(self, completion: Completion) -> None:
        """Raise UserError where a reply has no log-probabilities, or they are those of thoughts."""
        if completion.reasoning or _begins_thought(completion.text):
            raise UserError(self._describe_thinking())
        if completion.top_logprobs is None:
            raise UserError(self._describe_lack())

    def _describe_thinking(self) -> str:
        return (
            f"The {self._subject.shown} thinks before it answers, so the probabilities of its "
            "first token say nothing. Turn thinking off by extra_body in [endpoint] of a card, "
            "such as extra_body = { chat_template_kwargs = { enable_thinking = false } }, or leave "
            "--reading=likelihood out."
        )

    def _describe_lack(self, reason: str = "") -> str:
        return (
            f"The {self._subject.shown} gives no log-probabilities{reason}. Leave "
            "--reading=likelihood out, or ask a server that gives them."
        )

    async def _explain(self, error: Exception, features: ServerFeatures, want: Capability) -> str:
        """Return why the server cannot be asked: without images, log-probabilities or the model."""
        secrets = self._subject.address.secrets
        if not isinstance(error, openai.APIStatusError) or is_unrelated(error):
            return explain_failure(error, self._subject)
        reason = f"{error.status_code}: {shorten(parse_reason(error), *secrets)}"
        if await self._succeeds(features, want, shows=0):
            return (
                f"The {self._subject.shown} takes no images ({reason}). Choose a model that sees."
            )
        if want is Capability.PROBABILITIES and await self._succeeds(features, Capability.TEXT):
            return self._describe_lack(f" ({reason})")
        absent = error.status_code == 404 and not lacks_provider(error)
        if absent and (names := await self._client.list_models()):
            near = find_nearest(self._model, names)
            hint = f"; nearest: {near}" if near is not None else ""
            more = ", ..." if len(names) > _MAX_NAMES else ""
            return shorten(
                f"There is no {self._subject.shown} ({reason}). The server has: "
                f"{', '.join(names[:_MAX_NAMES])}{more}{hint}.",
                *secrets,
                length=1_000,
            )
        return explain_failure(error, self._subject)

    async def _succeeds(
        self, features: ServerFeatures, want: Capability, *, shows: int = 1
    ) -> bool:
        try:
            await self._send(features, want, shows=shows)
        except Exception:  # Whatever it is, the first error is what is reported.
            return False
        return True


def check_usage(card: Card, address: Address, features: ServerFeatures, unit: BudgetUnit) -> None:
    """Raise UserError where test requests showed that a budget of this unit cannot be kept."""
    assert card.endpoint is not None
    name = f"{card.endpoint.model}@{address.name}"
    by_tokens = unit is BudgetUnit.TOKENS or card.endpoint.prices is not None
    if by_tokens and features.counts_tokens is False:
        instead = "leave stream out of the card, or leave" if card.endpoint.stream else "leave"
        raise UserError(
            f"The model {name} does not count the tokens of its replies, so --budget cannot be "
            f"kept. Ask a server that counts them, {instead} --budget out."
        )
    if not by_tokens and features.names_cost is False:
        advice = "Leave --budget out."
        if features.counts_tokens:
            advice = (
                "Add prices to [endpoint] of a card, or give a number of tokens, such as "
                "--budget=2000000tokens."
            )
        raise UserError(
            f"--budget is an amount of money, and neither the card nor the server of {name} gives "
            f"prices. {advice}"
        )


def _note_usage(features: ServerFeatures, completion: Completion) -> ServerFeatures:
    """Return the features with what a reply says about tokens and cost."""
    tokens = completion.tokens or TokenCounts()
    counts = tokens.prompt is not None and tokens.completion is not None
    return msgspec.structs.replace(
        features,
        too_few_tokens=find_too_few_tokens(completion.tokens),
        counts_tokens=counts and features.counts_tokens is not False,
        names_cost=completion.cost is not None and features.names_cost is not False,
    )


def find_too_few_tokens(tokens: TokenCounts | None) -> int | None:
    """Return what a server counted for a test request, if it is too little for text and image.

    None where it is enough, or where the server does not count, or counts some for the image.
    """
    if tokens is None or tokens.prompt is None or tokens.image:
        return None
    return tokens.prompt if MIN_TEXT_TOKENS <= tokens.prompt < MIN_TOKENS else None


def _begins_thought(text: str) -> bool:
    """Whether a first token is the mark of a thought, or the bracket that one begins with."""
    first = text.strip()
    return first in _OPENING_BRACKETS or find_open_thought(first) is not None


def _list_changes(
    features: ServerFeatures, want: Capability, *, streams: bool
) -> Iterator[tuple[str, ServerFeatures]]:
    """Yield what can be done without, or by another name, and the features then."""
    for name in SAMPLING:
        if name not in features.refused:
            yield name, _change(features, name)
    if streams and STREAM_OPTIONS not in features.refused:
        yield STREAM_OPTIONS, _change(features, STREAM_OPTIONS)
    if features.token_limit == MAX_TOKENS:
        yield MAX_TOKENS, _change(features, MAX_TOKENS)
    if want is Capability.PROBABILITIES and features.top_logprobs == TOP_LOGPROBS:
        yield "logprobs", _change(features, "logprobs")
    if want is Capability.PROBABILITIES and features.first_token_limit == LEAST_TOKENS:
        yield SHORT_LIMIT, _change(features, SHORT_LIMIT)


def _change(features: ServerFeatures, name: str) -> ServerFeatures:
    """Return the features without a parameter, or with its other name or a smaller value."""
    if name == MAX_TOKENS:
        return msgspec.structs.replace(features, token_limit=MAX_COMPLETION_TOKENS)
    if name == "logprobs":
        return msgspec.structs.replace(features, top_logprobs=FEWER_LOGPROBS)
    if name == SHORT_LIMIT:
        return msgspec.structs.replace(features, first_token_limit=MORE_TOKENS)
    return msgspec.structs.replace(features, refused=features.refused | {name})
