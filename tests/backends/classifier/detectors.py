"""Small detectors, made here: one trained to tell noise from smooth images, and ONNX graphs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

SIDE = 16
LABELS = ("human", "artificial")
MEAN, STD = [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]


def draw(rng: np.random.Generator, *, fake: bool, side: int = SIDE) -> Image.Image:
    """Noise, which is fake here, or a smooth gradient, which is real."""
    if fake:
        return Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8))
    ends = rng.uniform(0, 255, (2, 3))
    share = np.linspace(0, 1, side)[:, None, None]
    return Image.fromarray(
        np.broadcast_to(ends[0] * share + ends[1] * (1 - share), (side, side, 3)).astype(np.uint8)
    )


def train_detector(folder: Path, labels: Sequence[str] = LABELS) -> Path:
    """A vision transformer with one layer that learnt to call noise the last of its labels."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    processor = ViTImageProcessor(
        size={"height": SIDE, "width": SIDE}, image_mean=MEAN, image_std=STD
    )
    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=SIDE,
        patch_size=8,
        id2label=dict(enumerate(labels)),
        label2id={name: number for number, name in enumerate(labels)},
    )
    model: Any = ViTForImageClassification(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    fakes = torch.tensor([number % 2 for number in range(32)])
    truth = fakes * (len(labels) - 1)
    for _ in range(60):
        images = [draw(rng, fake=bool(fake)) for fake in fakes]
        pixels = processor(images=images, return_tensors="pt")["pixel_values"]
        optimizer.zero_grad()
        model(pixels, labels=truth).loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def write_onnx(
    path: Path,
    weights: Sequence[float],
    *,
    shape: Sequence[int | str] = ("batch", 3, SIDE, SIDE),
    nodes: Sequence[Any] = (),
    output: str = "logits",
) -> Path:
    """A graph whose outputs are the mean of an image's pixels by these weights, one each.

    ``nodes`` make ``output`` of the logits.
    """
    axes = numpy_helper.from_array(np.array([1, 2, 3]), "axes")
    matrix = numpy_helper.from_array(np.array([weights], dtype=np.float32), "weights")
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["pixels", "axes"], ["mean"], keepdims=0),
            helper.make_node("Unsqueeze", ["mean", "last"], ["column"]),
            helper.make_node("MatMul", ["column", "weights"], ["logits"]),
            *nodes,
        ],
        "detector",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [axes, matrix, numpy_helper.from_array(np.array([1]), "last")],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10, producer_name="tests"
    )
    onnx.save(model, path)
    return path


def write_card(path: Path, model: Path, *lines: str, training_data: str = "") -> Path:
    """A card of a detector, with these lines below ``[classifier]``."""
    trained = [f'training_data = "{training_data}"'] if training_data else []
    head = ['backend = "classifier"', f'path = "{model}"', *trained, "[classifier]"]
    path.write_text("\n".join([*head, *lines]), encoding="utf-8")
    return path
