"""A detector in an ONNX file, on the CPU by ONNX Runtime.

This module imports onnxruntime, so it is imported only when a model is loaded.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from joblib import cpu_count
from numpy.typing import NDArray
from PIL import Image

from fakebench_suite.backends.classifier.model import Floats
from fakebench_suite.backends.classifier.options import ClassifierOptions
from fakebench_suite.errors import CardError

Pixels = NDArray[np.float32]
"""Images x channels x height x width."""
Prepare = Callable[[Sequence[Image.Image]], Pixels]
_DTYPES: dict[str, type[np.floating[Any]]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
}
_CHANNELS, _AXES = 3, 4
_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InputShape:
    """What the input of an ONNX file looks like; None for a side or a batch of any length."""

    rows: int | None
    height: int | None
    width: int | None
    layout: Literal["channels first", "channels last"]


class OnnxClassifier:
    """An ONNX file with one input of images, whose first output is a row per image."""

    device = "cpu"

    def __init__(
        self, path: Path, options: ClassifierOptions, *, threads: int | None, own: bool
    ) -> None:
        """Open the file; ``own``: by the card's settings of images, else by a processor beside it.

        ``threads`` is the number of CPU threads, None for ONNX Runtime's choice. Raises CardError
        if the file is no model of images.
        """
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 4  # Fatal only: what fails is raised.
        settings.intra_op_num_threads = threads or 0
        try:
            self._session: Any = onnxruntime.InferenceSession(
                path, settings, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # It raises classes of its own, none of which it documents.
            why = " ".join(str(error).split())
            raise CardError(f"{path} is no ONNX file that can be loaded: {why}") from error
        self._name, self._dtype, self._shape = _read_input(self._session.get_inputs(), path)
        # Exporters of transformers name it so; another file may end in a sigmoid.
        self.says_logits = self._session.get_outputs()[0].name == "logits"
        self._prepare = (
            make_prepare(options, self._shape, path) if own else _load_processor(path.parent)
        )

    def compute(self, images: Sequence[Image.Image]) -> Floats:
        """Return the first output, images x outputs."""
        pixels = self._prepare(images)
        if self._shape.layout == "channels last":
            pixels = pixels.transpose(0, 2, 3, 1)
        pixels = np.ascontiguousarray(pixels, dtype=self._dtype)
        rows = self._shape.rows
        outputs = (
            [self._run(pixels)]
            if rows is None
            else [
                self._run_fixed(pixels[start : start + rows], rows)
                for start in range(0, len(pixels), rows)
            ]
        )
        return np.concatenate(outputs)

    def _run_fixed(self, pixels: NDArray[Any], rows: int) -> Floats:
        """Return the outputs of a model that takes so many images, no more and no fewer."""
        filled = np.concatenate([pixels, np.repeat(pixels[-1:], rows - len(pixels), axis=0)])
        return self._run(filled)[: len(pixels)]

    def _run(self, pixels: NDArray[Any]) -> Floats:
        output = np.asarray(self._session.run(None, {self._name: pixels})[0], dtype=np.float64)
        return output[:, None] if output.ndim == 1 else output


def choose_threads(workers: int, *, assigned_cores: int | None) -> int:
    """Return the CPU threads of one of so many workers; OMP_NUM_THREADS may lower their number."""
    share = assigned_cores or max(1, cpu_count() // workers)
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(share, int(limit)) if limit.isdecimal() and int(limit) else share


def _read_input(
    inputs: Sequence[Any], path: Path
) -> tuple[str, type[np.floating[Any]], InputShape]:
    """Return name, type and shape of the one input; raises CardError if it takes no images."""
    shapes = ", ".join(f"{entry.name} {entry.type} {entry.shape}" for entry in inputs)
    if len(inputs) == 1 and inputs[0].type in _DTYPES and len(inputs[0].shape) == _AXES:
        (entry,) = inputs
        sides = [side if isinstance(side, int) and side > 0 else None for side in entry.shape]
        last = sides[3] == _CHANNELS and sides[1] != _CHANNELS
        if last or sides[1] in (_CHANNELS, None):
            height, width = (sides[1], sides[2]) if last else (sides[2], sides[3])
            shape = InputShape(
                rows=sides[0],
                height=height,
                width=width,
                layout="channels last" if last else "channels first",
            )
            return entry.name, _DTYPES[entry.type], shape
    raise CardError(
        f"{path} takes {shapes or 'nothing'}, and a detector takes one batch of RGB images, as "
        "floating-point numbers of four axes. Export the model with the images as its only input."
    )


def make_prepare(options: ClassifierOptions, shape: InputShape, path: Path) -> Prepare:
    """Return what prepares images by the settings of a card.

    Raises CardError if the size is not known, or not the one that the file fixes.
    """
    fixed = None if shape.height is None or shape.width is None else (shape.height, shape.width)
    size = options.size
    wanted = (size, size) if isinstance(size, int) else None if size is None else (size[0], size[1])
    if fixed is None and wanted is None:
        raise CardError(
            f"{path} takes images of any size, and its card gives none. Set size in [classifier], "
            "such as size = 224."
        )
    if fixed is not None and wanted not in (None, fixed):
        raise CardError(
            f"{path} takes images of {fixed[0]} x {fixed[1]} pixels (height x width), and its card "
            f"gives size = {options.size}. Leave size out."
        )
    height, width = fixed or wanted or (0, 0)
    assert options.image_mean is not None
    assert options.image_std is not None
    mean, std = (
        np.array(values, dtype=np.float32) for values in (options.image_mean, options.image_std)
    )

    def prepare(images: Sequence[Image.Image]) -> Pixels:
        resized = [np.asarray(resize(image, height, width, options)) for image in images]
        scaled = (np.stack(resized).astype(np.float32) / 255 - mean) / std
        return np.asarray(scaled.transpose(0, 3, 1, 2))

    return prepare


def resize(image: Image.Image, height: int, width: int, options: ClassifierOptions) -> Image.Image:
    """Return an RGB image of this size, by the card's ``resize``."""
    resampling = _RESAMPLING[options.resample]
    if options.resize == "stretch":
        return image.resize((width, height), resampling)
    if options.resize == "shortest_edge":
        edge = options.shortest_edge or max(height, width)
        scale = edge / min(image.size)
        image = image.resize(
            (max(1, round(image.width * scale)), max(1, round(image.height * scale))), resampling
        )
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _load_processor(folder: Path) -> Prepare:
    """Return what prepares images by transformers' image processor in a directory.

    Raises CardError if it cannot be loaded.
    """
    from transformers import AutoImageProcessor

    try:
        processor: Any = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # A configuration may be broken in any way.
        why = " ".join(str(error).split())
        raise CardError(f"The image processor in {folder} cannot be loaded: {why}") from error

    def prepare(images: Sequence[Image.Image]) -> Pixels:
        pixels = processor(images=list(images), return_tensors="pt")["pixel_values"]
        return np.asarray(pixels.numpy(), dtype=np.float32)

    return prepare
