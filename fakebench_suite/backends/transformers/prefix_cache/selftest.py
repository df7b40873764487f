"""Whether a checkpoint may reuse a picture's prefix: found out by trying, never by its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from PIL.Image import Transpose

from fakebench_suite.backends.transformers.generation import GenerationOutput, GreedyDecoder
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
    Prefix,
    common_prefix_length,
    prefill_prefixes,
)
from fakebench_suite.backends.transformers.processor import Encoder
from fakebench_suite.types import Prompt, QuestionType

FIRST_QUESTIONS = ("Why?", "Is there anything in this image that was generated, and where is it?")
"""About the first picture: of unequal length and with nothing in common."""
SECOND_QUESTIONS = ("Is there a face?", "Is there any text in it?", "Is there nothing?")
"""About a second: more of them, and with a beginning in common, so that prefixes are padded."""
SELFTEST_SIZE = 112
"""Most pixels of either side of the picture that is tried: how it is answered hangs on no more."""
COMPARED_TOKENS = 3
"""New tokens that are compared: the first after the prompt and two after the cache has grown."""
PASSED = "The image comes first, and after its cached prefix logits are those of whole prompts."
MAX_LOGIT_GAP = 0.25
"""Of logits that count as equal at all, in their standard deviations, whatever the precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InferencePath:
    """How a model's prompts are answered."""

    prefix: bool
    """Whether the prompts about one picture share its computation."""
    why: str
    """One sentence."""
    shared: bool = False
    """Whether the rows of a picture attend to one copy of its prefix; else each has its own."""
    mixes: bool = False
    """Whether a batch may hold prefixes of several pictures."""

    def describe(self) -> dict[str, str | bool | int]:
        """The route as a manifest records it."""
        path = "prefix" if self.prefix else "plain"
        return {"path": path, "why": self.why, "shared": self.shared, "mixes": self.mixes}


class PrefixCacheSelfTest:
    """A few questions about one picture, and about a second one, asked in several ways."""

    def __init__(
        self, generator: GreedyDecoder, encoder: Encoder, stacker: Collator, filler: int
    ) -> None:
        self._generator, self._encoder, self._stacker = generator, encoder, stacker
        self._filler = filler

    def find_route(self, picture: Image.Image) -> InferencePath:
        """The route that the checkpoint can take.

        The picture is made small, for there are eight encodings of it. Raises what the processor
        raises where it cannot be encoded.
        """
        picture = picture.copy()
        picture.thumbnail((SELFTEST_SIZE, SELFTEST_SIZE))
        group = self._encode("first", picture, FIRST_QUESTIONS)
        try:
            with torch.inference_mode():
                return self._try(picture, group)
        except Exception as error:  # A checkpoint may raise anything; plain batches can do without.
            what = str(error).partition("\n")[0]
            why = f"The model does not go on from a cache ({type(error).__name__}: {what})."
            return InferencePath(prefix=False, why=why)

    def _try(self, picture: Image.Image, group: Sequence[EncodedPrompt]) -> InferencePath:
        if refusal := _reason_not_prefix_first(self._generator.model.config, group):
            return InferencePath(prefix=False, why=refusal)
        prefix = prefill_prefixes(self._generator, [group], self._filler)
        if refusal := _reason_stateful(prefix):
            return InferencePath(prefix=False, why=refusal)
        alone = self._ask_alone(group)
        if any(one.broken.any() for one in alone):
            return InferencePath(
                prefix=False, why="The model computes no numbers, but NaN or infinity."
            )
        shared = can_share(prefix.cache) and self._can_share(group, alone, prefix.copy())
        if not shared:
            repeated = self._go_on([group], share=False, prefix=prefix)
            if refusal := self._compare(group, repeated, alone):
                return InferencePath(prefix=False, why=refusal)
        try:
            mixes = self._can_mix(picture, group, alone, share=shared)
        except Exception:  # What one picture has shown stands.
            mixes = False
        return InferencePath(prefix=True, why=PASSED, shared=shared, mixes=mixes)

    def _can_share(
        self, group: Sequence[EncodedPrompt], alone: Sequence[GenerationOutput], prefix: Prefix
    ) -> bool:
        """Whether rows do as well with one copy of their prefix; uses it up."""
        try:
            shared = self._go_on([group], share=True, prefix=prefix)
        except Exception:  # Attention of the model's own makes nothing of keys it does not know.
            return False
        return not self._compare(group, shared, alone)

    def _can_mix(
        self,
        picture: Image.Image,
        first: Sequence[EncodedPrompt],
        alone: Sequence[GenerationOutput],
        *,
        share: bool,
    ) -> bool:
        """Whether prefixes of two pictures in one batch do as well: of two shapes, else of one.

        ``first`` are the rows about the picture, and ``alone`` what they get when asked alone.
        """
        width, height = picture.size
        for other in (
            picture.crop((0, 0, width, max(1, height // 2))),
            picture.transpose(Transpose.FLIP_LEFT_RIGHT),
        ):
            second = self._encode("second", other, SECOND_QUESTIONS)
            if have_same_image_shape(first[0], second[0]):
                both = [*first, *second]
                if not self._stacker.is_exact(both, {"first": picture, "second": other}):
                    return False
                mixed = self._go_on([first, second], share=share)
                every = [*alone, *self._ask_alone(second)]
                return not self._compare(both, mixed, every)
        return False

    def _encode(
        self, name: str, picture: Image.Image, questions: Sequence[str]
    ) -> list[EncodedPrompt]:
        """Questions about the picture."""
        prompts = [
            Prompt(case="", image=name, question_type=QuestionType.WHAT, text=text)
            for text in questions
        ]
        return [encode_prompt(self._encoder, prompt, picture) for prompt in prompts]

    def _go_on(
        self,
        groups: Sequence[Sequence[EncodedPrompt]],
        *,
        share: bool,
        prefix: Prefix | None = None,
    ) -> GenerationOutput:
        """What the rows get after their pictures' prefixes, read already or not."""
        return generate_after_prefix(
            self._generator,
            groups,
            filler=self._filler,
            share=share,
            steps=COMPARED_TOKENS,
            logits=True,
            prefix=prefix,
        )

    def _ask_alone(self, rows: Sequence[EncodedPrompt]) -> list[GenerationOutput]:
        """What each row gets alone."""
        inputs = [self._generator.place(collate([row], self._filler)) for row in rows]
        return [self._generator.write(one, steps=COMPARED_TOKENS, logits=True) for one in inputs]

    def _compare(
        self,
        rows: Sequence[EncodedPrompt],
        written: GenerationOutput,
        alone: Sequence[GenerationOutput],
    ) -> str | None:
        """None where logits after a prefix are as good as those of a plain batch; else what is off.

        Both are held against prompts written one by one: in 16 bits not even plain batches agree
        with these, and the prefix may be no worse than a few times that.
        """
        gap = _max_logit_gap(written, alone)
        floor = max(1e-3, 8 * torch.finfo(self._generator.model.dtype).eps)
        if gap <= floor:
            return None
        plain = self._generator.place(collate(rows, self._filler))
        noise = _max_logit_gap(
            self._generator.write(plain, steps=COMPARED_TOKENS, logits=True), alone
        )
        if gap <= min(4 * noise, MAX_LOGIT_GAP):
            return None
        return (
            f"After a cached prefix the model says otherwise (logits are off by {gap:.2g} standard "
            f"deviations, {noise:.2g} in plain batches)."
        )


def _reason_not_prefix_first(config: Any, group: Sequence[EncodedPrompt]) -> str | None:
    """Why the picture's computation depends on the question, as far as the inputs tell."""
    one, two = group
    differing = [
        name
        for name, value in one.picture.items()
        if name not in two.picture or not torch.equal(value, two.picture[name])
    ]
    if differing:
        return f"The image is encoded together with the question ({', '.join(differing)})."
    views = [name for name, value in one.tokens.items() if value.ndim > 2]
    if views:
        return f"Every token has its own view of the image ({', '.join(views)})."
    token = getattr(config, "image_token_id", getattr(config, "image_token_index", None))
    prefix = common_prefix_length(group)
    if token is not None and (one.tokens["input_ids"][:, prefix:] == token).any():
        return "The image does not come before the question."
    return None


def _reason_stateful(prefix: Prefix) -> str | None:
    """Why rows cannot go on from the cache, as far as it tells."""
    if not hasattr(prefix.cache, "reorder_cache"):
        return "The model keeps no cache that can be repeated."
    if any(getattr(prefix.cache, "is_linear", ())):
        return "The cache holds recurrent states, which padding after the prefix would change."
    return None


def _max_logit_gap(batch: GenerationOutput, alone: Sequence[GenerationOutput]) -> float:
    """Largest difference of logits in standard deviations, until tokens part."""
    gaps = [0.0]
    for number, single in enumerate(alone):
        for step, (ours, theirs) in enumerate(zip(batch.logits, single.logits, strict=False)):
            real = theirs[0].isfinite()
            expected = theirs[0][real].float()
            gap = (ours[number][real].float() - expected).abs().max() / expected.std()
            gaps.append(float(gap))
            if batch.tokens[number, step] != single.tokens[0, step]:
                break
    return max(gaps)
