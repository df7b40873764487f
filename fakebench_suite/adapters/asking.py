"""Prompts in, replies out: by the prefix of their image where that is proven, else batch by batch.

A failing batch is asked again in halves, down to the one prompt that is at fault.
"""

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence

import torch
from PIL import Image

from fakebench_suite.adapters.adapter import Reply
from fakebench_suite.adapters.batches import Group, halve, pack
from fakebench_suite.adapters.budget import Budget
from fakebench_suite.adapters.encoding import Encoder
from fakebench_suite.adapters.generation import Generator
from fakebench_suite.adapters.prefix import measure_width, write_after_prefix
from fakebench_suite.adapters.replies import Reading
from fakebench_suite.adapters.rows import Stacker, can_stack, encode_row
from fakebench_suite.adapters.trial import Route, try_route
from fakebench_suite.errors import ModelError
from fakebench_suite.types import Prompt

Images = Mapping[str, Image.Image]
UNTRIED = Route(prefix=False, why="No two prompts about one image were asked together.")
DECODERS = r"PIL\.|fakebench_suite\.sources\."
ONE_BY_ONE = Route(prefix=False, why="The card asks one prompt at a time.")


class Questioner:
    """Asks a model whole slices of prompts."""

    def __init__(self, generator: Generator, encoder: Encoder, budget: Budget) -> None:
        self._generator, self._encoder, self._budget = generator, encoder, budget
        self._filler: int = generator.settings.pad_token_id
        self._stacker = Stacker(encoder, self._filler)
        self._route = ONE_BY_ONE if budget.rows == 1 else None

    @property
    def route(self) -> Route:
        """How prompts are answered, as far as it has been found out."""
        return self._route or UNTRIED

    def ask(self, prompts: Sequence[Prompt], images: Images, reading: Reading) -> Sequence[Reply]:
        """One reply per prompt; a prompt that fails is a ModelError in its place."""
        groups: dict[str, list[Prompt]] = {}
        for prompt in prompts:
            groups.setdefault(prompt.image, []).append(prompt)
        shared = [group for group in groups.values() if len(group) > 1]
        alone = [group for group in groups.values() if len(group) == 1]
        with warnings.catch_warnings():
            # Shown, but no case's error: pytest may have been told to raise warnings. Not those of
            # decoders: threads may be opening the next pictures, and whoever lets them is silent.
            warnings.filterwarnings("default", module=rf"(?!{DECODERS})")
            if shared:
                self._try_route(images[shared[0][0].image])
            if not self.route.prefix:
                shared, alone = [], [[prompt] for group in groups.values() for prompt in group]
            replies: dict[Prompt, Reply] = {}
            for chosen in (shared, alone):
                for batch in pack(self._encode(chosen, images, replies), self._fits):
                    rows = [row for group in batch for row in group]
                    answers = self._ask_batch(batch, images, reading)
                    replies |= zip([row.prompt for row in rows], answers, strict=True)
            self._encoder.forget()
        return [replies[prompt] for prompt in prompts]

    def _try_route(self, picture: Image.Image) -> None:
        if self._route is None:
            try:
                self._route = try_route(
                    self._generator, self._encoder, self._stacker, picture, self._filler
                )
            except Exception:  # The processor does not take this picture: the next one will tell.
                return

    def _encode(
        self, groups: Sequence[Sequence[Prompt]], images: Images, replies: dict[Prompt, Reply]
    ) -> Iterator[Group]:
        """The groups, encoded as they are needed; what cannot be is answered with its error."""
        for group in groups:
            rows = []
            for prompt in group:
                try:
                    rows.append(encode_row(self._encoder, prompt, images[prompt.image]))
                except Exception as error:  # A processor may raise anything; it is that case's.
                    replies[prompt] = ModelError(f"{type(error).__name__}: {error}")
            if rows:
                yield rows

    def _fits(self, batch: Sequence[Group]) -> bool:
        first, last = batch[0][0], batch[-1][0]
        if shares_prefixes(batch) and len(batch) > 1:
            return (
                self.route.mixes
                and can_stack(first, last)
                and self._budget.allows(*measure_size(batch))
            )
        return self._budget.allows(*measure_size(batch))

    def _ask_batch(
        self, batch: Sequence[Group], images: Images, reading: Reading
    ) -> Sequence[Reply]:
        """The batch in one go, or in halves when that fails, down to one prompt."""
        rows = [row for group in batch for row in group]
        try:
            return self._write(batch, images, reading)
        except Exception as error:  # A checkpoint may raise anything; it is that case's error.
            # Only the words are kept: the traceback would keep the batch's tensors in memory.
            failure = f"{type(error).__name__}: {error}"
            if isinstance(error, torch.OutOfMemoryError):
                self._budget.shrink(*measure_size(batch))
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if len(rows) == 1:
            return [ModelError(failure)]
        first, second = halve(batch)
        return [
            *self._ask_batch(first, images, reading),
            *self._ask_batch(second, images, reading),
        ]

    @torch.inference_mode()
    def _write(self, batch: Sequence[Group], images: Images, reading: Reading) -> Sequence[Reply]:
        started = time.perf_counter()
        rows = [row for group in batch for row in group]
        if shares_prefixes(batch):
            written = write_after_prefix(
                self._generator,
                batch,
                filler=self._filler,
                steps=reading.steps,
                logits=reading.logits,
            )
        else:
            inputs = self._generator.place(self._stacker.make(rows, images))
            written = self._generator.write(inputs, steps=reading.steps, logits=reading.logits)
        seconds = sum(row.seconds for row in rows) + time.perf_counter() - started
        return reading.read(written, [row.prompt for row in rows], seconds)


def shares_prefixes(batch: Sequence[Group]) -> bool:
    """Whether some group has several rows; a row alone gains nothing from a cached prefix."""
    return any(len(group) > 1 for group in batch)


def measure_size(batch: Sequence[Group]) -> tuple[int, int]:
    """Rows, and tokens in one of them with its padding."""
    rows = [row for group in batch for row in group]
    if shares_prefixes(batch):
        return len(rows), measure_width(batch)
    return len(rows), max(row.length for row in rows)
