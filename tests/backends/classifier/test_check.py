"""What files and cards of detectors show before anything is loaded."""

import json
from pathlib import Path
from typing import Any

import pytest

from fakebench_suite.backends.cards import Card, find_card, read_card
from fakebench_suite.backends.classifier.check import find_output_labels
from fakebench_suite.backends.registry import check_model, find_extra
from fakebench_suite.checkpoints.fingerprint import (
    compute_fingerprint,
    digest_files,
    digest_weights,
)
from fakebench_suite.errors import CardError
from fakebench_suite.extras import Extra
from tests.backends.classifier.detectors import write_card, write_onnx

CONFIG = {
    "architectures": ["ViTForImageClassification"],
    "id2label": {"1": "artificial", "0": "human"},
}
OWN = ("image_mean = [0.5, 0.5, 0.5]", "image_std = [0.5, 0.5, 0.5]")


def write_checkpoint(folder: Path, *, processor: bool = True, **config: Any) -> Path:
    """The files of a detector, with no tensor in its weights."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | config), encoding="utf-8")
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    if processor:
        (folder / "preprocessor_config.json").write_text("{}", encoding="utf-8")
    return folder


def test_a_detector_needs_no_card_where_its_labels_are_clear(tmp_path: Path) -> None:
    """A directory is recognised by its architecture."""
    folder = write_checkpoint(tmp_path / "det")
    card = find_card(str(folder))
    assert (card.name, card.backend, card.path) == ("det", "classifier", str(folder))
    check_model(card, remote_code=False)
    assert find_extra(card) is Extra.LOCAL
    assert find_output_labels(card).names == ("human", "artificial")


def test_other_architectures_are_no_detectors(tmp_path: Path) -> None:
    """Nor is a configuration that cannot be read."""
    for config in ({"architectures": ["LlavaForConditionalGeneration"]}, {"architectures": None}):
        assert find_card(str(write_checkpoint(tmp_path / "x", **config))).backend == "transformers"
    (tmp_path / "x" / "config.json").write_text("[", encoding="utf-8")
    assert find_card(str(tmp_path / "x")).backend == "transformers"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"id2label": {"0": "cat", "1": "dog"}}, 'fake_labels = ["dog"]'),
        ({"id2label": None}, "has the labels LABEL_0, LABEL_1"),
        ({"id2label": None, "num_labels": 1}, "has the labels LABEL_0, and"),
        ({"id2label": {"1": "fake", "2": "real"}}, "does not name the outputs from 0 on"),
        ({"id2label": ["fake", "real"]}, "does not name the outputs from 0 on"),
        (
            {
                "id2label": {"0": "real", "1": "gan", "2": "diffusion"},
                "problem_type": "multi_label_classification",
            },
            "several of them mean fake (gan, diffusion), which cannot be added",
        ),
        ({"auto_map": {"AutoModel": "code.py"}}, "brings code of its own"),
    ],
)
def test_a_checkpoint_that_cannot_be_asked_is_refused(
    tmp_path: Path, config: dict[str, Any], message: str
) -> None:
    """By its configuration alone."""
    card = find_card(str(write_checkpoint(tmp_path / "det", **config)))
    with pytest.raises(CardError) as exc_info:
        check_model(card, remote_code=False)
    assert message in str(exc_info.value)


def test_missing_files_are_named(tmp_path: Path) -> None:
    """No image processor, and no weights."""
    folder = write_checkpoint(tmp_path / "det", processor=False)
    with pytest.raises(CardError, match="has no image processor"):
        check_model(find_card(str(folder)), remote_code=False)
    (folder / "model.safetensors").unlink()
    with pytest.raises(CardError, match="holds no weights"):
        check_model(find_card(str(folder)), remote_code=False)


def test_a_card_of_the_wrong_kind_is_refused(tmp_path: Path) -> None:
    """A detector as a model that writes, and a model that writes as a detector."""
    detector = write_checkpoint(tmp_path / "det")
    with pytest.raises(CardError, match=r"is a detector \(ViTForImageClassification\) and writes"):
        check_model(Card(name="det", path=str(detector)), remote_code=False)
    graph = write_onnx(tmp_path / "det.onnx", [0.0, 1.0])
    with pytest.raises(CardError, match=r"is a detector \(an ONNX file\) and writes no replies"):
        check_model(Card(name="det", path=str(graph)), remote_code=False)
    writer = write_checkpoint(tmp_path / "llava", architectures=["LlavaForConditionalGeneration"])
    unnamed = write_checkpoint(tmp_path / "unnamed", architectures=[])
    check_model(Card(name="x", backend="classifier", path=str(unnamed)), remote_code=False)
    card = Card(name="llava", backend="classifier", path=str(writer))
    with pytest.raises(CardError, match=r"names LlavaForConditionalGeneration in config\.json"):
        check_model(card, remote_code=False)


def test_an_onnx_file_needs_a_card_or_the_files_of_its_exporter(tmp_path: Path) -> None:
    """Its labels, and how it takes images, come from one of them."""
    graph = write_onnx(tmp_path / "det.onnx", [0.0, 1.0])
    card = find_card(str(graph))
    assert (card.name, card.backend, find_extra(card)) == ("det", "classifier", Extra.ONNX)
    with pytest.raises(CardError, match="does not name its outputs"):
        check_model(card, remote_code=False)
    card = read_card(write_card(tmp_path / "a.toml", graph, "fake_labels = [1]"), name="a")
    with pytest.raises(CardError, match=r"has no preprocessor_config\.json beside it"):
        check_model(card, remote_code=False)
    card = read_card(write_card(tmp_path / "b.toml", graph, "fake_labels = [1]", *OWN), name="b")
    check_model(card, remote_code=False)
    write_checkpoint(tmp_path)
    check_model(find_card(str(graph)), remote_code=False)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """By its card, and on the command line."""
    card = read_card(write_card(tmp_path / "a.toml", tmp_path / "gone.onnx"), name="a")
    with pytest.raises(CardError, match=r"gone\.onnx, which is not there"):
        check_model(card, remote_code=False)
    with pytest.raises(CardError, match=r"There is no model .*a detector's \.onnx file"):
        find_card(str(tmp_path / "gone.onnx"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[classifier]", '[classifier] needs backend = "classifier"'),
        ('backend = "classifier"', "exactly one of 'repository', 'path'"),
        (
            'backend = "classifier"\npath = "d"\n[prompt]\nsystem = "x"',
            "system in [prompt] is about",
        ),
        (
            'backend = "classifier"\npath = "d"\n[generation]\nstop = ["x"]',
            "stop in [generation] is",
        ),
        (
            'backend = "classifier"\npath = "d.onnx"\ndtype = "float16"',
            "dtype is about a checkpoint",
        ),
    ],
)
def test_a_setting_without_a_use_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """It would do nothing, and nobody would know."""
    (tmp_path / "a.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CardError) as exc_info:
        read_card(tmp_path / "a.toml", name="a")
    assert message in str(exc_info.value)


def test_settings_of_images_are_for_onnx_files(tmp_path: Path) -> None:
    """A checkpoint brings its image processor."""
    with pytest.raises(CardError, match=r"image_mean in .classifier. is about ONNX files"):
        read_card(write_card(tmp_path / "a.toml", Path("d"), *OWN), name="a")


def test_an_onnx_file_has_a_fingerprint(tmp_path: Path) -> None:
    """It changes with the weights beside it, and with labels and image processor."""
    graph = write_onnx(tmp_path / "det.onnx", [0.0, 1.0])
    weights, fingerprint = digest_weights(graph), compute_fingerprint(graph)
    assert digest_files(graph, code=False) == {}
    (tmp_path / "det.onnx_data").write_bytes(b"1")
    assert digest_weights(graph) != weights
    assert compute_fingerprint(graph) != fingerprint
    fingerprint = compute_fingerprint(graph)
    write_checkpoint(tmp_path)
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    assert list(digest_files(graph, code=False)) == ["config.json", "preprocessor_config.json"]
    assert compute_fingerprint(graph) != fingerprint
