"""Any checkpoint that ``AutoModelForImageTextToText`` and ``AutoProcessor`` load.

The only module that imports torch and transformers; the plugin imports it when the first case
asks.
"""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor, GenerationConfig
from transformers.utils import logging as transformers_logging

from fakebench_suite.adapters.adapter import OPTIONS, Reply
from fakebench_suite.adapters.cards import Card
from fakebench_suite.adapters.encoding import Encoder
from fakebench_suite.errors import CardError, ModelError
from fakebench_suite.types import Answer, Prompt

Ask = Callable[[Sequence[Prompt], Mapping[str, Image.Image]], Sequence[Reply]]
_EVEN = 0.5


class HuggingFaceAdapter:
    """A checkpoint on one device, answering slices in batches, greedily."""

    def __init__(self, card: Card, weights: Path, *, device: str, remote_code: bool) -> None:
        self._card = card
        self._device = device
        self._batch_size = card.generation.batch_size
        transformers_logging.disable_progress_bar()
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            self._load(weights, remote_code=remote_code)
        self._tokenizer = getattr(self._processor, "tokenizer", self._processor)
        self._tokenizer.padding_side = "left"
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._generation = _greedy(self._model.generation_config, card, self._tokenizer)
        self._encoder = Encoder(card, self._processor, self._tokenizer)

    def _load(self, weights: Path, *, remote_code: bool) -> None:
        card = self._card
        try:
            self._processor: Any = AutoProcessor.from_pretrained(
                weights, local_files_only=True, trust_remote_code=remote_code
            )
            model: Any = AutoModelForImageTextToText.from_pretrained(
                weights,
                local_files_only=True,
                trust_remote_code=remote_code,
                dtype=card.dtype,
                attn_implementation=card.attention,
            )
            self._model: Any = model.to(self._device).eval()
        except Exception as error:  # Broken weights raise nearly anything; no case can run.
            raise CardError(f"{card.name!r} cannot be loaded from {weights}: {error}") from error

    def answer(
        self, prompts: Sequence[Prompt], images: Mapping[str, Image.Image]
    ) -> Sequence[Reply]:
        """One reply per prompt, in batches of at most the card's ``batch_size``."""
        return self._in_batches(self._generate, prompts, images)

    def weigh(
        self, prompts: Sequence[Prompt], images: Mapping[str, Image.Image]
    ) -> Sequence[Reply]:
        """The likelier option of each prompt by the probabilities of its first token."""
        return self._in_batches(self._compare, prompts, images)

    def _in_batches(
        self, ask: Ask, prompts: Sequence[Prompt], images: Mapping[str, Image.Image]
    ) -> Sequence[Reply]:
        replies: list[Reply] = []
        while len(replies) < len(prompts):
            batch = prompts[len(replies) : len(replies) + self._batch_size]
            replies += self._ask_batch(ask, batch, images)
        return replies

    def _ask_batch(
        self, ask: Ask, batch: Sequence[Prompt], images: Mapping[str, Image.Image]
    ) -> Sequence[Reply]:
        """The batch in one forward pass, or in halves when that fails, down to one prompt."""
        try:
            with warnings.catch_warnings():
                # Shown, but no case's error: pytest may have been told to raise warnings.
                warnings.simplefilter("default")
                return ask(batch, images)
        except Exception as error:  # A checkpoint may raise anything; it is that case's error.
            # Only the words are kept: the traceback would keep the batch's tensors in memory.
            failure = f"{type(error).__name__}: {error}"
            if isinstance(error, torch.OutOfMemoryError):
                self._batch_size = max(1, len(batch) // 2)
        if self._device != "cpu":
            torch.cuda.empty_cache()
        if len(batch) == 1:
            return [ModelError(failure)]
        half = len(batch) // 2
        return [
            *self._ask_batch(ask, batch[:half], images),
            *self._ask_batch(ask, batch[half:], images),
        ]

    @torch.inference_mode()
    def _generate(
        self, batch: Sequence[Prompt], images: Mapping[str, Image.Image]
    ) -> Sequence[Answer]:
        started = time.perf_counter()
        inputs = self._prepare(batch, images)
        output = self._model.generate(**inputs, generation_config=self._generation)
        prefix = inputs["input_ids"]
        # Some architectures return the prompt before the new tokens and some do not.
        echoed = output.shape[1] >= prefix.shape[1] and torch.equal(
            output[:, : prefix.shape[1]], prefix
        )
        new = output[:, prefix.shape[1] :] if echoed else output
        texts = self._tokenizer.batch_decode(new, skip_special_tokens=True)
        seconds = (time.perf_counter() - started) / len(batch)
        return [
            Answer(
                text=text.strip(),
                tokens=self._count_tokens(row),
                seconds=seconds,
                batch_size=len(batch),
            )
            for text, row in zip(texts, new, strict=True)
        ]

    @torch.inference_mode()
    def _compare(
        self, batch: Sequence[Prompt], images: Mapping[str, Image.Image]
    ) -> Sequence[Reply]:
        """P(fake) from the distribution of the first token, the same path as generation."""
        started = time.perf_counter()
        first = self._model.generate(
            **self._prepare(batch, images),
            generation_config=self._generation,
            max_new_tokens=1,
            output_logits=True,
            return_dict_in_generate=True,
        )
        chances = first.logits[0].float().softmax(dim=-1)
        seconds = (time.perf_counter() - started) / len(batch)
        answers: list[Reply] = []
        for prompt, row in zip(batch, chances, strict=True):
            options = OPTIONS[prompt.form]
            fake, real = (float(row[list(ids)].sum()) for ids in self._list_starts(options))
            if not fake + real > 0:  # Also where the model computed no numbers.
                answers.append(ModelError(f"the options have the probability {fake + real}"))
                continue
            p_fake = fake / (fake + real)
            answers.append(
                Answer(
                    text=options[0] if p_fake >= _EVEN else options[1],
                    tokens=1,
                    seconds=seconds,
                    batch_size=len(batch),
                    p_fake=p_fake,
                    mass=fake + real,
                )
            )
        return answers

    def _list_starts(self, options: tuple[str, str]) -> tuple[frozenset[int], frozenset[int]]:
        """First tokens of either option, small or capital, with or without a space before it.

        Raises ModelError when the tokenizer begins both options alike.
        """
        one, two = (
            frozenset(
                self._tokenizer.encode(text, add_special_tokens=False)[0]
                for word in (option, option.capitalize())
                for text in (word, f" {word}")
            )
            for option in options
        )
        if not one - two or not two - one:
            raise ModelError(f"the tokenizer begins {options[0]!r} and {options[1]!r} alike")
        return one - two, two - one

    def _prepare(self, batch: Sequence[Prompt], images: Mapping[str, Image.Image]) -> Any:
        inputs = self._encoder.encode(batch, images).to(self._device)
        inputs.pop("labels", None)  # PaliGemma's processor makes them; they are for training.
        for name, value in inputs.items():
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                inputs[name] = value.to(self._model.dtype)
        return inputs

    def _count_tokens(self, row: torch.Tensor) -> int:
        """Generated tokens up to and including the first end of sequence, without padding."""
        stops = torch.isin(row, torch.tensor(self._generation.eos_token_id).to(row))
        return int(stops.int().argmax()) + 1 if stops.any() else len(row)


def _greedy(shipped: GenerationConfig, card: Card, tokenizer: Any) -> GenerationConfig:
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
