"""Greedy generation: tensors in, new tokens out."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig

from fakebench_suite.adapters.cards import Card
from fakebench_suite.errors import CardError


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a model wrote after each row of a batch."""

    tokens: torch.Tensor
    """(rows, new tokens); after a row's end there is padding."""
    logits: tuple[torch.Tensor, ...]
    """(rows, vocabulary) for each new token; empty where they were not asked for."""


class Generator:
    """A model with its greedy settings."""

    def __init__(self, model: Any, settings: GenerationConfig) -> None:
        self.model = model
        self.settings = settings

    def place(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The inputs on the model's device, floating-point ones in its precision."""
        return {
            name: value.to(
                self.model.device, self.model.dtype if value.is_floating_point() else None
            )
            for name, value in inputs.items()
        }

    def write(
        self,
        inputs: Mapping[str, torch.Tensor],
        *,
        steps: int | None = None,
        logits: bool = False,
        cache: Any = None,
    ) -> Written:
        """At most ``steps`` new tokens per row (default: the card's); ``inputs`` are placed.

        ``cache`` holds the states of the first columns of the inputs, which are not computed again.
        """
        output = self._generate(inputs, steps=steps, logits=logits, cache=cache)
        prompt, tokens = inputs["input_ids"], output.sequences
        # Some architectures return the prompt before the new tokens and some do not.
        echoed = tokens.shape[1] >= prompt.shape[1] and torch.equal(
            tokens[:, : prompt.shape[1]], prompt
        )
        return Written(
            tokens=tokens[:, prompt.shape[1] :] if echoed else tokens,
            logits=output.logits or (),
        )

    def read(self, inputs: Mapping[str, torch.Tensor]) -> Any:
        """The cache of the inputs, prepared as for any other generation."""
        return self._generate(inputs, steps=1, logits=False, cache=None).past_key_values

    def _generate(
        self, inputs: Mapping[str, torch.Tensor], *, steps: int | None, logits: bool, cache: Any
    ) -> Any:
        settings = copy.copy(self.settings)
        settings.max_new_tokens = steps or self.settings.max_new_tokens
        settings.output_logits = logits
        settings.return_dict_in_generate = True
        if cache is None:
            return self.model.generate(**inputs, generation_config=settings)
        return self.model.generate(**inputs, generation_config=settings, past_key_values=cache)


def choose_greedily(shipped: GenerationConfig, card: Card, tokenizer: Any) -> GenerationConfig:
    """The checkpoint's stop tokens with greedy decoding; its sampling settings are left behind.

    Raises CardError when the card stops at a token that the tokenizer does not have.
    """
    ends = shipped.eos_token_id if shipped.eos_token_id is not None else tokenizer.eos_token_id
    ends = [] if ends is None else ends if isinstance(ends, list) else [ends]
    vocabulary = tokenizer.get_vocab()
    for token in card.generation.stop:
        if token not in vocabulary:
            raise CardError(f"The card {card.name!r} stops at {token!r}, which is not a token.")
        ends = [*ends, vocabulary[token]]
    return GenerationConfig(
        do_sample=False,
        max_new_tokens=card.generation.max_new_tokens,
        eos_token_id=ends,
        bos_token_id=shipped.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        decoder_start_token_id=shipped.decoder_start_token_id,
    )
