"""A small detector, trained here, as the backend loads and asks it."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file
from sklearn.metrics import roc_auc_score

from fakebench_suite.backends.base import Reply
from fakebench_suite.backends.cards import find_card, read_card
from fakebench_suite.backends.registry import LoadOptions, load_model
from fakebench_suite.errors import CardError, ModelError
from fakebench_suite.types import Answer, Prompt, QuestionType
from tests.backends.asking import weigh
from tests.backends.classifier.detectors import draw, write_card


def make_images(count: int = 24) -> dict[str, Image.Image]:
    """Images of several sizes that training did not see; those with even numbers are fake."""
    rng = np.random.default_rng(7)
    return {
        str(number): draw(rng, fake=number % 2 == 0, side=16 + number % 3)
        for number in range(count)
    }


def ask(model: str | Path, images: dict[str, Image.Image]) -> Sequence[Reply]:
    """A reply about each image, by the model behind ``--model``."""
    prompts = [
        Prompt(case=name, image=name, question_type=QuestionType.WHAT, text="?") for name in images
    ]
    with load_model(find_card(str(model)), LoadOptions()) as backend:
        return weigh(backend, prompts, images)


def list_chances(replies: Sequence[Reply]) -> list[float]:
    """P(fake) of each reply."""
    chances = [reply.p_fake for reply in replies if isinstance(reply, Answer)]
    return [chance for chance in chances if chance is not None]


def test_a_trained_detector_tells_noise_from_smooth_images(detector: Path) -> None:
    """Images that it has not seen, prepared by its own image processor."""
    images = make_images()
    chances = list_chances(ask(detector, images))
    assert roc_auc_score([int(name) % 2 == 0 for name in images], chances) == 1.0


def test_answers_are_those_of_transformers(detector: Path) -> None:
    """The softmax of what model and image processor give by themselves, and the same twice."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    images = make_images(5)
    chances = list_chances(ask(detector, images))
    model = AutoModelForImageClassification.from_pretrained(detector).eval()
    processor = AutoImageProcessor.from_pretrained(detector)
    with torch.inference_mode():
        logits = model(**processor(images=list(images.values()), return_tensors="pt")).logits
    assert chances == pytest.approx(logits.softmax(-1)[:, 1].tolist(), abs=1e-6)
    assert list_chances(ask(detector, images)) == chances


def test_several_labels_at_once_have_a_sigmoid_each(detector: Path, tmp_path: Path) -> None:
    """As transformers' pipeline reads a configuration that says so."""
    from transformers import pipeline

    folder = tmp_path / "several"
    shutil.copytree(detector, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["problem_type"] = "multi_label_classification"
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    images = make_images(4)
    classify = pipeline("image-classification", model=str(folder), device="cpu")
    expected = [
        next(entry["score"] for entry in scores if entry["label"] == "artificial")
        for scores in classify(list(images.values()))
    ]
    assert list_chances(ask(folder, images)) == pytest.approx(expected, abs=1e-5)


def test_a_card_turns_the_labels_round(detector: Path, tmp_path: Path) -> None:
    """It goes before what the labels are called."""
    images = make_images(4)
    card = write_card(tmp_path / "turned.toml", detector, 'fake_labels = ["human"]')
    turned = list_chances(ask(card, images))
    assert turned == pytest.approx([1 - chance for chance in list_chances(ask(detector, images))])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("lacks", "lacks 1 tensor that its architecture has"),
        ("shape", "holds 1 tensor of another shape"),
        ("labels", "tensors? of another shape"),
        ("type", "cannot be loaded from"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(
    detector: Path, tmp_path: Path, change: str, message: str
) -> None:
    """It would answer by chance."""
    folder = tmp_path / "broken"
    shutil.copytree(detector, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    tensors = load_file(folder / "model.safetensors")
    if change == "labels":
        config["id2label"]["2"] = "human"
    elif change == "type":
        config["model_type"] = "unheard-of"
    elif change == "lacks":
        del tensors["classifier.bias"]
    else:
        tensors["classifier.bias"] = np.zeros(3, dtype=np.float32)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(CardError, match=message):
        ask(folder, make_images(1))


def test_weights_that_are_not_finite_are_a_model_error(detector: Path, tmp_path: Path) -> None:
    """Of every case: none has an answer."""
    folder = tmp_path / "nan"
    shutil.copytree(detector, folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["classifier.weight"] = np.full_like(tensors["classifier.weight"], np.nan)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    replies = ask(folder, make_images(2))
    assert all(isinstance(reply, ModelError) for reply in replies)
    assert "not finite" in str(replies[0])


def test_labels_may_be_named_by_a_card(detector: Path, tmp_path: Path) -> None:
    """Where the checkpoint's own say nothing; the wrong number is refused."""
    folder = tmp_path / "unnamed"
    shutil.copytree(detector, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    del config["id2label"], config["label2id"]
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    images = make_images(4)
    card = write_card(tmp_path / "named.toml", folder, 'labels = ["real", "fake"]')
    assert list_chances(ask(card, images)) == list_chances(ask(detector, images))
    card = write_card(tmp_path / "wrong.toml", folder, 'labels = ["real", "fake", "other"]')
    assert read_card(card, name="wrong").classifier is not None
    with pytest.raises(CardError, match=r"2 labels .*, and its card 3"):
        ask(card, images)
