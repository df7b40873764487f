"""From a card to a checkpoint on a device."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from fakebench_suite.backends.cards import Card, locate_weights
from fakebench_suite.backends.registry import LoadOptions
from fakebench_suite.backends.transformers.devices import claim_device, use_assigned_device
from fakebench_suite.backends.transformers.model import TransformersBackend
from fakebench_suite.errors import CardError


@contextmanager
def load(card: Card, options: LoadOptions) -> Generator[TransformersBackend, None, None]:
    """The checkpoint of a card on its device, which is held while the block runs.

    Raises CardError where it does not load, or where every GPU is claimed.
    """
    weights = locate_weights(card)
    if weights is None:
        raise CardError(f"The card {card.name!r} names no checkpoint.")
    with ExitStack() as held:
        if options.assigned:
            device = use_assigned_device(options.assigned_cores)
        else:
            device, claim = claim_device(options.workers)
            held.enter_context(claim)
        yield TransformersBackend(
            card,
            weights,
            device=device,
            remote_code=options.remote_code,
            batch_tokens=options.batch_tokens,
        )
