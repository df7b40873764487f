"""Run prompts in batches: with shared image prefixes if the self-test passed, else plain.

A failing batch is split in half and run again, down to the single prompt that fails.
"""

import threading
import time
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

import torch
from PIL import Image

from fakebench_suite.backends.base import NotAsked, Reply
from fakebench_suite.backends.transformers.batching import (
    Batch,
    IndependentBatch,
    SharedImageBatch,
    pack_batches,
)
from fakebench_suite.backends.transformers.generation import GenerationOutput, GreedyGenerator
from fakebench_suite.backends.transformers.inputs import (
    Collator,
    EncodedPrompt,
    Inputs,
    encode_prompt,
    have_same_image_shape,
)
from fakebench_suite.backends.transformers.look_ahead import look_ahead
from fakebench_suite.backends.transformers.memory import BatchTokenLimit
from fakebench_suite.backends.transformers.outputs import OutputDecoder
from fakebench_suite.backends.transformers.prefix_cache.decode import generate_after_prefix
from fakebench_suite.backends.transformers.prefix_cache.prefill import Group, collate_prefixes
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
    """Runs prompts through a model in batches.

    With ``looks_ahead`` a thread encodes the next batches while the model computes the present
    one, and every prompt is encoded alone: how many fit a batch depends on their lengths and on
    nothing that was asked before. Without it, prompts that share nothing are encoded together.
    """

    def __init__(
        self,
        generator: GreedyGenerator,
        encoder: Encoder,
        budget: BatchTokenLimit,
        *,
        looks_ahead: bool = False,
    ) -> None:
        self._generator, self._encoder, self._budget = generator, encoder, budget
        self.looks_ahead = looks_ahead
        self.stop_reason: str | None = None
        """Why no further batch is begun where it looks ahead; None while they are."""
        self._lock = threading.Lock()
        """Held while the processor or its tokenizer works, which not all can in two threads."""
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
        alone = independent, pairs
        replies: dict[Prompt, Reply] = {}
        self._lock = threading.Lock()  # A processor that hangs in a thread left behind has another.
        with warnings.catch_warnings():
            # Show warnings without failing cases, because pytest may raise them as errors. Those
            # of image decoders are excluded: other threads may be opening the next images.
            warnings.filterwarnings("default", module=rf"(?!{DECODER_MODULES})")
            if shared_groups:
                self._run_selftest(images[shared_groups[0][0].image])
            if self.looks_ahead:
                kinds = [shared_groups, *([[prompt] for prompt in kind] for kind in alone)]
                replies |= self._run_ahead(kinds, images, decoder)
            else:
                replies |= self._run_in_turn(shared_groups, images, decoder)
                replies |= self._run_independent(independent, images, decoder)
                # They have about twice the tokens of the others.
                self._width, self._pair_width = self._pair_width, self._width
                replies |= self._run_independent(pairs, images, decoder)
                self._width, self._pair_width = self._pair_width, self._width
        rendered = dict(self._encoder.rendered)
        self._encoder.clear()
        return [
            with_prompt_digest(replies[prompt], rendered.get(prompt.case)) for prompt in prompts
        ]

    def _run_in_turn(
        self, groups: Sequence[Sequence[Prompt]], images: Images, decoder: OutputDecoder
    ) -> Mapping[Prompt, Reply]:
        """Return the replies to groups of prompts about one image, each batch encoded in turn."""
        replies: dict[Prompt, Reply] = {}
        rows = self._encode_groups(groups, images, replies)
        for batch in pack_batches(rows, self._fits, shared=self.route.shared):
            batch_replies = self._run_batch(batch, images, decoder)
            replies |= zip(batch.prompts, batch_replies, strict=True)
        return replies

    def _run_ahead(
        self,
        kinds: Sequence[Sequence[Sequence[Prompt]]],
        images: Images,
        decoder: OutputDecoder,
    ) -> Mapping[Prompt, Reply]:
        """Return the replies to groups of prompts, whose batches a thread prepares ahead of time.

        Groups of different kinds share no batch. Batches are packed by the budget of the beginning,
        so that they do not depend on how far the thread is when one runs out of memory; those that
        no longer fit then are split. A prompt alone is encoded in this thread, which a time-out can
        end. Once there is a reason to stop, what has not been begun is not asked.
        """
        failed: dict[Prompt, Reply] = {}
        stop, budget = threading.Event(), self._budget.copy()

        def prepare() -> Generator[SharedImageBatch, None, None]:
            for groups in kinds:
                rows = self._encode_groups(groups, images, failed, stop)
                fits = partial(self._fits, budget=budget)
                for batch in pack_batches(rows, fits, shared=self.route.shared):
                    yield self._prepare(batch, images)

        batches, prompts = prepare(), sum(len(group) for groups in kinds for group in groups)
        replies: dict[Prompt, Reply] = {}
        with closing(batches if prompts == 1 else look_ahead(batches, stop=stop)) as prepared:
            for batch in prepared:
                if self.stop_reason is not None:
                    break
                batch_replies = self._run_within_budget(batch, images, decoder)
                replies |= zip(batch.prompts, batch_replies, strict=True)
        replies |= failed
        if self.stop_reason is not None:
            for prompt in (prompt for groups in kinds for group in groups for prompt in group):
                replies.setdefault(prompt, NotAsked(self.stop_reason))
        return replies

    def _prepare(self, batch: SharedImageBatch, images: Images) -> SharedImageBatch:
        """Return the batch with its inputs; an error is left to when it is run, and met again."""
        started = time.perf_counter()
        try:
            inputs: Inputs | None
            if batch.uses_prefix:
                inputs = collate_prefixes(self._generator, batch.groups, self._pad_token_id)
            else:
                with self._lock:
                    inputs = self._collator.collate_rows(batch.rows, images)
            staged = None if inputs is None else self._generator.stage(inputs)
        except Exception:  # A processor may raise anything.
            return batch
        return replace(batch, inputs=staged, seconds=time.perf_counter() - started)

    def _run_within_budget(
        self, batch: SharedImageBatch, images: Images, decoder: OutputDecoder
    ) -> Sequence[Reply]:
        """Run a batch, or its halves if the budget was reduced since it was packed."""
        if len(batch.prompts) > 1 and not self._fits(batch):
            return [
                reply
                for half in batch.split()
                for reply in self._run_within_budget(half, images, decoder)
            ]
        return self._run_batch(batch, images, decoder)

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

    def _encode_groups(
        self,
        groups: Sequence[Sequence[Prompt]],
        images: Images,
        failed: dict[Prompt, Reply],
        stop: threading.Event | None = None,
    ) -> Iterator[Sequence[EncodedPrompt]]:
        """Yield the rows of each group, encoded when needed, until ``stop`` is set.

        Prompts that fail get their error in ``failed``. Where prefixes are not shared, every row is
        a group of its own.
        """
        for group in groups:
            rows = []
            for prompt in group:
                if stop is not None and stop.is_set():
                    return
                try:
                    with self._lock:
                        rows.append(encode_prompt(self._encoder, prompt, images))
                except Exception as error:  # A processor may raise anything.
                    failed[prompt] = ModelError(f"{type(error).__name__}: {error}")
            if self.route.prefix and rows:
                yield Group(rows)
            elif rows:
                yield from ([row] for row in rows)

    def _fits(self, batch: SharedImageBatch, budget: BatchTokenLimit | None = None) -> bool:
        """Return whether the batch may be one, by a budget (default: the present one)."""
        first, last = batch.groups[0][0], batch.groups[-1][0]
        has_several_groups = batch.uses_prefix and len(batch.groups) > 1
        if has_several_groups and not (self.route.mixes and have_same_image_shape(first, last)):
            return False
        allocation = {"shared_tokens": batch.shared_tokens, "padded_rows": batch.padded_rows}
        budget = self._budget if budget is None else budget
        return budget.fits(len(batch.rows), batch.row_tokens, **allocation)

    def _run_batch(self, batch: Batch, images: Images, decoder: OutputDecoder) -> Sequence[Reply]:
        """Run the batch, or its halves if it fails, down to one prompt."""
        try:
            started = time.perf_counter()
            output = self._generate(batch, images, decoder)
            seconds = time.perf_counter() - started
            if isinstance(batch, SharedImageBatch):
                seconds += batch.seconds + sum(row.seconds for row in batch.rows)
            with self._lock:
                return decoder.decode(output, batch.prompts, seconds)
        except Exception as error:  # A checkpoint may raise anything; only these cases fail.
            # Only the message is kept: the traceback would keep the batch's tensors in memory.
            failure = f"{type(error).__name__}: {error}"
            is_out_of_memory = isinstance(error, torch.OutOfMemoryError)
            may_lack_memory = isinstance(error, RuntimeError)
        if is_out_of_memory:
            self._reduce_budget(batch)
        if may_lack_memory:  # As libraries of the GPU say it, each in its own words.
            torch.cuda.empty_cache()  # Without a GPU nothing happens.
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
                prefix=batch.inputs,
            )
        inputs: Mapping[str, torch.Tensor]
        if isinstance(batch, SharedImageBatch) and batch.inputs is not None:
            inputs = batch.inputs
        elif isinstance(batch, SharedImageBatch):
            with self._lock:
                inputs = self._collator.collate_rows(batch.rows, images)
        else:
            with self._lock:
                inputs = self._encoder.encode(batch.prompts, images)
            rows, self._width = inputs["input_ids"].shape
            if rows > 1 and not self._budget.fits(rows, self._width):
                raise BatchTooLargeError(f"{rows} rows of {self._width} tokens")
        device_inputs = self._generator.to_device(inputs)
        return self._generator.generate(device_inputs, steps=decoder.steps, logits=decoder.logits)
