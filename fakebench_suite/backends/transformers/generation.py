"""Greedy generation: model inputs in, new tokens out."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

from fakebench_suite.backends.cards import Card
from fakebench_suite.checkpoints.non_finite import NonFiniteWatch, StopOnNonFinite
from fakebench_suite.checkpoints.settings import TOKENS, ShippedSettings, load_shipped
from fakebench_suite.errors import CardError


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationOutput:
    """The new tokens of each row of a batch."""

    tokens: torch.Tensor
    """(rows, new tokens) on the CPU, padded after the end of a row."""
    logits: tuple[torch.Tensor, ...]
    """(rows, vocabulary) for each new token, on the model's device; empty if not requested."""
    broken: torch.Tensor
    """(rows, new tokens) on the CPU: where the scores of a token are not finite."""


class GreedyGenerator:
    """A model with its greedy settings."""

    def __init__(self, model: Any, settings: GenerationConfig) -> None:
        self.model = model
        self.settings = settings

    def stage(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the inputs ready for the model's device, but still on the CPU; from any thread.

        Floating-point ones are in the model's precision. For a GPU they are in pinned memory, which
        it copies from while this process goes on.
        """
        rounded = {
            name: value.to(self.model.dtype) if value.is_floating_point() else value
            for name, value in inputs.items()
        }
        if self.model.device.type != "cuda":
            return rounded
        try:
            return {name: value.pin_memory() for name, value in rounded.items()}
        except RuntimeError:  # The machine gives no more of it, or none at all; copies wait then.
            return rounded

    def to_device(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Move the inputs to the model's device, floating-point ones in its precision.

        Nothing waits for the copies: what the GPU computes comes after them in its queue, and
        torch keeps pinned memory until a copy from it has ended, even if nobody holds the tensor.
        """
        return {
            name: value.to(self.model.device, non_blocking=True)
            for name, value in self.stage(inputs).items()
        }

    def generate(
        self,
        inputs: Mapping[str, torch.Tensor],
        *,
        steps: int | None = None,
        logits: bool = False,
        cache: Any = None,
    ) -> GenerationOutput:
        """Generate at most ``steps`` new tokens per row (default: the card's limit).

        ``inputs`` are on the model's device. ``cache`` holds the states of their first columns,
        which are not computed again. The tokens of the result are on the CPU: a GPU is waited for
        once. (Between tokens transformers itself waits, to see whether every row has ended and
        whether a mask hides anything.)
        """
        watch = NonFiniteWatch()
        output = self._generate(inputs, steps=steps, logits=logits, cache=cache, watch=watch)
        prompt, tokens = inputs["input_ids"], output.sequences
        # Some architectures return the prompt before the new tokens, others do not.
        has_prompt = tokens.shape[1] >= prompt.shape[1] and torch.equal(
            tokens[:, : prompt.shape[1]], prompt
        )
        new = tokens[:, prompt.shape[1] :] if has_prompt else tokens
        broken = torch.zeros_like(new, dtype=torch.bool)
        if watch.steps:  # Custom code of a model may not pass the watch on.
            broken = torch.stack(watch.steps[: new.shape[1]], dim=1)
        return GenerationOutput(tokens=new.cpu(), logits=output.logits or (), broken=broken.cpu())

    def prefill(self, inputs: Mapping[str, torch.Tensor]) -> Any:
        """Return the cache of the inputs, as any other generation prepares it."""
        return self._generate(inputs, steps=1, logits=False, cache=None).past_key_values

    def _generate(
        self,
        inputs: Mapping[str, torch.Tensor],
        *,
        steps: int | None,
        logits: bool,
        cache: Any,
        watch: NonFiniteWatch | None = None,
    ) -> Any:
        """Call ``generate`` of transformers with the greedy settings and the watch, if any."""
        settings = copy.copy(self.settings)
        settings.max_new_tokens = steps or self.settings.max_new_tokens
        settings.output_logits = logits
        settings.return_dict_in_generate = True
        options: dict[str, Any] = {} if cache is None else {"past_key_values": cache}
        if watch is not None:
            options["logits_processor"] = LogitsProcessorList([watch])
            options["stopping_criteria"] = StoppingCriteriaList([StopOnNonFinite(watch)])
        return self.model.generate(**inputs, generation_config=settings, **options)


def load_shipped_settings(folder: Path, config: Any) -> ShippedSettings:
    """Load the settings that the checkpoint ships; ``config`` is the model's configuration."""
    text_config = config.get_text_config(decoder=True)
    configured = {
        name: value
        for name in TOKENS
        for value in [getattr(config, name, None)]
        if value is not None
    }
    configured = {name: getattr(text_config, name, None) for name in TOKENS} | configured
    return load_shipped(folder, fields=GenerationConfig().to_dict(), configured=configured)


def greedy_config(shipped: ShippedSettings, card: Card, tokenizer: Any) -> GenerationConfig:
    """Return the configuration of greedy decoding until an end token or the card's limit.

    End tokens are the checkpoint's, the tokenizer's and the card's. Raises CardError if the card
    names a token that the tokenizer does not have, or if there is no end token.
    """
    own = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    vocabulary = tokenizer.get_vocab()
    for token in card.generation.stop:
        if token not in vocabulary:
            raise CardError(f"The card {card.name!r} stops at {token!r}, which is not a token.")
    ends = [*shipped.ends, *own, *(vocabulary[token] for token in card.generation.stop)]
    if not ends:
        raise CardError(
            f"The checkpoint of {card.name!r} names no token that ends a reply, neither in "
            "generation_config.json nor in its tokenizer. Name one under stop in [generation] of "
            "its card."
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens((own or ends)[0])
    return GenerationConfig(
        do_sample=False,
        num_beams=1,
        num_return_sequences=1,
        use_cache=True,
        max_new_tokens=card.generation.max_new_tokens,
        eos_token_id=list(dict.fromkeys(ends)),
        bos_token_id=shipped.bos,
        pad_token_id=tokenizer.pad_token_id,
        decoder_start_token_id=shipped.decoder_start,
    )


def clear_shipped_settings(model: Any) -> None:
    """Remove all generation settings but special tokens from a model and its parts.

    ``generate`` would use them as defaults.
    """
    for module in model.modules():
        settings = getattr(module, "generation_config", None)
        if isinstance(settings, GenerationConfig):
            tokens = {name: getattr(settings, name) for name in TOKENS}
            module.generation_config = GenerationConfig(**tokens)


def describe_settings(
    settings: GenerationConfig, shipped: ShippedSettings, card: Card
) -> dict[str, bool | int | list[int] | list[str]]:
    """Return the settings in force, and the names of shipped settings that are ignored."""
    return {
        "do_sample": False,
        "num_beams": 1,
        "max_new_tokens": card.generation.max_new_tokens,
        "eos_token_ids": list(settings.eos_token_id),
        "pad_token_id": settings.pad_token_id,
        "stop": list(card.generation.stop),
        "ignored": list(shipped.ignored),
    }
