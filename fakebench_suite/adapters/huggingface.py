"""Any checkpoint that ``AutoModelForImageTextToText`` and ``AutoProcessor`` load.

The only module that imports torch and transformers; the plugin imports it when the first case
asks.
"""

import re
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor, GenerationConfig
from transformers.utils import logging as transformers_logging

from fakebench_suite.adapters.adapter import Reply
from fakebench_suite.adapters.cards import Card
from fakebench_suite.errors import CardError, ModelError
from fakebench_suite.types import Answer, Prompt


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
        self._control_tokens = _match_control_tokens(self._tokenizer)

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
        replies: list[Reply] = []
        while len(replies) < len(prompts):
            batch = prompts[len(replies) : len(replies) + self._batch_size]
            replies += self._answer_batch(batch, images)
        return replies

    def _answer_batch(
        self, batch: Sequence[Prompt], images: Mapping[str, Image.Image]
    ) -> Sequence[Reply]:
        """The batch in one forward pass, or in halves when that fails, down to one prompt."""
        try:
            with warnings.catch_warnings():
                # Shown, but no case's error: pytest may have been told to raise warnings.
                warnings.simplefilter("default")
                return self._generate(batch, images)
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
            *self._answer_batch(batch[:half], images),
            *self._answer_batch(batch[half:], images),
        ]

    @torch.inference_mode()
    def _generate(
        self, batch: Sequence[Prompt], images: Mapping[str, Image.Image]
    ) -> Sequence[Answer]:
        started = time.perf_counter()
        inputs = self._encode(batch, images).to(self._device)
        inputs.pop("labels", None)  # PaliGemma's processor makes them; they are for training.
        for name, value in inputs.items():
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                inputs[name] = value.to(self._model.dtype)
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

    def _encode(self, batch: Sequence[Prompt], images: Mapping[str, Image.Image]) -> Any:
        quirks = self._card.prompt
        questions = [self._control_tokens.sub(_break_token, prompt.text) for prompt in batch]
        pictures = [images[prompt.image] for prompt in batch]
        if quirks.template is None:
            return self._processor.apply_chat_template(
                [self._converse(*pair) for pair in zip(questions, pictures, strict=True)],
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                processor_kwargs={"padding": True},
                **quirks.options,
            )
        if quirks.interleaved:
            before, _, after = quirks.template.partition("{image}")
            mixed = [
                [
                    before.replace("{question}", question),
                    picture,
                    after.replace("{question}", question),
                ]
                for question, picture in zip(questions, pictures, strict=True)
            ]
            return self._processor(text=mixed, padding=True, return_tensors="pt")
        filled = quirks.template.replace("{image}", quirks.image_token)
        texts = [filled.replace("{question}", question) for question in questions]
        return self._processor(images=pictures, text=texts, padding=True, return_tensors="pt")

    def _converse(self, question: str, picture: Image.Image) -> list[dict[str, Any]]:
        content = [{"type": "image", "image": picture}, {"type": "text", "text": question}]
        turns: list[dict[str, Any]] = [{"role": "user", "content": content}]
        if self._card.prompt.system is not None:
            system = [{"type": "text", "text": self._card.prompt.system}]
            turns.insert(0, {"role": "system", "content": system})
        return turns

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


def _match_control_tokens(tokenizer: Any) -> re.Pattern[str]:
    """Matches the tokens a tokenizer adds to its text vocabulary, such as ``<image>``.

    Words and white space among them are ordinary text and left out.
    """
    tokens = {token.content for token in tokenizer.added_tokens_decoder.values()}
    control = [token for token in tokens if len(token) > 2 and not token[0].isalnum()]
    longest_first = sorted((token for token in control if token.strip()), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")


def _break_token(match: re.Match[str]) -> str:
    """A control token of a question as text: a space keeps it from being read as the token.

    ``sanitize_control_tokens`` of transformers would keep the very letters, but serves neither
    checkpoints without a chat template nor tokenizers that write the beginning of sequence.
    """
    return f"{match[0][0]} {match[0][1:]}"
