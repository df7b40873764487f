"""A batch of prompts and pictures as a checkpoint's processor takes it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.transformers.image_cache import CachingImageProcessor
from fakebench_suite.errors import CardError
from fakebench_suite.provenance import digest_parts
from fakebench_suite.text.thoughts import find_open_thought
from fakebench_suite.types import Prompt

_TEST_QUESTION = "Is there anything odd in this picture, and where is it?"
_ADVICE = "Set template, and system or options where they are at fault, in [prompt] of its card."


class Encoder:
    """The card's prompt quirks applied to a processor."""

    def __init__(self, card: Card, processor: Any, tokenizer: Any) -> None:
        self._name, self._quirks = card.name, card.prompt
        self._processor = processor
        self._picture = CachingImageProcessor(getattr(processor, "image_processor", None))
        if hasattr(processor, "image_processor"):
            processor.image_processor = self._picture
        self._control_tokens = _match_control_tokens(tokenizer)
        self.rendering: str | None = None
        """Digest of one fixed question as the chat template renders it: with the card's options and
        system text, and with the date where the template writes that. Known to find_thought."""
        self.rendered: dict[str, str] = {}
        """Digest of the tokens of each prompt encoded so far, by case id."""

    def find_thought(self) -> str | None:
        """The mark of the thought that every prompt leaves open after its question, if any.

        Raises CardError where the chat template makes no prompt of a question about a picture.
        """
        quirks, template = self._quirks, self._quirks.template
        if template is not None:
            return find_open_thought(template.rpartition("{question}")[2])
        try:
            prompt = self._processor.apply_chat_template(
                self._converse(_TEST_QUESTION, Image.new("RGB", (32, 32))),
                add_generation_prompt=True,
                tokenize=False,
                **quirks.options,
            )
        except Exception as error:  # A template may raise anything.
            raise CardError(
                f"The chat template of {self._name!r} makes no prompt of a question about a "
                f"picture ({type(error).__name__}: {error}). {_ADVICE}"
            ) from error
        self.rendering = digest_parts([str(prompt).encode("utf-8", "surrogatepass")])
        _, question, tail = str(prompt).rpartition(_TEST_QUESTION)
        if not question:
            raise CardError(
                f"The chat template of {self._name!r} leaves the question out of the prompt. "
                f"{_ADVICE}"
            )
        return find_open_thought(tail)

    def encode_one(self, prompt: Prompt, picture: Image.Image) -> dict[str, Any]:
        """Tensors of one prompt, of one row; its pixels are prepared at its first prompt."""
        self._picture.show(picture)
        try:
            return self.encode([prompt], {prompt.image: picture})
        finally:
            self._picture.show(None)

    def forget(self) -> None:
        """Let go of the last picture, and of what is known of its prompts."""
        self._picture.forget()
        self.rendered.clear()

    def encode(self, batch: Sequence[Prompt], images: Mapping[str, Image.Image]) -> dict[str, Any]:
        """Padded tensors for the batch, the image where the card or the chat template puts it."""
        inputs = dict(self._encode(batch, images))
        inputs.pop("labels", None)  # PaliGemma's processor makes them; they are for training.
        self._note_tokens(batch, inputs)
        return inputs

    def _note_tokens(self, batch: Sequence[Prompt], inputs: Mapping[str, Any]) -> None:
        """Keep the digest of each prompt's tokens, padding left out."""
        tokens, mask = np.asarray(inputs["input_ids"]), inputs.get("attention_mask")
        known = mask is not None and mask.shape == tokens.shape
        seen = np.asarray(mask, dtype=bool) if known else np.ones(tokens.shape, dtype=bool)
        for prompt, row, kept in zip(batch, tokens, seen, strict=True):
            self.rendered[prompt.case] = digest_parts([row[kept].astype(np.int64).tobytes()])[:32]

    def _encode(self, batch: Sequence[Prompt], images: Mapping[str, Image.Image]) -> Any:
        quirks = self._quirks
        questions = [
            self._control_tokens.sub(_split_control_token, prompt.text) for prompt in batch
        ]
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
        if self._quirks.system is not None:
            system = [{"type": "text", "text": self._quirks.system}]
            turns.insert(0, {"role": "system", "content": system})
        return turns


def _match_control_tokens(tokenizer: Any) -> re.Pattern[str]:
    """Matches the tokens a tokenizer adds to its text vocabulary, such as ``<image>``.

    Words and white space among them are ordinary text and left out.
    """
    tokens = {token.content for token in tokenizer.added_tokens_decoder.values()}
    control = [token for token in tokens if len(token) > 2 and not token[0].isalnum()]
    longest_first = sorted((token for token in control if token.strip()), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")


def _split_control_token(match: re.Match[str]) -> str:
    """A control token of a question as text: a space keeps it from being read as the token.

    ``sanitize_control_tokens`` of transformers would keep the very letters, but serves neither
    checkpoints without a chat template nor tokenizers that write the beginning of sequence.
    """
    return f"{match[0][0]} {match[0][1:]}"
