"""Encode prompts and images with a checkpoint's processor."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.transformers.image_cache import CachingImageProcessor
from fakebench_suite.errors import CardError
from fakebench_suite.provenance import digest_parts, digest_tokens
from fakebench_suite.text.thoughts import find_open_thought
from fakebench_suite.types import Prompt

_TEST_QUESTION = "Is there anything odd in this picture, and where is it?"
_ADVICE = "Set template, and system or options where they are at fault, in [prompt] of its card."


class Encoder:
    """Applies the card's prompt format to a processor."""

    def __init__(self, card: Card, processor: Any, tokenizer: Any) -> None:
        self._name, self._format = card.name, card.prompt
        self._processor, self._tokenizer = processor, tokenizer
        self._image_processor = CachingImageProcessor(getattr(processor, "image_processor", None))
        if hasattr(processor, "image_processor"):
            processor.image_processor = self._image_processor
        self._control_tokens = _match_control_tokens(tokenizer)
        self.rendering: str | None = None
        """Digest of one fixed question rendered by the chat template, with the card's options and
        system text, and with the date if the template has one. Set by find_thought."""
        self.rendered: dict[str, str] = {}
        """Digest of the tokens of each prompt encoded so far, by case id."""

    def find_thought(self) -> str | None:
        """Return the mark of the thought that every prompt leaves open after its question, if any.

        Raises CardError if the chat template cannot render a question about an image.
        """
        prompt_format, template = self._format, self._format.template
        if template is not None:
            return find_open_thought(template.rpartition("{question}")[2])
        try:
            prompt = self._processor.apply_chat_template(
                self._converse(_TEST_QUESTION, [Image.new("RGB", (32, 32))]),
                add_generation_prompt=True,
                tokenize=False,
                **prompt_format.options,
            )
        except Exception as error:  # A template may raise anything.
            raise CardError(
                f"The chat template of {self._name!r} cannot render a question about an "
                f"image ({type(error).__name__}: {error}). {_ADVICE}"
            ) from error
        self.rendering = digest_parts([str(prompt).encode("utf-8", "surrogatepass")])
        _, question, tail = str(prompt).rpartition(_TEST_QUESTION)
        if not question:
            raise CardError(
                f"The chat template of {self._name!r} leaves the question out of the prompt. "
                f"{_ADVICE}"
            )
        return find_open_thought(tail)

    def encode_one(self, prompt: Prompt, images: Mapping[str, Image.Image]) -> dict[str, Any]:
        """Encode one prompt; the pixels of one image are prepared once for all prompts about it."""
        if prompt.second_image is not None:
            return self.encode([prompt], images)
        image = images[prompt.image]
        self._image_processor.set_image(image)
        try:
            return self.encode([prompt], {prompt.image: image})
        finally:
            self._image_processor.set_image(None)

    def clear(self) -> None:
        """Drop the last image and the digests of its prompts."""
        self._image_processor.clear()
        self.rendered.clear()

    def encode(self, batch: Sequence[Prompt], images: Mapping[str, Image.Image]) -> dict[str, Any]:
        """Encode the batch with padding; the card or the chat template places the image."""
        inputs = dict(self._encode(batch, images))
        inputs.pop("labels", None)  # PaliGemma's processor adds them for training.
        self._note_tokens(batch, inputs)
        return inputs

    def tokenize(self, prompt: Prompt) -> list[int]:
        """Return the tokens of a prompt as ``encode`` makes them, but for those of the image.

        In their place is the mark that the template has for it. The card must not be interleaved.
        """
        question = self._control_tokens.sub(_split_control_token, prompt.text)
        prompt_format = self._format
        if prompt_format.template is not None:
            filled = prompt_format.template.replace("{image}", prompt_format.image_token)
            tokens = self._tokenizer(filled.replace("{question}", question))["input_ids"]
            return list(tokens)
        text = self._processor.apply_chat_template(
            self._converse(question, [None] * len(prompt.image_names)),
            add_generation_prompt=True,
            tokenize=False,
            **prompt_format.options,
        )
        # As in apply_chat_template of transformers, which tokenizes with the image's tokens only.
        bos = self._tokenizer.bos_token
        has_bos = bos is not None and text.startswith(bos)
        return list(self._tokenizer(text, add_special_tokens=not has_bos)["input_ids"])

    def _note_tokens(self, batch: Sequence[Prompt], inputs: Mapping[str, Any]) -> None:
        """Store the digest of each prompt's tokens, without padding."""
        tokens, mask = np.asarray(inputs["input_ids"]), inputs.get("attention_mask")
        has_mask = mask is not None and mask.shape == tokens.shape
        masks = np.asarray(mask, dtype=bool) if has_mask else np.ones(tokens.shape, dtype=bool)
        for prompt, row, row_mask in zip(batch, tokens, masks, strict=True):
            self.rendered[prompt.case] = digest_tokens(row[row_mask].tolist())

    def _encode(self, batch: Sequence[Prompt], images: Mapping[str, Image.Image]) -> Any:
        """Encode by the chat template or, if the card has one, by its prompt template."""
        prompt_format = self._format
        questions = [
            self._control_tokens.sub(_split_control_token, prompt.text) for prompt in batch
        ]
        if prompt_format.template is None:
            return self._processor.apply_chat_template(
                [
                    self._converse(question, [images[name] for name in prompt.image_names])
                    for question, prompt in zip(questions, batch, strict=True)
                ],
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                processor_kwargs={"padding": True},
                **prompt_format.options,
            )
        # A template has a place for one image, and cards with one are asked about no more.
        batch_images = [images[prompt.image] for prompt in batch]
        if prompt_format.interleaved:
            before, _, after = prompt_format.template.partition("{image}")
            mixed = [
                [
                    before.replace("{question}", question),
                    image,
                    after.replace("{question}", question),
                ]
                for question, image in zip(questions, batch_images, strict=True)
            ]
            return self._processor(text=mixed, padding=True, return_tensors="pt")
        filled = prompt_format.template.replace("{image}", prompt_format.image_token)
        texts = [filled.replace("{question}", question) for question in questions]
        return self._processor(images=batch_images, text=texts, padding=True, return_tensors="pt")

    def _converse(
        self, question: str, images: Sequence[Image.Image | None]
    ) -> list[dict[str, Any]]:
        """Return the conversation: the card's system text, the images in order, the question."""
        content: list[dict[str, Any]] = [{"type": "image", "image": image} for image in images]
        content.append({"type": "text", "text": question})
        turns: list[dict[str, Any]] = [{"role": "user", "content": content}]
        if self._format.system is not None:
            system = [{"type": "text", "text": self._format.system}]
            turns.insert(0, {"role": "system", "content": system})
        return turns


def _match_control_tokens(tokenizer: Any) -> re.Pattern[str]:
    """Return a pattern of the tokens that a tokenizer adds to its vocabulary, such as ``<image>``.

    Words and white space among them are ordinary text and excluded.
    """
    tokens = {token.content for token in tokenizer.added_tokens_decoder.values()}
    control = [token for token in tokens if len(token) > 2 and not token[0].isalnum()]
    longest_first = sorted((token for token in control if token.strip()), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")


def _split_control_token(match: re.Match[str]) -> str:
    """Break a control token in a question by a space, so that it is encoded as text.

    ``sanitize_control_tokens`` of transformers would keep the characters, but supports neither
    checkpoints without a chat template nor tokenizers that add a beginning of sequence.
    """
    return f"{match[0][0]} {match[0][1:]}"
