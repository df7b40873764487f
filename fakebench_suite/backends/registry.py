"""The backends by name, and from a card to a backend that answers.

A new backend is one module and one row here. A package of its own registers a
:class:`BackendSpec` through the entry-point group ``fakebench_suite.backends``::

    [project.entry-points."fakebench_suite.backends"]
    detector = "my_package:SPEC"
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from fakebench_suite.backends.base import (
    NO_LIMITS,
    Backend,
    BudgetUnit,
    Capability,
    RequestLimits,
)
from fakebench_suite.backends.cards import Card, check_checkpoint, is_onnx
from fakebench_suite.entry_points import Registry, import_object, name_package
from fakebench_suite.errors import CardError, UserError
from fakebench_suite.extras import Extra, require_extra


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmOptions:
    """How the backend ``vllm`` computes."""

    tensor_parallel: int = 1
    """GPUs that share the weights of one copy."""
    data_parallel: int = 1
    """Copies of the model in one engine."""
    deterministic: bool = False
    """Whether replies must not depend on what else is in a batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What loading depends on beside the card."""

    remote_code: bool = False
    """Whether code that comes with a checkpoint may run."""
    batch_tokens: int | None = None
    """Most tokens in one forward pass; None for what fits in memory."""
    workers: int = 1
    """Processes of this run that share the devices of this machine."""
    assigned: bool = False
    """Whether a cluster gave this process its device: a GPU, or ``assigned_cores`` of the CPU."""
    assigned_cores: int | None = None
    wants: frozenset[Capability] = frozenset({Capability.TEXT})
    """What the model will be asked for."""
    limits: RequestLimits = NO_LIMITS
    """How fast this process may ask, and how long a prompt may take."""
    budget: BudgetUnit | None = None
    """What has to be known of each answer, for a budget is counted in it; None without one."""
    vllm: VllmOptions = VllmOptions()
    features: Mapping[str, Any] | None = None
    """What a test request found out about a server, see ``BackendSpec.send_test_request``; None
    where none was sent."""


Load = Callable[[Card, LoadOptions], AbstractContextManager[Backend]]
SendTestRequest = Callable[[Card, LoadOptions], Mapping[str, Any]]


class Check(Protocol):
    """What looks at a card before its model is loaded."""

    def __call__(self, card: Card, *, remote_code: bool) -> None:
        """Raise CardError where the model cannot be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSpec:
    """A kind of backend, as far as it is known before a model is loaded."""

    capabilities: frozenset[Capability]
    """What its models can be asked; cases of tasks that need more are deselected."""
    load: Load | str
    """``load(card, options)`` is a context manager of a loaded model. As text, ``module:function``,
    it is imported when the first case asks."""
    send_test_request: SendTestRequest | str | None = None
    """``send_test_request(card, options)`` asks a server before the first case. What it returns,
    as JSON has it, is handed to every process that loads the model, in ``LoadOptions.features``. It
    raises UserError where the server cannot be asked. As text, it is imported as ``load`` is."""
    weights: bool = False
    """Whether a card names a checkpoint: ``repository`` or ``path``."""
    extra: Extra | Callable[[Card], Extra] | None = None
    """What has to be installed beside the core; it may depend on the card."""
    check: Check | str | None = None
    """``check(card, remote_code=...)`` raises CardError where it shows before loading that a model
    cannot be asked; for the checkpoint of a card without it, what every model that writes needs is
    checked. As text, it is imported as ``load`` is."""
    files: Callable[[Card], Iterable[str | Path]] | None = None
    """``files(card)`` are the files that answers depend on, such as weights, where a card names no
    checkpoint. Their digests belong to a run's identity, by name; without it they are not known."""


BACKENDS = Registry(
    noun="backend",
    group="fakebench_suite.backends",
    kind=BackendSpec,
    built_in={
        "transformers": BackendSpec(
            capabilities=frozenset(Capability),
            load="fakebench_suite.backends.transformers.loading:load",
            weights=True,
            extra=Extra.LOCAL,
        ),
        "vllm": BackendSpec(
            capabilities=frozenset(Capability),
            load="fakebench_suite.backends.vllm.loading:load",
            weights=True,
            extra=Extra.VLLM,
        ),
        "openai": BackendSpec(
            capabilities=frozenset(Capability),
            load="fakebench_suite.backends.openai.loading:load",
            send_test_request="fakebench_suite.backends.openai.loading:send_test_request",
        ),
        "classifier": BackendSpec(
            capabilities=frozenset({Capability.PROBABILITIES}),
            load="fakebench_suite.backends.classifier.loading:load",
            check="fakebench_suite.backends.classifier.check:check",
            weights=True,
            extra=lambda card: Extra.ONNX if is_onnx(card.path) else Extra.LOCAL,
        ),
        "scripted": BackendSpec(
            capabilities=frozenset(
                {Capability.TEXT, Capability.FIRST_TOKEN, Capability.TWO_IMAGES}
            ),
            load="fakebench_suite.backends.scripted:load",
        ),
    },
)


def find_backend(card: Card) -> BackendSpec:
    """The backend that a card names; raises CardError where it does not fit the card."""
    try:
        spec = BACKENDS.get(card.backend)
    except UserError as error:
        raise CardError(f"The card {card.name!r}: {error}") from error
    if spec.weights and card.repository is None and card.path is None:
        raise CardError(
            f"The card {card.name!r} names no checkpoint, which {card.backend} needs. Give it "
            "'repository' (a name on the Hugging Face hub) or 'path' (a directory)."
        )
    return spec


def find_capabilities(card: Card) -> frozenset[Capability]:
    """What the model of a card can be asked: what its backend can, less what the card excludes."""
    capabilities = find_backend(card).capabilities
    return capabilities if card.takes_two_images else capabilities - {Capability.TWO_IMAGES}


def find_extra(card: Card) -> Extra | None:
    """What has to be installed beside the core to load the model of a card."""
    extra = find_backend(card).extra
    return extra(card) if callable(extra) else extra


@contextmanager
def load_model(card: Card, options: LoadOptions) -> Generator[Backend, None, None]:
    """The model of a card, loaded while the block runs; its device is held as long.

    Raises CardError where it does not load, and EngineError where every GPU is taken.
    """
    spec = find_backend(card)
    if (extra := find_extra(card)) is not None:
        require_extra(extra, f"The model {card.name}")
    with ExitStack() as held:
        with name_package(f"Loading {card.name!r} with the backend {card.backend!r}", CardError):
            load = cast(
                "Load", import_object(spec.load) if isinstance(spec.load, str) else spec.load
            )
            backend = held.enter_context(load(card, options))
        yield backend


def find_features(card: Card, options: LoadOptions) -> Mapping[str, Any] | None:
    """What a test request finds out about the server of a card; None where there is no server.

    Raises UserError where the server cannot be asked what is wanted.
    """
    spec = find_backend(card)
    if spec.send_test_request is None:
        return None
    with name_package(f"The test request to {card.name!r}", CardError):
        send = spec.send_test_request
        send = cast("SendTestRequest", import_object(send)) if isinstance(send, str) else send
        return send(card, options)


def check_model(card: Card, *, remote_code: bool) -> None:
    """Raise CardError or MissingExtraError where it shows before loading that a model cannot run.

    With ``remote_code``, code that comes with a checkpoint may bring what its files lack.
    """
    spec = find_backend(card)
    if (extra := find_extra(card)) is not None:
        require_extra(extra, f"--model={card.name}")
    if spec.check is not None:
        with name_package(f"Checking {card.name!r} with the backend {card.backend!r}", CardError):
            check = spec.check
            check = cast("Check", import_object(check)) if isinstance(check, str) else check
            check(card, remote_code=remote_code)
    elif spec.weights:
        check_checkpoint(card, remote_code=remote_code)
