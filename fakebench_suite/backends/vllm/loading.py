"""From a card to a checkpoint in vLLM's engine."""

import os
import warnings
from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing, contextmanager

from joblib import cpu_count

from fakebench_suite.backends.base import Backend
from fakebench_suite.backends.cards import Card, locate_weights
from fakebench_suite.backends.registry import LoadOptions
from fakebench_suite.backends.transformers.devices import claim_gpus
from fakebench_suite.backends.vllm.arguments import (
    ADVICE,
    BATCH_INVARIANT,
    ENVIRONMENT,
    build_engine_arguments,
    share_machine,
)
from fakebench_suite.checkpoints.file_check import check_files
from fakebench_suite.errors import CardError, SuiteError


@contextmanager
def load(card: Card, options: LoadOptions) -> Generator[Backend, None, None]:
    """The checkpoint of a card in an engine of vLLM, whose processes end with the block.

    Raises CardError where vLLM does not load it.
    """
    weights = locate_weights(card)
    if weights is None:
        raise CardError(f"The card {card.name!r} names no checkpoint.")
    check_files(weights)
    arguments = build_engine_arguments(card, weights, options)
    with ExitStack() as held:
        wanted = dict(ENVIRONMENT)
        if options.vllm.deterministic:
            wanted[BATCH_INVARIANT] = "1"
        if options.assigned_cores is not None:
            variables, share = share_machine(options.assigned_cores, cpu_count())
            held.enter_context(set_variables(variables, force=True))
            arguments = {**share, **arguments}
        held.enter_context(set_variables(wanted))
        if not options.assigned:
            gpus, claim = claim_gpus(options.vllm.tensor_parallel * options.vllm.data_parallel)
            held.enter_context(claim)
            if gpus:
                held.enter_context(set_variables({"CUDA_VISIBLE_DEVICES": gpus}, force=True))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("default")
                from fakebench_suite.backends.vllm.model import VllmBackend

                backend = VllmBackend(
                    card,
                    weights,
                    arguments,
                    remote_code=options.remote_code,
                    limits=options.limits,
                )
        except SuiteError:
            raise
        except Exception as error:  # vLLM may raise anything over a model that it does not know.
            why = " ".join(str(error).split()).rstrip(".")
            raise CardError(f"vLLM does not load {card.name!r}: {why}. {ADVICE}") from error
        yield held.enter_context(closing(backend))


@contextmanager
def set_variables(
    variables: Mapping[str, str], *, force: bool = False
) -> Generator[None, None, None]:
    """Set variables of the environment, which vLLM's processes inherit, while the block runs.

    What the user has set stays, unless ``force``.
    """
    before = {name: os.environ.get(name) for name in variables}
    for name, value in variables.items():
        if force or before[name] is None:
            os.environ[name] = value
    try:
        yield
    finally:
        for name, old in before.items():
            os.environ.pop(name, None)
            if old is not None:
                os.environ[name] = old
