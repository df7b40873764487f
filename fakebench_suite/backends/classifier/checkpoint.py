"""Any checkpoint that ``AutoModelForImageClassification`` and ``AutoImageProcessor`` load.

This module imports torch and transformers, so it is imported only when a model is loaded.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageClassification
from transformers.utils import logging as transformers_logging

from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.classifier.model import Floats
from fakebench_suite.backends.transformers.devices import describe_device
from fakebench_suite.checkpoints.linear_layers import use_onednn
from fakebench_suite.checkpoints.weight_check import check_tensors
from fakebench_suite.errors import CardError

_UNUSED = "If the model does not need them, name their beginnings under unused_tensors in its card."
DECODER_MODULES = r"PIL\.|fakebench_suite\.datasets\."
"""Modules whose warnings are about broken metadata of images, which other threads open."""


class CheckpointClassifier:
    """An image classifier of transformers on one device, with its own image processor."""

    says_logits = True

    def __init__(self, card: Card, weights: Path, *, device: str, remote_code: bool) -> None:
        """Load processor and weights; raises CardError if that fails or tensors are missing."""
        self.device = describe_device(device)
        self._device = device
        transformers_logging.disable_progress_bar()
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            try:
                self._processor: Any = AutoImageProcessor.from_pretrained(
                    weights, local_files_only=True, trust_remote_code=remote_code
                )
                loaded: Any = AutoModelForImageClassification.from_pretrained(
                    weights,
                    local_files_only=True,
                    trust_remote_code=remote_code,
                    dtype=card.dtype,
                    attn_implementation=card.attention,
                    ignore_mismatched_sizes=True,  # They are reported and fatal below.
                    output_loading_info=True,
                )
                model, loading = loaded
                self._model: Any = model.to(device).eval()
                use_onednn(self._model)
            except Exception as error:  # Broken weights may raise anything; no case can run.
                why = " ".join(str(error).split())
                raise CardError(f"{card.name!r} cannot be loaded from {weights}: {why}") from error
        source = f"of {card.name!r} at {weights}"
        check_tensors(loading, source=source, unused=card.unused_tensors, advice=_UNUSED)

    @torch.inference_mode()
    def compute(self, images: Sequence[Image.Image]) -> Floats:
        """Return the logits, images x labels; raises MemoryError if the device has too little."""
        with warnings.catch_warnings():
            warnings.filterwarnings("default", module=rf"(?!{DECODER_MODULES})")
            pixels = self._processor(images=list(images), return_tensors="pt")["pixel_values"]
            try:
                logits = self._model(pixels.to(self._device, self._model.dtype)).logits
            except torch.OutOfMemoryError as error:
                torch.cuda.empty_cache()
                raise MemoryError(str(error)) from error
        return np.asarray(logits.double().cpu().numpy())
