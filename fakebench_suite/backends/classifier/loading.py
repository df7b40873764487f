"""From a card to a detector on a device."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.classifier.check import (
    find_output_labels,
    find_place,
    get_options,
    has_independent_labels,
    uses_own_preprocessing,
)
from fakebench_suite.backends.classifier.model import Classifier, ClassifierBackend
from fakebench_suite.backends.registry import LoadOptions


@contextmanager
def load(card: Card, options: LoadOptions) -> Generator[ClassifierBackend, None, None]:
    """The detector of a card on its device, which is held while the block runs.

    Raises CardError where it does not load or its outputs are not those of its labels, and
    EngineError where every GPU is claimed.
    """
    place, labels = find_place(card), find_output_labels(card)
    with ExitStack() as held:
        yield ClassifierBackend(
            _load_classifier(card, place, options, held),
            labels,
            output=get_options(card).output,
            independent=has_independent_labels(card),
            batch_size=card.generation.batch_size,
            place=str(place),
        )


def _load_classifier(card: Card, place: Path, options: LoadOptions, held: ExitStack) -> Classifier:
    """The classifier at a place; its device is released when ``held`` closes."""
    if place.is_file():
        from fakebench_suite.backends.classifier.onnx import OnnxClassifier, choose_threads

        threads = choose_threads(options.workers, assigned_cores=options.assigned_cores)
        own = uses_own_preprocessing(card)
        return OnnxClassifier(place, get_options(card), threads=threads, own=own)
    from fakebench_suite.backends.classifier.checkpoint import CheckpointClassifier
    from fakebench_suite.backends.transformers.devices import claim_device, use_assigned_device

    if options.assigned:
        device = use_assigned_device(options.assigned_cores)
    else:
        device, claim = claim_device(options.workers)
        held.enter_context(claim)
    return CheckpointClassifier(card, place, device=device, remote_code=options.remote_code)
