"""Run prompts in batches: with shared image prefixes if the self-test passed, else plain.

A failing batch is split in half and run again, down to the single prompt that fails.
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
"""The inference path before the self-test."""
DECODER_MODULES = r"PIL\.|fakebench_suite\.datasets\."
"""Modules whose warnings are about broken metadata of images."""
ONE_BY_ONE = InferencePath(prefix=False, why="The card asks one prompt at a time.")
"""The inference path of a card with ``batch_size = 1``."""


class BatchTooLargeError(Exception):
    """Independent prompts have more tokens than their batch may hold."""


def with_prompt_digest(reply: Reply, rendered: str | None) -> Reply:
    """Return the reply with the digest of its prompt's tokens; errors are returned unchanged."""
    return replace(reply, rendered=rendered) if isinstance(reply, Answer) else reply


class BatchRunner:
    """Runs prompts through a model in batches."""

    def __init__(self, generator: GreedyDecoder, encoder: Encoder, budget: TokenBudget) -> None:
        self._generator, self._encoder, self._budget = generator, encoder, budget
        self._pad_token_id: int = generator.settings.pad_token_id
        self._collator = Collator(encoder, self._pad_token_id)
        self._route = ONE_BY_ONE if budget.rows == 1 else None
        self._width = 0
        """Tokens per row of the last independent batch, which estimate those of the next."""
        self._pair_width = 0
        """The same of prompts about two images."""

    @property
    def route(self) -> InferencePath:
        """How prompts are computed, as far as it is known."""
        return self._route or UNTESTED

    def ask(
        self, prompts: Sequence[Prompt], images: Images, decoder: OutputDecoder
    ) -> Sequence[Reply]:
        """Return one reply per prompt; a prompt that fails has a ModelError in its place."""
        groups: dict[str, list[Prompt]] = {}
        for prompt in prompts:
            if prompt.second_image is None:
                groups.setdefault(prompt.image, []).append(prompt)
        shared_groups = [group for group in groups.values() if len(group) > 1]
        independent = [group[0] for group in groups.values() if len(group) == 1]
        # What precedes a question about two images is shared by no other prompt.
        pairs = [prompt for prompt in prompts if prompt.second_image is not None]
        replies: dict[Prompt, Reply] = {}
        with warnings.catch_warnings():
            # Show warnings without failing cases, because pytest may raise them as errors. Those
            # of image decoders are excluded: other threads may be opening the next images.
            warnings.filterwarnings("default", module=rf"(?!{DECODER_MODULES})")
            if shared_groups:
                self._run_selftest(images[shared_groups[0][0].image])
            for batch in self._pack_shared_image_batches(shared_groups, images, replies):
                batch_replies = self._run_batch(batch, images, decoder)
                replies |= zip(batch.prompts, batch_replies, strict=True)
            replies |= self._run_independent(independent, images, decoder)
            if pairs:  # They have about twice the tokens of the others.
                self._width, self._pair_width = self._pair_width, self._width
                replies |= self._run_independent(pairs, images, decoder)
                self._width, self._pair_width = self._pair_width, self._width
        rendered = dict(self._encoder.rendered)
        self._encoder.clear()
        return [
            with_prompt_digest(replies[prompt], rendered.get(prompt.case)) for prompt in prompts
        ]

    def _run_independent(
        self, prompts: Sequence[Prompt], images: Images, decoder: OutputDecoder
    ) -> Mapping[Prompt, Reply]:
        """Return the replies to prompts that share nothing, in batches of their estimated width."""
        replies: dict[Prompt, Reply] = {}
        while prompts:
            size = self._budget.count_rows(self._width) if self._width else 1
            chosen, prompts = IndependentBatch(prompts=prompts[:size]), prompts[size:]
            batch_replies = self._run_batch(chosen, images, decoder)
            replies |= zip(chosen.prompts, batch_replies, strict=True)
        return replies

    def _run_selftest(self, image: Image.Image) -> None:
        """Run the self-test on the first image with several prompts, once."""
        if self._route is None:
            try:
                selftest = PrefixCacheSelfTest(
                    self._generator, self._encoder, self._collator, self._pad_token_id
                )
                self._route = selftest.run(image)
            except Exception:  # The processor rejects this image; the next one is tried.
                return

    def _pack_shared_image_batches(
        self, groups: Sequence[Sequence[Prompt]], images: Images, replies: dict[Prompt, Reply]
    ) -> Iterator[SharedImageBatch]:
        """Yield batches of rows, which are encoded when needed; rows that fail get their error."""

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
        has_several_groups = batch.uses_prefix and len(batch.groups) > 1
        if has_several_groups and not (self.route.mixes and have_same_image_shape(first, last)):
            return False
        allocation = {"shared_tokens": batch.shared_tokens, "padded_rows": batch.padded_rows}
        return self._budget.fits(len(batch.rows), batch.row_tokens, **allocation)

    def _run_batch(self, batch: Batch, images: Images, decoder: OutputDecoder) -> Sequence[Reply]:
        """Run the batch, or its halves if it fails, down to one prompt."""
        try:
            started = time.perf_counter()
            output = self._generate(batch, images, decoder)
            seconds = time.perf_counter() - started
            if isinstance(batch, SharedImageBatch):
                seconds += sum(row.seconds for row in batch.rows)
            return decoder.decode(output, batch.prompts, seconds)
        except Exception as error:  # A checkpoint may raise anything; only these cases fail.
            # Only the message is kept: the traceback would keep the batch's tensors in memory.
            failure = f"{type(error).__name__}: {error}"
            if isinstance(error, torch.OutOfMemoryError):
                self._reduce_budget(batch)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if len(batch.prompts) == 1:
            return [ModelError(failure)]
        first, second = batch.split()
        return [
            *self._run_batch(first, images, decoder),
            *self._run_batch(second, images, decoder),
        ]

    def _reduce_budget(self, batch: Batch) -> None:
        """Lower the budget after the batch ran out of memory."""
        rows = len(batch.prompts)
        if isinstance(batch, SharedImageBatch):
            self._budget.reduce(
                rows,
                batch.row_tokens,
                shared_tokens=batch.shared_tokens,
                padded_rows=batch.padded_rows,
            )
        else:
            self._budget.reduce(rows, self._width)

    @torch.inference_mode()
    def _generate(self, batch: Batch, images: Images, decoder: OutputDecoder) -> GenerationOutput:
        """Generate for the batch; raises BatchTooLargeError if it exceeds the budget."""
        if isinstance(batch, SharedImageBatch) and batch.uses_prefix:
            return generate_after_prefix(
                self._generator,
                batch.groups,
                pad_token_id=self._pad_token_id,
                share=batch.shared,
                steps=decoder.steps,
                logits=decoder.logits,
            )
        if isinstance(batch, SharedImageBatch):
            inputs = self._collator.collate_rows(batch.rows, images)
        else:
            inputs = self._encoder.encode(batch.prompts, images)
            rows, self._width = inputs["input_ids"].shape
            if rows > 1 and not self._budget.fits(rows, self._width):
                raise BatchTooLargeError(f"{rows} rows of {self._width} tokens")
        device_inputs = self._generator.to_device(inputs)
        return self._generator.generate(device_inputs, steps=decoder.steps, logits=decoder.logits)
