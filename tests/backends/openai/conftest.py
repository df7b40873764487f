"""What the tests of models behind endpoints share: a server, quick retries, and questions."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from PIL import Image

from fakebench_suite.backends.base import (
    NO_LIMITS,
    Backend,
    Capability,
    NotAsked,
    Reply,
    Request,
    RequestLimits,
)
from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.openai.options import EndpointOptions
from fakebench_suite.backends.registry import LoadOptions, load_model
from fakebench_suite.endpoints import retries
from fakebench_suite.types import Prompt, QuestionType
from tests.endpoint_server import Endpoint, serve

Load = Callable[..., Backend]
FEATURES = {"refused": [], "token_limit": "max_tokens", "top_logprobs": 20}
"""Those of a server that takes everything."""


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key is set."""
    for name in ("OPENAI_API_KEY", "OPENAI_API_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between attempts are milliseconds."""
    monkeypatch.setattr(retries, "FIRST_WAIT_S", 0.01)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A server that calls everything fake; tests change what it does."""
    with serve(Endpoint(behave=lambda _body, _number: (200, "It is fake."), headers={})) as server:
        yield server


def make_card(url: str, **options: Any) -> Card:
    """The card of the model ``tiny`` behind a URL."""
    settings = EndpointOptions(url=url, model="tiny", **options)
    return Card(name="tiny", backend="openai", endpoint=settings)


@pytest.fixture
def load(endpoint: Endpoint) -> Iterator[Load]:
    """``load(**options)`` is the loaded model of the server, asked no test request."""
    with ExitStack() as held:

        def load_backend(
            *,
            card: Card | None = None,
            features: Any = FEATURES,
            workers: int = 1,
            limits: RequestLimits = NO_LIMITS,
            **options: Any,
        ) -> Backend:
            card = make_card(endpoint.url, **options) if card is None else card
            given = LoadOptions(features=features, workers=workers, limits=limits)
            return held.enter_context(load_model(card, given))

        yield load_backend


def make_requests(
    count: int = 1,
    *,
    images: int = 1,
    want: Capability = Capability.TEXT,
    question_type: QuestionType = QuestionType.ISFAKE,
) -> Sequence[Request]:
    """So many requests about so many images of 8 x 8, image by image."""
    pictures = {f"{n}.png": Image.new("RGB", (8, 8), (n, 90, 30)) for n in range(images)}
    return [
        Request(
            prompt=Prompt(
                case=f"{number}",
                image=f"{number * images // count}.png",
                question_type=question_type,
                text=f"Is it fake? ({number})",
            ),
            images=pictures,
            want=want,
        )
        for number in range(count)
    ]


def get_text(body: dict[str, Any]) -> str:
    """The text of a request."""
    text: str = body["messages"][-1]["content"][-1]["text"]
    return text


def list_errors(replies: Sequence[Reply]) -> list[str]:
    """The messages of the replies that are errors."""
    return [str(reply) for reply in replies if isinstance(reply, Exception)]


def list_not_asked(replies: Sequence[Reply]) -> list[str]:
    """The reasons of the replies that say that their prompt was not sent."""
    return [reply.reason for reply in replies if isinstance(reply, NotAsked)]
