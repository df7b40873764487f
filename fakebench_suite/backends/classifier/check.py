"""What the files of a detector show before it is loaded: labels, image processor, weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fakebench_suite.backends.cards import Card, find_classifier, locate_weights
from fakebench_suite.backends.classifier.labels import OutputLabels, find_labels, list_names
from fakebench_suite.backends.classifier.options import ClassifierOptions
from fakebench_suite.checkpoints.file_check import brings_code, check_files, read_json
from fakebench_suite.errors import CardError
from fakebench_suite.extras import Extra, require_extra

PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")
"""Files in which transformers looks for an image processor."""


def check(card: Card, *, remote_code: bool) -> None:
    """Raise CardError where the files of a card's detector show that it cannot be asked.

    With ``remote_code``, code that comes with a checkpoint may bring what its files lack.
    """
    place = find_place(card)
    find_output_labels(card)
    if place.is_file():
        if not uses_own_preprocessing(card):
            require_extra(Extra.LOCAL, f"The image processor beside {place}")
        return
    names = read_json(place / "config.json").get("architectures")
    # Without any, transformers goes by the type of the model.
    if names and find_classifier(place) is None and not remote_code:
        shown = ", ".join(map(str, names)) if isinstance(names, list) else str(names)
        raise CardError(
            f"{place} names {shown} in config.json, and a classifier needs an architecture for "
            "image classification. Point --model at another checkpoint, or leave out "
            'backend = "classifier".'
        )
    if brings_code(place) and not remote_code:
        raise CardError(
            f"{card.name!r} at {place} brings code of its own. If you trust that code, set "
            "trust_remote_code = true in a card and add --trust-remote-code."
        )
    check_files(place)
    if not has_processor(place):
        raise CardError(
            f"{place} has no image processor ({PROCESSOR_FILES[0]}), which says how images are "
            "prepared. Save it beside the model, by save_pretrained of the processor."
        )


def find_place(card: Card) -> Path:
    """Return the directory of a card's checkpoint, or its ONNX file; raises CardError."""
    place = locate_weights(card)
    if place is None:
        raise CardError(f"The card {card.name!r} names no checkpoint and no ONNX file.")
    return place


def find_output_labels(card: Card) -> OutputLabels:
    """Return what the outputs of a card's detector mean; raises CardError where nothing says it."""
    place = find_place(card)
    folder = place.parent if place.is_file() else place
    names = list_labels(read_json(folder / "config.json"))
    if names is None and place.is_dir():
        names = ("LABEL_0", "LABEL_1")  # what transformers makes of a configuration without labels
    labels = find_labels(names, get_options(card), place=str(place))
    if has_independent_labels(card) and len(labels.fake) > 1:
        raise CardError(
            f"{place} gives each label a probability of its own (multi_label_classification), and "
            f"several of them mean fake ({list_names(labels.fake_names)}), which cannot be added. "
            "Write a card whose fake_labels in [classifier] has one of them."
        )
    return labels


def has_independent_labels(card: Card) -> bool:
    """Return whether several labels of a card's detector may hold at once, by its config.json."""
    place = find_place(card)
    config = read_json((place.parent if place.is_file() else place) / "config.json")
    return config.get("problem_type") == "multi_label_classification"


def list_labels(config: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the labels of a configuration in the order of its outputs; None if it has none.

    Raises CardError where ``id2label`` does not number them from 0.
    """
    labels = config.get("id2label")
    if labels is None:
        count = config.get("num_labels")
        return (
            tuple(f"LABEL_{number}" for number in range(count)) if isinstance(count, int) else None
        )
    numbers = [str(number) for number in range(len(labels))] if isinstance(labels, dict) else []
    if not numbers or sorted(labels) != sorted(numbers):
        raise CardError(
            "id2label in config.json does not name the outputs from 0 on. Give labels in "
            "[classifier] of a card one name per output, or save the checkpoint anew."
        )
    return tuple(str(labels[number]) for number in numbers)


def get_options(card: Card) -> ClassifierOptions:
    """Return the settings of a card's detector."""
    return card.classifier or ClassifierOptions()


def has_processor(folder: Path) -> bool:
    """Return whether a directory has the configuration of an image processor."""
    return any((folder / name).is_file() for name in PROCESSOR_FILES)


def uses_own_preprocessing(card: Card) -> bool:
    """Return whether the card says how an ONNX file takes images, rather than a file beside it.

    Raises CardError where neither does.
    """
    place = find_place(card)
    if get_options(card).image_mean is not None:
        return True
    if has_processor(place.parent):
        return False
    raise CardError(
        f"{place} has no {PROCESSOR_FILES[0]} beside it, and nothing says how it takes images. "
        'Write a card with backend = "classifier", its path, and image_mean and image_std in '
        "[classifier], such as image_mean = [0.485, 0.456, 0.406] and image_std = [0.229, 0.224, "
        "0.225]."
    )
