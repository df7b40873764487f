"""Test whether a checkpoint supports reuse of an image's prefix.

The model is run on a few questions; its name and architecture are not used.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from PIL.Image import Transpose

from fakebench_suite.backends.transformers.generation import GenerationOutput, GreedyGenerator
from fakebench_suite.backends.transformers.inputs import (
    Collator,
    EncodedPrompt,
    collate,
    encode_prompt,
    have_same_image_shape,
)
from fakebench_suite.backends.transformers.prefix_cache.cache import can_share
from fakebench_suite.backends.transformers.prefix_cache.decode import generate_after_prefix
from fakebench_suite.backends.transformers.prefix_cache.prefill import (
    ComputedPrefixes,
    common_prefix_length,
    prefill_prefixes,
)
from fakebench_suite.backends.transformers.processor import Encoder
from fakebench_suite.types import Prompt, QuestionType

FIRST_QUESTIONS = ("Why?", "Is there anything in this image that was generated, and where is it?")
"""About the first image: of unequal length, with different beginnings."""
SECOND_QUESTIONS = ("Is there a face?", "Is there any text in it?", "Is there nothing?")
"""About the second image: more of them, with a common beginning, so that prefixes are padded."""
SELFTEST_SIZE = 112
"""Maximum side of the test image in pixels; a larger one does not change the result."""
COMPARED_TOKENS = 3
"""New tokens that are compared: the first after the prompt, and two after the cache has grown."""
PASSED = "The image precedes the question, and logits after the cached prefix match whole prompts."
MAX_LOGIT_GAP = 0.25
"""Largest difference of logits that counts as equal, in standard deviations, in any precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InferencePath:
    """How a model's prompts are computed."""

    prefix: bool
    """Whether prompts about one image share its computation."""
    why: str
    """The reason, in one sentence."""
    shared: bool = False
    """Whether the rows of an image attend to one copy of its prefix; otherwise each has its own."""
    mixes: bool = False
    """Whether a batch may hold prefixes of several images."""


class PrefixCacheSelfTest:
    """A few questions about one or two images, computed in several ways and compared."""

    def __init__(
        self, generator: GreedyGenerator, encoder: Encoder, collator: Collator, pad_token_id: int
    ) -> None:
        self._generator, self._encoder, self._collator = generator, encoder, collator
        self._pad_token_id = pad_token_id

    def run(self, image: Image.Image) -> InferencePath:
        """Return the inference path that the checkpoint supports.

        ``image`` is scaled down, since it is encoded eight times. Raises the processor's
        exception if it cannot be encoded.
        """
        image = image.copy()
        image.thumbnail((SELFTEST_SIZE, SELFTEST_SIZE))
        group = self._encode("first", image, FIRST_QUESTIONS)
        try:
            with torch.inference_mode():
                return self._run_checks(image, group)
        except Exception as error:  # A checkpoint may raise anything; then plain batches are used.
            message = str(error).partition("\n")[0]
            why = f"The model does not continue from a cache ({type(error).__name__}: {message})."
            return InferencePath(prefix=False, why=why)

    def _run_checks(self, image: Image.Image, group: Sequence[EncodedPrompt]) -> InferencePath:
        """Return the inference path by the checks, from the least to the most demanding."""
        if refusal := _reason_not_prefix_first(self._generator.model.config, group):
            return InferencePath(prefix=False, why=refusal)
        prefix = prefill_prefixes(self._generator, [group], self._pad_token_id)
        if refusal := _reason_stateful(prefix):
            return InferencePath(prefix=False, why=refusal)
        alone = self._generate_alone(group)
        if any(output.broken.any() for output in alone):
            return InferencePath(prefix=False, why="The model computes NaN or infinite scores.")
        shared = can_share(prefix.cache) and self._can_share(group, alone, prefix.copy())
        if not shared:
            repeated = self._generate_after_prefix([group], share=False, prefix=prefix)
            if refusal := self._compare(group, repeated, alone):
                return InferencePath(prefix=False, why=refusal)
        try:
            mixes = self._can_mix(image, group, alone, share=shared)
        except Exception:  # The results for one image remain valid.
            mixes = False
        return InferencePath(prefix=True, why=PASSED, shared=shared, mixes=mixes)

    def _can_share(
        self,
        group: Sequence[EncodedPrompt],
        alone: Sequence[GenerationOutput],
        prefix: ComputedPrefixes,
    ) -> bool:
        """Return whether rows may share one copy of their prefix; consumes ``prefix``."""
        try:
            shared = self._generate_after_prefix([group], share=True, prefix=prefix)
        except Exception:  # A model's own attention may not accept these keys.
            return False
        return not self._compare(group, shared, alone)

    def _can_mix(
        self,
        image: Image.Image,
        first: Sequence[EncodedPrompt],
        alone: Sequence[GenerationOutput],
        *,
        share: bool,
    ) -> bool:
        """Return whether one batch may hold prefixes of two images, of any or of one shape.

        ``first`` are the rows about the image, and ``alone`` their outputs when computed alone.
        """
        width, height = image.size
        for other in (
            image.crop((0, 0, width, max(1, height // 2))),
            image.transpose(Transpose.FLIP_LEFT_RIGHT),
        ):
            second = self._encode("second", other, SECOND_QUESTIONS)
            if have_same_image_shape(first[0], second[0]):
                rows = [*first, *second]
                if not self._collator.matches_processor(rows, {"first": image, "second": other}):
                    return False
                mixed = self._generate_after_prefix([first, second], share=share)
                outputs = [*alone, *self._generate_alone(second)]
                return not self._compare(rows, mixed, outputs)
        return False

    def _encode(
        self, name: str, image: Image.Image, questions: Sequence[str]
    ) -> list[EncodedPrompt]:
        """Encode questions about the image."""
        prompts = [
            Prompt(case="", image=name, question_type=QuestionType.WHAT, text=text)
            for text in questions
        ]
        return [encode_prompt(self._encoder, prompt, {name: image}) for prompt in prompts]

    def _generate_after_prefix(
        self,
        groups: Sequence[Sequence[EncodedPrompt]],
        *,
        share: bool,
        prefix: ComputedPrefixes | None = None,
    ) -> GenerationOutput:
        """Generate after the prefixes of the rows' images, computed already or not."""
        return generate_after_prefix(
            self._generator,
            groups,
            pad_token_id=self._pad_token_id,
            share=share,
            steps=COMPARED_TOKENS,
            logits=True,
            prefix=prefix,
        )

    def _generate_alone(self, rows: Sequence[EncodedPrompt]) -> list[GenerationOutput]:
        """Generate for each row alone."""
        inputs = [self._generator.to_device(collate([row], self._pad_token_id)) for row in rows]
        return [
            self._generator.generate(row_inputs, steps=COMPARED_TOKENS, logits=True)
            for row_inputs in inputs
        ]

    def _compare(
        self,
        rows: Sequence[EncodedPrompt],
        output: GenerationOutput,
        alone: Sequence[GenerationOutput],
    ) -> str | None:
        """Return None if logits after a prefix are as accurate as in a plain batch, else a reason.

        Both are compared with prompts computed alone. In 16 bits not even plain batches agree with
        these; the difference may be up to four times theirs, and at most MAX_LOGIT_GAP. A
        difference of at most 1e-3, or of eight epsilons of the precision, counts as rounding.
        """
        gap = max_logit_gap(output, alone)
        floor = max(1e-3, 8 * torch.finfo(self._generator.model.dtype).eps)
        if gap <= floor:
            return None
        plain = self._generator.to_device(collate(rows, self._pad_token_id))
        noise = max_logit_gap(
            self._generator.generate(plain, steps=COMPARED_TOKENS, logits=True), alone
        )
        if gap <= min(4 * noise, MAX_LOGIT_GAP):
            return None
        return (
            f"Logits after a cached prefix differ by {gap:.2g} standard deviations (plain batches: "
            f"{noise:.2g})."
        )


def _reason_not_prefix_first(config: Any, group: Sequence[EncodedPrompt]) -> str | None:
    """Return why the image's computation depends on the question; None if it does not."""
    first, second = group
    differing = [
        name
        for name, value in first.picture.items()
        if name not in second.picture or not torch.equal(value, second.picture[name])
    ]
    if differing:
        return f"The image is encoded together with the question ({', '.join(differing)})."
    views = [name for name, value in first.tokens.items() if value.ndim > 2]
    if views:
        return f"Every token has its own view of the image ({', '.join(views)})."
    token = getattr(config, "image_token_id", getattr(config, "image_token_index", None))
    prefix = common_prefix_length(group)
    if token is not None and (first.tokens["input_ids"][:, prefix:] == token).any():
        return "The image does not precede the question."
    return None


def _reason_stateful(prefix: ComputedPrefixes) -> str | None:
    """Return why rows cannot continue from the cache, by its attributes; None if they can."""
    if not hasattr(prefix.cache, "reorder_cache"):
        return "The model has no cache that can be repeated."
    if any(getattr(prefix.cache, "is_linear", ())):
        return "The cache holds recurrent states, which padding after the prefix would change."
    return None


def max_logit_gap(batch: GenerationOutput, alone: Sequence[GenerationOutput]) -> float:
    """Return the largest difference of logits in standard deviations, up to a different token.

    It is infinite where a logit is not finite that is when computed alone.
    """
    gaps = [0.0]
    for index, single in enumerate(alone):
        for step, (logits, single_logits) in enumerate(
            zip(batch.logits, single.logits, strict=False)
        ):
            finite = single_logits[0].isfinite()
            expected = single_logits[0][finite].float()
            gap = (logits[index][finite].float() - expected).abs().max() / expected.std()
            gaps.append(float(gap) if gap.isfinite() else math.inf)
            if batch.tokens[index, step] != single.tokens[0, step]:
                break
    return max(gaps)
