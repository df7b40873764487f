"""One copy of the model on some node of a cluster, and what is said to it and by it.

Nothing here knows of Ray: :mod:`fakebench_suite.execution.ray.client` makes actors of it, and
:mod:`fakebench_suite.execution.ray.pool` gives them their work.
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fakebench_suite.backends.base import Backend, Reply
from fakebench_suite.backends.cards import Card, locate_weights
from fakebench_suite.checkpoints.fingerprint import (
    compute_fingerprint,
    digest_code,
    load_package_versions,
)
from fakebench_suite.errors import CardError, ModelError, UserError
from fakebench_suite.execution.engine import STRAYS, WorkUnit, answer_work_unit
from fakebench_suite.types import Prompt

Pixels = Mapping[str, NDArray[np.uint8]]
"""Pictures by image name, (height, width, 3) each, bit for bit as they were decoded."""
Route = Mapping[str, Any]
_PACKAGES = ("torch", "torchvision", "transformers", "tokenizers", "pillow")
"""What has to be the same everywhere, or scores would hang on who answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaConfig:
    """What a replica is to load."""

    card: Card
    fingerprint: str | None
    """Of the head node's checkpoint; None for scripted models."""
    remote_code: bool
    batch_tokens: int | None
    versions: Mapping[str, str]
    """Those of the head node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRequest:
    """The prompts of a slice; their pixels travel apart."""

    number: int
    written: Sequence[Prompt]
    weighed: Sequence[Prompt]

    @property
    def size(self) -> int:
        """Number of prompts."""
        return len(self.written) + len(self.weighed)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitResponse:
    """What a replica has to say about a slice."""

    replies: Mapping[str, Reply] | ModelError | UserError
    """A reply by case id; or what was raised over the whole slice."""
    route: Route | None
    """How it answers prompts, as far as it has found out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaDied:
    """In the place of a result: the replica is gone, with its process or with its node."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultLost:
    """In the place of a result: it did not arrive, though the replica lives."""

    why: str


def list_versions() -> dict[str, str]:
    """Versions of Python and of what the answers hang on, on this node."""
    own = {"python": platform.python_version(), "the suite's code": digest_code()[:12]}
    return own | load_package_versions(_PACKAGES)


def make_replica_config(
    card: Card, *, remote_code: bool, batch_tokens: int | None
) -> ReplicaConfig:
    """The order for a card; raises CardError where its weights are not on this machine."""
    weights = locate_weights(card)
    return ReplicaConfig(
        card=card,
        fingerprint=None if weights is None else compute_fingerprint(weights, code=remote_code),
        remote_code=remote_code,
        batch_tokens=batch_tokens,
        versions=list_versions(),
    )


def flatten(images: Mapping[str, Image.Image]) -> Pixels:
    """The pictures as bare pixels."""
    return {name: np.asarray(picture) for name, picture in images.items()}


class Replica:
    """Loads once, answers slice after slice."""

    def __init__(self) -> None:
        self._model: Backend | None = None

    def greet(self) -> str:
        """The name of the node: it has a place to run on."""
        return platform.node()

    def load(self, order: ReplicaConfig, cores: int | None) -> str | None:
        """None once the model is ready; else one sentence on why it never will be.

        ``cores`` is None where the replica was given a GPU.
        """
        node = platform.node()
        ours = list_versions()
        for name, theirs in order.versions.items():
            if ours[name] != theirs:
                return (
                    f"The node {node} has {name} {ours[name]} and the head node {theirs}. Install "
                    "the same versions on every node."
                )
        try:
            self._model = _open(order, cores)
        except UserError as error:
            return f"On the node {node}: {error}"
        except Exception as error:  # An environment may be broken in any way.
            return f"On the node {node} {order.card.name!r} does not load: {error!r}"
        return None

    def answer(self, question: UnitRequest, pixels: Pixels) -> UnitResponse:
        """The replies to a slice."""
        assert self._model is not None
        work = WorkUnit(
            number=question.number,
            written=question.written,
            weighed=question.weighed,
            images={name: Image.fromarray(array) for name, array in pixels.items()},
        )
        replies: Mapping[str, Reply] | ModelError | UserError
        try:
            replies = answer_work_unit(self._model, work)
        except UserError as error:
            replies = error
        except (Exception, *STRAYS) as error:  # In words: the error itself may not travel.
            replies = ModelError(f"{type(error).__name__}: {error}")
        describe: Any = getattr(self._model, "describe", None)
        return UnitResponse(replies=replies, route=describe and describe())


def _open(order: ReplicaConfig, cores: int | None) -> Backend:
    card = order.card
    if card.script is not None:
        from fakebench_suite.backends.scripted import ScriptedBackend

        return ScriptedBackend(card.script)
    from fakebench_suite.backends.transformers.devices import use_assigned_device
    from fakebench_suite.backends.transformers.model import TransformersBackend

    weights = locate_weights(card)
    assert weights is not None
    if compute_fingerprint(weights, code=order.remote_code) != order.fingerprint:
        raise CardError(
            f"The checkpoint at {weights} is not that of the head node. Copy it from there."
        )
    return TransformersBackend(
        card,
        weights,
        device=use_assigned_device(cores),
        remote_code=order.remote_code,
        batch_tokens=order.batch_tokens,
    )
