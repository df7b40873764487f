"""Encoded prompts: one row of tokens each with its image, and batches of rows."""

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
"""Model inputs by name."""
MAX_COMPARED = 64
"""Rows that are compared with the processor's batch: all of a batch on a CPU, as a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedPrompt:
    """One prompt as model inputs, without padding, on the CPU."""

    prompt: Prompt
    tokens: Inputs
    """Inputs with one value per token, such as ``input_ids``: (1, length, ...)."""
    picture: Inputs
    """All other inputs: pixels and their descriptions, in the shapes of the checkpoint."""
    seconds: float
    """Time of encoding."""

    @property
    def length(self) -> int:
        """Tokens of the prompt, including those of the image."""
        return self.tokens["input_ids"].shape[1]


def encode_prompt(
    encoder: Encoder, prompt: Prompt, images: "Mapping[str, Image.Image]"
) -> EncodedPrompt:
    """Encode the prompt alone, independently of the other prompts in the batch."""
    started = time.perf_counter()
    inputs = encoder.encode_one(prompt, images)
    shape = inputs["input_ids"].shape
    per_token = {name for name, value in inputs.items() if value.shape[:2] == shape}
    return EncodedPrompt(
        prompt=prompt,
        tokens={name: value for name, value in inputs.items() if name in per_token},
        picture={name: value for name, value in inputs.items() if name not in per_token},
        seconds=time.perf_counter() - started,
    )


def truncate(row: EncodedPrompt, length: int) -> EncodedPrompt:
    """Return the first ``length`` tokens of a row, with its image."""
    return replace(row, tokens={name: value[:, :length] for name, value in row.tokens.items()})


def pad_left(value: torch.Tensor, width: int, pad_value: int = 0) -> torch.Tensor:
    """Pad (1, length, ...) at the left to (1, width, ...)."""
    missing = width - value.shape[1]
    return pad(value, (0, 0) * (value.ndim - 2) + (missing, 0), value=pad_value)


def have_same_image_shape(first: EncodedPrompt, second: EncodedPrompt) -> bool:
    """Return whether the image inputs of two rows have equal shapes except for the first axis."""
    return first.picture.keys() == second.picture.keys() and all(
        value.shape[1:] == second.picture[name].shape[1:] for name, value in first.picture.items()
    )


def stack_tokens(rows: Sequence[EncodedPrompt], pad_token_id: int) -> Inputs:
    """Return the inputs with one value per token as one batch, padded at the left."""
    width = max(row.length for row in rows)
    return {
        name: torch.cat(
            [
                pad_left(row.tokens[name], width, pad_token_id if name == "input_ids" else 0)
                for row in rows
            ]
        )
        for name in rows[0].tokens
    }


def collate(rows: Sequence[EncodedPrompt], pad_token_id: int) -> Inputs:
    """Return the rows as one batch: tokens padded at the left, image inputs concatenated."""
    batch = stack_tokens(rows, pad_token_id)
    for name, value in rows[0].picture.items():
        batch[name] = value if len(rows) == 1 else torch.cat([row.picture[name] for row in rows])
    return batch


class Collator:
    """Makes batches as the checkpoint's processor does, by stacking rows if that is equivalent."""

    def __init__(self, encoder: Encoder, pad_token_id: int) -> None:
        self._encoder, self._pad_token_id = encoder, pad_token_id
        self._exact: dict[bool, bool] = {}
        """Whether stacking was found exact, for rows of unequal length and of equal length."""

    def collate_rows(
        self, rows: Sequence[EncodedPrompt], images: "Mapping[str, Image.Image]"
    ) -> Inputs:
        """Return one batch of all rows; pixels are prepared again only if rows do not stack."""
        stackable = all(have_same_image_shape(rows[0], row) for row in rows)
        if len(rows) == 1 or (stackable and self.matches_processor(rows, images)):
            return collate(rows, self._pad_token_id)
        return self._encoder.encode([row.prompt for row in rows], images)

    def matches_processor(
        self, rows: Sequence[EncodedPrompt], images: "Mapping[str, Image.Image]"
    ) -> bool:
        """Return whether stacked rows equal the processor's batch bit by bit; checked once.

        The result is stored for rows of equal and of unequal length. Of many rows a few are
        compared, for the processor prepares their images again.
        """
        ragged = len({row.length for row in rows}) > 1
        if ragged not in self._exact:
            other = next((row for row in rows if row.length != rows[0].length), rows[-1])
            compared = rows if len(rows) <= MAX_COMPARED else [*rows[: MAX_COMPARED - 1], other]
            stacked = collate(compared, self._pad_token_id)
            processed = self._encoder.encode([row.prompt for row in compared], images)
            self._exact[ragged] = stacked.keys() == processed.keys() and all(
                torch.equal(value, processed[name]) for name, value in stacked.items()
            )
        return self._exact[ragged]
