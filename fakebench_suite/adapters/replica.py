"""One copy of the model on some node of a cluster, and what is said to it and by it.

Nothing here knows of Ray: :mod:`fakebench_suite.adapters.cluster` makes actors of it, and
:mod:`fakebench_suite.adapters.fleet` gives them their work.
"""

import platform
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fakebench_suite.adapters.adapter import Adapter, Reply
from fakebench_suite.adapters.cards import Card
from fakebench_suite.adapters.engine import Slice, answer_slice
from fakebench_suite.errors import ModelError, UserError
from fakebench_suite.types import Prompt

Pixels = Mapping[str, NDArray[np.uint8]]
"""Pictures by image name, (height, width, 3) each, bit for bit as they were decoded."""
Route = Mapping[str, str | bool]
_PACKAGES = ("fakebench-suite", "torch", "torchvision", "transformers", "tokenizers", "pillow")
"""What has to be the same everywhere, or scores would hang on who answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a replica is to load."""

    card: Card
    weights: Path | None
    """The checkpoint's directory, on every node the same; None for scripted models."""
    remote_code: bool
    batch_tokens: int | None
    versions: Mapping[str, str]
    """Those of the head node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The prompts of a slice; their pixels travel apart."""

    number: int
    written: Sequence[Prompt]
    weighed: Sequence[Prompt]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a replica has to say about a slice."""

    replies: Mapping[str, Reply] | ModelError
    """A reply by case id; or what was raised over the whole slice."""
    route: Route | None
    """How it answers prompts, as far as it has found out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Died:
    """In the place of a result: the replica is gone, with its process or with its node."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """In the place of a result: it did not arrive, though the replica lives."""

    why: str


def list_versions() -> dict[str, str]:
    """Versions of Python and of what the answers hang on, on this node."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def flatten(images: Mapping[str, Image.Image]) -> Pixels:
    """The pictures as bare pixels."""
    return {name: np.asarray(picture) for name, picture in images.items()}


class Replica:
    """Loads once, answers slice after slice."""

    def __init__(self) -> None:
        self._model: Adapter | None = None
        self._claim = ExitStack()

    def greet(self) -> str:
        """The name of the node: it has a place to run on."""
        return platform.node()

    def load(self, order: Order, cores: int | None) -> str | None:
        """None once the model is ready; else one sentence on why it never will be."""
        node = platform.node()
        ours = list_versions()
        for name, theirs in order.versions.items():
            if ours[name] != theirs:
                return (
                    f"The node {node} has {name} {ours[name]} and the head node {theirs}. Install "
                    "the same versions on every node."
                )
        if order.weights is not None and not (order.weights / "config.json").is_file():
            return (
                f"The weights of {order.card.name!r} are not at {order.weights} on the node {node}."
                " Every node needs them at the same path."
            )
        try:
            self._model = self._open(order, cores)
        except UserError as error:
            return f"On the node {node}: {error}"
        except Exception as error:  # An environment may be broken in any way.
            return f"On the node {node} {order.card.name!r} does not load: {error!r}"
        return None

    def answer(self, question: Question, pixels: Pixels) -> Response:
        """The replies to a slice."""
        assert self._model is not None
        work = Slice(
            number=question.number,
            written=question.written,
            weighed=question.weighed,
            images={name: Image.fromarray(array) for name, array in pixels.items()},
        )
        replies: Mapping[str, Reply] | ModelError
        try:
            replies = answer_slice(self._model, work)
        except Exception as error:  # In words: the error itself may not travel.
            replies = ModelError(f"{type(error).__name__}: {error}")
        route: Any = getattr(self._model, "route", None)
        return Response(replies=replies, route=route and route.describe())

    def _open(self, order: Order, cores: int | None) -> Adapter:
        card = order.card
        if card.script is not None:
            from fakebench_suite.adapters.scripted import ScriptedAdapter

            return ScriptedAdapter(card.script)
        from fakebench_suite.adapters.devices import choose_device
        from fakebench_suite.adapters.huggingface import HuggingFaceAdapter

        assert order.weights is not None
        device, claim = choose_device(1, cores=cores)
        self._claim.enter_context(claim)  # held until this process ends
        return HuggingFaceAdapter(
            card,
            order.weights,
            device=device,
            remote_code=order.remote_code,
            batch_tokens=order.batch_tokens,
        )
