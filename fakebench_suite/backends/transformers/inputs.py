"""Encoded prompts: one row of tokens each, with its picture, and batches made of rows."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import pad

from fakebench_suite.backends.transformers.processor import Encoder
from fakebench_suite.types import Prompt

if TYPE_CHECKING:
    from PIL import Image

Inputs = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedPrompt:
    """One prompt as a model takes it, without padding, on the CPU."""

    prompt: Prompt
    tokens: Inputs
    """What there is one of per token, ``input_ids`` among them: (1, length, ...)."""
    picture: Inputs
    """All else: pixels and what describes them, in whatever shape the checkpoint wants."""
    seconds: float
    """Time it took to encode."""

    @property
    def length(self) -> int:
        """Tokens of the prompt, the image's among them."""
        return self.tokens["input_ids"].shape[1]


def encode_prompt(encoder: Encoder, prompt: Prompt, picture: "Image.Image") -> EncodedPrompt:
    """The prompt, encoded alone: what its neighbours are makes no difference."""
    started = time.perf_counter()
    inputs = encoder.encode_one(prompt, picture)
    shape = inputs["input_ids"].shape
    per_token = {name for name, value in inputs.items() if value.shape[:2] == shape}
    return EncodedPrompt(
        prompt=prompt,
        tokens={name: value for name, value in inputs.items() if name in per_token},
        picture={name: value for name, value in inputs.items() if name not in per_token},
        seconds=time.perf_counter() - started,
    )


def truncate(row: EncodedPrompt, length: int) -> EncodedPrompt:
    """The first ``length`` tokens of a row, with its picture."""
    return replace(row, tokens={name: value[:, :length] for name, value in row.tokens.items()})


def pad_left(value: torch.Tensor, width: int, filler: int = 0) -> torch.Tensor:
    """(1, length, ...) -> (1, width, ...), filled at the left."""
    missing = width - value.shape[1]
    return pad(value, (0, 0) * (value.ndim - 2) + (missing, 0), value=filler)


def have_same_image_shape(one: EncodedPrompt, two: EncodedPrompt) -> bool:
    """Whether the pictures of two rows have one shape but for their first axis."""
    return one.picture.keys() == two.picture.keys() and all(
        value.shape[1:] == two.picture[name].shape[1:] for name, value in one.picture.items()
    )


def stack_tokens(rows: Sequence[EncodedPrompt], filler: int) -> Inputs:
    """What there is one of per token, as one batch, padded at the left."""
    width = max(row.length for row in rows)
    return {
        name: torch.cat(
            [
                pad_left(row.tokens[name], width, filler if name == "input_ids" else 0)
                for row in rows
            ]
        )
        for name in rows[0].tokens
    }


def collate(rows: Sequence[EncodedPrompt], filler: int) -> Inputs:
    """The rows as one batch: tokens padded at the left, pictures one after another."""
    batch = stack_tokens(rows, filler)
    for name, value in rows[0].picture.items():
        batch[name] = value if len(rows) == 1 else torch.cat([row.picture[name] for row in rows])
    return batch


class Collator:
    """Batches as the checkpoint's own processor makes them, from rows where that is the same."""

    def __init__(self, encoder: Encoder, filler: int) -> None:
        self._encoder, self._filler = encoder, filler
        self._exact: dict[bool, bool] = {}
        """Whether stacking was found exact, for rows of unequal length and of equal length."""

    def make(self, rows: Sequence[EncodedPrompt], images: "Mapping[str, Image.Image]") -> Inputs:
        """One batch of all rows; pixels are prepared again only where rows do not stack."""
        may = all(have_same_image_shape(rows[0], row) for row in rows)
        if len(rows) == 1 or (may and self.is_exact(rows, images)):
            return collate(rows, self._filler)
        return self._encoder.encode([row.prompt for row in rows], images)

    def is_exact(self, rows: Sequence[EncodedPrompt], images: "Mapping[str, Image.Image]") -> bool:
        """Whether stacking such rows gives what the processor gives, to the bit; tried once."""
        ragged = len({row.length for row in rows}) > 1
        if ragged not in self._exact:
            ours = collate(rows, self._filler)
            theirs = self._encoder.encode([row.prompt for row in rows], images)
            self._exact[ragged] = ours.keys() == theirs.keys() and all(
                torch.equal(value, theirs[name]) for name, value in ours.items()
            )
        return self._exact[ragged]
