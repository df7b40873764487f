"""ONNX files as detectors: their input, their outputs, and how images are prepared for them."""

import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

import pytest
from onnx import helper
from PIL import Image

from fakebench_suite.backends.base import Reply
from fakebench_suite.backends.cards import find_card
from fakebench_suite.backends.classifier.onnx import choose_threads, resize
from fakebench_suite.backends.classifier.options import ClassifierOptions
from fakebench_suite.backends.registry import LoadOptions, check_model, load_model
from fakebench_suite.errors import CardError, ModelError
from fakebench_suite.types import Answer, Prompt, QuestionType
from tests.backends.asking import weigh
from tests.backends.classifier.detectors import write_card, write_onnx

PLAIN = ("image_mean = [0, 0, 0]", "image_std = [1, 1, 1]", "fake_labels = [1]")
GREYS = (51, 102, 204)


def ask(model: Path, greys: Sequence[int] = GREYS, side: int = 20) -> Sequence[Reply]:
    """A reply about a square of each grey, by the model behind ``--model``."""
    images = {str(grey): Image.new("RGB", (side, side), (grey,) * 3) for grey in greys}
    prompts = [
        Prompt(case=name, image=name, question_type=QuestionType.WHAT, text="?") for name in images
    ]
    card = find_card(str(model))
    check_model(card, remote_code=False)
    with load_model(card, LoadOptions()) as backend:
        return weigh(backend, prompts, images)


def list_chances(replies: Sequence[Reply]) -> list[float]:
    """P(fake) of each reply."""
    assert all(isinstance(reply, Answer) for reply in replies), replies
    return [float(reply.p_fake or 0) for reply in replies if isinstance(reply, Answer)]


def sigmoid(value: float) -> float:
    """The softmax of a value and 0."""
    return 1 / (1 + math.exp(-value))


@pytest.mark.parametrize(
    "shape",
    [
        ("batch", 3, 16, 16),
        ("batch", 16, 16, 3),
        (1, 3, 16, 16),
        (2, 3, 16, 16),
        ("batch", "channels", 16, 16),
    ],
    ids=str,
)
def test_images_are_given_as_the_input_wants_them(
    tmp_path: Path, shape: tuple[int | str, ...]
) -> None:
    """Channels first or last, any number of images or a fixed one, in the size of the file."""
    graph = write_onnx(tmp_path / "det.onnx", [0.0, 3.0], shape=shape)
    card = write_card(tmp_path / "det.toml", graph, *PLAIN)
    expected = [sigmoid(3 * grey / 255) for grey in GREYS]
    assert list_chances(ask(card)) == pytest.approx(expected, abs=1e-6)


def test_mean_and_deviation_are_those_of_the_card(tmp_path: Path) -> None:
    """Of pixels from 0 to 1, and in a size that the file leaves open."""
    graph = write_onnx(tmp_path / "det.onnx", [0.0, 1.0], shape=("b", 3, "h", "w"))
    lines = ("image_mean = [0.1, 0.2, 0.3]", "image_std = [0.5, 0.25, 0.125]", "fake_labels = [1]")
    card = write_card(tmp_path / "det.toml", graph, *lines, "size = [8, 12]")
    expected = [
        sigmoid(
            statistics.mean(
                [(grey / 255 - mean) / std for mean, std in ((0.1, 0.5), (0.2, 0.25), (0.3, 0.125))]
            )
        )
        for grey in GREYS
    ]
    assert list_chances(ask(card)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("weights", "lines", "expected"),
    [
        (
            [4.0],
            ("fake_labels = [0]", 'output = "logits"'),
            [sigmoid(4 * grey / 255) for grey in GREYS],
        ),
        (
            [4.0],
            ('labels = ["real"]', 'output = "logits"'),
            [1 - sigmoid(4 * grey / 255) for grey in GREYS],
        ),
        ([1.0], ("fake_labels = [0]", 'output = "probabilities"'), [g / 255 for g in GREYS]),
        (
            [0.0, 2.0, 2.0],
            ('labels = ["real", "gan", "diffusion"]',),
            [2 * math.exp(2 * g / 255) / (1 + 2 * math.exp(2 * g / 255)) for g in GREYS],
        ),
    ],
)
def test_outputs_are_read_as_the_card_says(
    tmp_path: Path, weights: list[float], lines: tuple[str, ...], expected: list[float]
) -> None:
    """A single logit by sigmoid, several by softmax, and probabilities as they are."""
    graph = write_onnx(tmp_path / "det.onnx", weights)
    card = write_card(tmp_path / "det.toml", graph, *PLAIN[:2], *lines)
    assert list_chances(ask(card)) == pytest.approx(expected, abs=1e-6)


def test_a_single_output_says_what_it_is(tmp_path: Path) -> None:
    """A file that ends in a sigmoid shows it nowhere, and would get a second one."""
    squash = [helper.make_node("Sigmoid", ["logits"], ["chance"])]
    graph = write_onnx(tmp_path / "det.onnx", [4.0], nodes=squash, output="chance")
    lines = (*PLAIN[:2], "fake_labels = [0]")
    with pytest.raises(CardError, match=r"whether it is a probability or a logit\. Set output = "):
        ask(write_card(tmp_path / "det.toml", graph, *lines))
    card = write_card(tmp_path / "det.toml", graph, *lines, 'output = "probabilities"')
    expected = [sigmoid(4 * grey / 255) for grey in GREYS]
    assert list_chances(ask(card)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.checkpoint
def test_a_sigmoid_per_label_is_no_logit(tmp_path: Path) -> None:
    """A softmax of probabilities would hardly differ from one half."""
    squash = [helper.make_node("Sigmoid", ["logits"], ["chance"])]
    graph = write_onnx(tmp_path / "det.onnx", [4.0, 1.0], nodes=squash, output="chance")
    lines = (*PLAIN[:2], 'labels = ["fake", "real"]')
    with pytest.raises(CardError, match="that do not add up to 1, and nothing says what they are"):
        ask(write_card(tmp_path / "det.toml", graph, *lines))
    labels = {"0": "fake", "1": "real"}
    config = {"problem_type": "multi_label_classification", "id2label": labels}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    card = write_card(tmp_path / "det.toml", graph, *PLAIN[:2], 'output = "probabilities"')
    assert list_chances(ask(card)) == pytest.approx([sigmoid(4 * g / 255) for g in GREYS], abs=1e-6)


@pytest.mark.checkpoint
def test_files_of_an_exporter_replace_a_card(tmp_path: Path) -> None:
    """Labels and image processor lie beside the file, as Optimum leaves them."""
    graph = write_onnx(tmp_path / "model.onnx", [0.0, 3.0])
    config = {"id2label": {"0": "human", "1": "artificial"}}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    processor = {
        "image_processor_type": "ViTImageProcessor",
        "size": {"height": 16, "width": 16},
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")
    expected = [sigmoid(3 * (grey / 255 - 0.5) / 0.5) for grey in GREYS]
    assert list_chances(ask(graph)) == pytest.approx(expected, abs=1e-5)


def test_outputs_that_are_not_finite_are_a_model_error(tmp_path: Path) -> None:
    """Of their image alone."""
    shifted = [
        helper.make_node("Constant", [], ["floor"], value_floats=[0.3]),
        helper.make_node("Sub", ["logits", "floor"], ["above"]),
        helper.make_node("Sqrt", ["above"], ["roots"]),
    ]
    graph = write_onnx(tmp_path / "det.onnx", [0.9, 1.0], nodes=shifted, output="roots")
    replies = ask(write_card(tmp_path / "det.toml", graph, *PLAIN, 'output = "logits"'))
    assert [type(reply) for reply in replies] == [ModelError, Answer, Answer]
    assert "not finite" in str(replies[0])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("fake_labels = [2]",), "has 2 outputs, and its card calls number 2 fake"),
        (('labels = ["real", "fake", "x"]', "fake_labels = [1]"), "has 2 outputs and 3 labels"),
        (("fake_labels = [1]", "size = 8"), "takes images of 16 x 16 pixels"),
        (('output = "probabilities"', "fake_labels = [1]"), None),
    ],
)
def test_a_card_that_does_not_fit_the_file_is_refused(
    tmp_path: Path, lines: tuple[str, ...], message: str | None
) -> None:
    """Before the first case; outputs that are no probabilities are an error of each."""
    graph = write_onnx(tmp_path / "det.onnx", [0.0, 3.0])
    card = write_card(tmp_path / "det.toml", graph, *PLAIN[:2], *lines)
    if message is None:
        assert all("no probabilities" in str(reply) for reply in ask(card))
        return
    with pytest.raises(CardError) as exc_info:
        ask(card)
    assert message in str(exc_info.value)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (("batch", 3, "h", "w"), "takes images of any size, and its card gives none"),
        (("batch", 3, 16, 16, 1), "and a detector takes one batch of RGB images"),
        (("batch", 4, 16, 16), "and a detector takes one batch of RGB images"),
    ],
)
def test_a_file_of_another_input_is_refused(
    tmp_path: Path, shape: tuple[int | str, ...], message: str
) -> None:
    """What it takes is said."""
    graph = write_onnx(tmp_path / "det.onnx", [0.0, 3.0], shape=shape)
    with pytest.raises(CardError, match=message):
        ask(write_card(tmp_path / "det.toml", graph, *PLAIN))


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"version https://git-lfs.github.com/spec"]
)
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    """Whatever its name says."""
    (tmp_path / "det.onnx").write_bytes(content)
    with pytest.raises(CardError, match="is no ONNX file that can be loaded"):
        ask(write_card(tmp_path / "det.toml", tmp_path / "det.onnx", *PLAIN))


@pytest.mark.parametrize(
    ("settings", "corner", "centre"),
    [
        ({}, 0, 255),
        ({"resize": "shortest_edge"}, 0, 255),
        ({"resize": "shortest_edge", "shortest_edge": 40}, 255, 255),
        ({"resize": "none"}, 255, 255),
    ],
)
def test_an_image_gets_its_size_as_the_card_says(
    settings: dict[str, object], corner: int, centre: int
) -> None:
    """A white square in the middle of a black image, 40 x 60, for a model of 20 x 20."""
    image = Image.new("RGB", (60, 40))
    image.paste((255, 255, 255), (15, 5, 45, 35))
    options = ClassifierOptions(
        image_mean=[0.0] * 3,
        image_std=[1.0] * 3,
        resample="nearest",
        **settings,  # type: ignore[arg-type]
    )
    resized = resize(image, 20, 20, options)
    assert resized.size == (20, 20)
    assert (resized.getpixel((0, 0)), resized.getpixel((10, 10))) == ((corner,) * 3, (centre,) * 3)


def test_a_small_image_gets_a_black_border() -> None:
    """Where nothing is scaled."""
    options = ClassifierOptions(image_mean=[0.0] * 3, image_std=[1.0] * 3, resize="none")
    resized = resize(Image.new("RGB", (8, 8), (255,) * 3), 20, 20, options)
    assert (resized.getpixel((0, 0)), resized.getpixel((10, 10))) == ((0, 0, 0), (255, 255, 255))


def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """OMP_NUM_THREADS lowers the number, and a cluster assigns it."""
    monkeypatch.setattr("fakebench_suite.backends.classifier.onnx.cpu_count", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert choose_threads(4, assigned_cores=None) == 2
    assert choose_threads(1, assigned_cores=None) == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert choose_threads(1, assigned_cores=None) == 8
    assert choose_threads(9, assigned_cores=5) == 5
