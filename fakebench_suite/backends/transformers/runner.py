"""Prompts in, replies out: after their image's prefix where that is proven, else in plain batches.

A failing batch is asked again in halves, down to the one prompt that is at fault.
"""

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from PIL import Image

from fakebench_suite.backends.base import Reply
from fakebench_suite.backends.transformers.batching import (
    Batch,
    Group,
    IndependentBatch,
    SharedImageBatch,
    pack_batches,
)
from fakebench_suite.backends.transformers.generation import GenerationOutput, GreedyDecoder
from fakebench_suite.backends.transformers.inputs import (
    Collator,
    encode_prompt,
    have_same_image_shape,
)
from fakebench_suite.backends.transformers.memory import TokenBudget
from fakebench_suite.backends.transformers.outputs import OutputDecoder
from fakebench_suite.backends.transformers.prefix_cache.decode import generate_after_prefix
from fakebench_suite.backends.transformers.prefix_cache.selftest import (
    InferencePath,
    PrefixCacheSelfTest,
)
from fakebench_suite.backends.transformers.processor import Encoder
from fakebench_suite.errors import ModelError
from fakebench_suite.types import Answer, Prompt

Images = Mapping[str, Image.Image]
UNTESTED = InferencePath(prefix=False, why="No two prompts about one image were asked together.")
DECODER_MODULES = r"PIL\.|fakebench_suite\.datasets\."
ONE_BY_ONE = InferencePath(prefix=False, why="The card asks one prompt at a time.")


class BatchTooLargeError(Exception):
    """Strangers turned out to have more tokens than their batch may hold."""


def with_prompt_digest(reply: Reply, rendered: str | None) -> Reply:
    """The reply, with the digest of the tokens it was asked by; an error stays as it is."""
    return replace(reply, rendered=rendered) if isinstance(reply, Answer) else reply


class BatchRunner:
    """Asks a model whole slices of prompts."""

    def __init__(self, generator: GreedyDecoder, encoder: Encoder, budget: TokenBudget) -> None:
        self._generator, self._encoder, self._budget = generator, encoder, budget
        self._filler: int = generator.settings.pad_token_id
        self._stacker = Collator(encoder, self._filler)
        self._route = ONE_BY_ONE if budget.rows == 1 else None
        self._width = 0
        """Tokens in a row of the last strangers: what the next ones are expected to have."""

    @property
    def route(self) -> InferencePath:
        """How prompts are answered, as far as it has been found out."""
        return self._route or UNTESTED

    def ask(
        self, prompts: Sequence[Prompt], images: Images, reading: OutputDecoder
    ) -> Sequence[Reply]:
        """One reply per prompt; a prompt that fails is a ModelError in its place."""
        groups: dict[str, list[Prompt]] = {}
        for prompt in prompts:
            groups.setdefault(prompt.image, []).append(prompt)
        siblings = [group for group in groups.values() if len(group) > 1]
        strangers = [group[0] for group in groups.values() if len(group) == 1]
        replies: dict[Prompt, Reply] = {}
        with warnings.catch_warnings():
            # Shown, but no case's error: pytest may have been told to raise warnings. Not those of
            # decoders: threads may be opening the next pictures, and whoever lets them is silent.
            warnings.filterwarnings("default", module=rf"(?!{DECODER_MODULES})")
            if siblings:
                self._try_route(images[siblings[0][0].image])
            for batch in self._pack_siblings(siblings, images, replies):
                answers = self._ask_batch(batch, images, reading)
                replies |= zip(batch.prompts, answers, strict=True)
            while strangers:
                size = self._budget.count_rows(self._width) if self._width else 1
                chosen, strangers = IndependentBatch(prompts=strangers[:size]), strangers[size:]
                answers = self._ask_batch(chosen, images, reading)
                replies |= zip(chosen.prompts, answers, strict=True)
        rendered = dict(self._encoder.rendered)
        self._encoder.forget()
        return [
            with_prompt_digest(replies[prompt], rendered.get(prompt.case)) for prompt in prompts
        ]

    def _try_route(self, picture: Image.Image) -> None:
        if self._route is None:
            try:
                trial = PrefixCacheSelfTest(
                    self._generator, self._encoder, self._stacker, self._filler
                )
                self._route = trial.find_route(picture)
            except Exception:  # The processor does not take this picture: the next one will tell.
                return

    def _pack_siblings(
        self, groups: Sequence[Sequence[Prompt]], images: Images, replies: dict[Prompt, Reply]
    ) -> Iterator[SharedImageBatch]:
        """Batches of rows, encoded as they are needed; what cannot be gets its error."""

        def encode() -> Iterator[Group]:
            for group in groups:
                rows = []
                for prompt in group:
                    try:
                        rows.append(encode_prompt(self._encoder, prompt, images[prompt.image]))
                    except Exception as error:  # A processor may raise anything.
                        replies[prompt] = ModelError(f"{type(error).__name__}: {error}")
                if self.route.prefix and rows:
                    yield rows
                elif rows:
                    yield from ([row] for row in rows)

        return pack_batches(encode(), self._fits, shared=self.route.shared)

    def _fits(self, batch: SharedImageBatch) -> bool:
        first, last = batch.groups[0][0], batch.groups[-1][0]
        several = batch.share and len(batch.groups) > 1
        if several and not (self.route.mixes and have_same_image_shape(first, last)):
            return False
        room = {"kept": batch.kept, "seats": batch.seats}
        return self._budget.allows(len(batch.rows), batch.width, **room)

    def _ask_batch(self, batch: Batch, images: Images, reading: OutputDecoder) -> Sequence[Reply]:
        """The batch in one go, or in halves when that fails, down to one prompt."""
        try:
            started = time.perf_counter()
            written = self._write(batch, images, reading)
            seconds = time.perf_counter() - started
            if isinstance(batch, SharedImageBatch):
                seconds += sum(row.seconds for row in batch.rows)
            return reading.read(written, batch.prompts, seconds)
        except Exception as error:  # A checkpoint may raise anything; it is that case's error.
            # Only the words are kept: the traceback would keep the batch's tensors in memory.
            failure = f"{type(error).__name__}: {error}"
            if isinstance(error, torch.OutOfMemoryError):
                self._shrink(batch)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if len(batch.prompts) == 1:
            return [ModelError(failure)]
        first, second = batch.halve()
        return [
            *self._ask_batch(first, images, reading),
            *self._ask_batch(second, images, reading),
        ]

    def _shrink(self, batch: Batch) -> None:
        rows = len(batch.prompts)
        if isinstance(batch, SharedImageBatch):
            self._budget.shrink(rows, batch.width, kept=batch.kept, seats=batch.seats)
        else:
            self._budget.shrink(rows, self._width)

    @torch.inference_mode()
    def _write(self, batch: Batch, images: Images, reading: OutputDecoder) -> GenerationOutput:
        if isinstance(batch, SharedImageBatch) and batch.share:
            return generate_after_prefix(
                self._generator,
                batch.groups,
                filler=self._filler,
                share=batch.shared,
                steps=reading.steps,
                logits=reading.logits,
            )
        if isinstance(batch, SharedImageBatch):
            inputs = self._stacker.make(batch.rows, images)
        else:
            inputs = self._encoder.encode(batch.prompts, images)
            rows, self._width = inputs["input_ids"].shape
            if rows > 1 and not self._budget.allows(rows, self._width):
                raise BatchTooLargeError(f"{rows} rows of {self._width} tokens")
        placed = self._generator.place(inputs)
        return self._generator.write(placed, steps=reading.steps, logits=reading.logits)
