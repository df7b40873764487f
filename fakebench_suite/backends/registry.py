"""From a card to a model that answers: its weights on a device, or its script."""

from collections.abc import Generator
from contextlib import contextmanager

from fakebench_suite.backends.base import Backend
from fakebench_suite.backends.cards import Card, locate_weights
from fakebench_suite.extras import Extra, require_extra


@contextmanager
def load_model(
    card: Card, *, remote_code: bool, batch_tokens: int | None, workers: int = 1
) -> Generator[Backend, None, None]:
    """The model of a card; its device is its own, or shared by ``workers``, while the block runs.

    Raises CardError where it does not load, and EngineError where every GPU is taken.
    """
    if card.script is not None:
        from fakebench_suite.backends.scripted import ScriptedBackend

        yield ScriptedBackend(card.script)
        return
    require_extra(Extra.LOCAL, f"The model {card.name}")
    from fakebench_suite.backends.transformers.devices import claim_device
    from fakebench_suite.backends.transformers.model import TransformersBackend

    weights = locate_weights(card)
    assert weights is not None
    device, claim = claim_device(workers)
    with claim:
        yield TransformersBackend(
            card, weights, device=device, remote_code=remote_code, batch_tokens=batch_tokens
        )
