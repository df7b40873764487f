"""Any checkpoint that ``AutoModelForImageTextToText`` and ``AutoProcessor`` load.

This module imports torch and transformers, so it is imported only when a model is loaded.
"""

import warnings
from collections import ChainMap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor, GenerationConfig
from transformers.utils import logging as transformers_logging

from fakebench_suite.backends.base import Backend, Capability, InferenceInfo, Reply, Request
from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.transformers.devices import describe_device
from fakebench_suite.backends.transformers.generation import (
    GreedyGenerator,
    clear_shipped_settings,
    describe_settings,
    greedy_config,
    load_shipped_settings,
)
from fakebench_suite.backends.transformers.memory import BatchTokenLimit
from fakebench_suite.backends.transformers.outputs import (
    OptionDecoder,
    OutputDecoder,
    TextDecoder,
)
from fakebench_suite.backends.transformers.prefix_cache.attention import register_shared_sdpa
from fakebench_suite.backends.transformers.prefix_cache.selftest import InferencePath
from fakebench_suite.backends.transformers.processor import Encoder
from fakebench_suite.backends.transformers.runner import BatchRunner
from fakebench_suite.backends.transformers.vision_attention import (
    find_flash_attention,
    list_attention,
    try_vision_attention,
)
from fakebench_suite.checkpoints.file_check import brings_code, check_files
from fakebench_suite.checkpoints.linear_layers import use_onednn
from fakebench_suite.checkpoints.weight_check import check_tensors
from fakebench_suite.errors import CardError

if TYPE_CHECKING:
    from PIL import Image

_UNUSED = "If the model does not need them, name their beginnings under unused_tensors in its card."


class TransformersBackend(Backend):
    """A checkpoint on one device, answering in batches, greedily."""

    capabilities = frozenset(Capability)
    max_in_flight = 1

    def __init__(
        self,
        card: Card,
        weights: Path,
        *,
        device: str,
        remote_code: bool,
        batch_tokens: int | None = None,
    ) -> None:
        self._card = card
        self._device = device
        transformers_logging.disable_progress_bar()
        register_shared_sdpa()
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            self._left_over = self._load(weights, remote_code=remote_code)
        self._tokenizer = getattr(self._processor, "tokenizer", self._processor)
        self._tokenizer.padding_side = "left"
        shipped = load_shipped_settings(weights, self._model.config)
        settings = greedy_config(shipped, card, self._tokenizer)
        self._settings = describe_settings(settings, shipped, card)
        clear_shipped_settings(self._model)
        self._uses_onednn = use_onednn(self._model)
        self._generator = GreedyGenerator(self._model, settings)
        self._encoder = Encoder(card, self._processor, self._tokenizer)
        thought = self._encoder.find_thought()
        ends = settings.eos_token_id
        self._decoders: dict[Capability, OutputDecoder] = {
            Capability.TEXT: TextDecoder(self._tokenizer, ends, thought=thought),
            Capability.FIRST_TOKEN: TextDecoder(self._tokenizer, ends, steps=1),
            Capability.PROBABILITIES: OptionDecoder(self._tokenizer),
        }
        new, rows = card.generation.max_new_tokens, card.generation.batch_size
        self._budget = BatchTokenLimit(self._model, tokens=batch_tokens, rows=rows, new=new)
        kernel = None if card.attention is not None else find_flash_attention(self._model)
        self._attention_trial = (
            None if kernel is None else try_vision_attention(self._generator, self._encoder, kernel)
        )
        # On a CPU the processor and the model would take the same cores from each other.
        looks_ahead = not device.startswith("cpu")
        self._questioner = BatchRunner(
            self._generator, self._encoder, self._budget, looks_ahead=looks_ahead
        )

    def _load(self, weights: Path, *, remote_code: bool) -> Sequence[str]:
        """Load processor and weights; return the unused tensors of the checkpoint.

        Raises CardError if the checkpoint is incomplete, cannot be loaded, needs custom code that
        is not trusted, or asks for attention that needs a GPU.
        """
        card = self._card
        if self._device == "cpu" and (card.attention or "").startswith("flash"):
            raise CardError(
                f"The card {card.name!r} asks for {card.attention}, which needs a GPU, and there "
                'is none here. Set attention = "sdpa" or leave it out.'
            )
        check_files(weights)
        try:
            self._processor: Any = AutoProcessor.from_pretrained(
                weights, local_files_only=True, trust_remote_code=remote_code
            )
            loaded: Any = AutoModelForImageTextToText.from_pretrained(
                weights,
                local_files_only=True,
                trust_remote_code=remote_code,
                dtype=card.dtype,
                attn_implementation=card.attention,
                generation_config=GenerationConfig(),  # Shipped settings are ignored.
                ignore_mismatched_sizes=True,  # They are reported and fatal below.
                output_loading_info=True,
            )
            model, loading = loaded
            self._model: Any = model.to(self._device).eval()
            if self._model.device.type == "cuda" and self._model.dtype == torch.float32:
                # Image encoders begin with a convolution, which cuDNN would compute in 19 bits.
                torch.backends.cudnn.allow_tf32 = False
        except Exception as error:  # Broken weights may raise anything; no case can run.
            if not remote_code and brings_code(weights):
                raise CardError(
                    f"{card.name!r} at {weights} cannot be loaded without the code that comes with "
                    "it. If you trust that code, set trust_remote_code = true in a card and add "
                    "--trust-remote-code; otherwise choose another checkpoint."
                ) from error
            why = " ".join(str(error).split())
            raise CardError(f"{card.name!r} cannot be loaded from {weights}: {why}") from error
        source = f"of {card.name!r} at {weights}"
        unused, advice = card.unused_tensors, _UNUSED
        return check_tensors(loading, source=source, unused=unused, advice=advice)

    @property
    def route(self) -> InferencePath:
        """How prompts are computed, as far as it is known."""
        return self._questioner.route

    def stop(self, reason: str) -> None:
        """Begin no further batch on a GPU, whose work units have several and take minutes."""
        self._questioner.stop_reason = self._questioner.stop_reason or reason

    def describe(self) -> InferenceInfo:
        """The inference path, the device and the settings in force."""
        details: dict[str, Any] = {
            "attention": list_attention(self._model),
            "linear_layers": "oneDNN" if self._uses_onednn else "PyTorch",
        }
        if self._attention_trial is not None:
            details["attention_reason"] = self._attention_trial.why
        details["look_ahead"] = self._questioner.looks_ahead
        return InferenceInfo(
            path="prefix" if self.route.prefix else "plain",
            reason=self.route.why,
            shared=self.route.shared,
            mixes=self.route.mixes,
            device=describe_device(self._device),
            batch_tokens=self._budget.tokens,
            generation=self._settings,
            left_over=list(self._left_over),
            rendering=self._encoder.rendering,
            details=details,
        )

    def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """One reply per request, in batches that fit; requests that want alike share batches."""
        replies: dict[int, Reply] = {}
        for want, decoder in self._decoders.items():
            numbers = [number for number, request in enumerate(requests) if request.want is want]
            if numbers:
                asked = [requests[number] for number in numbers]
                maps = {id(request.images): request.images for request in asked}.values()
                images = ChainMap(*cast("Iterable[dict[str, Image.Image]]", maps))
                answers = self._questioner.ask(
                    [request.prompt for request in asked], images, decoder
                )
                replies |= zip(numbers, answers, strict=True)
        return [replies[number] for number in range(len(requests))]
