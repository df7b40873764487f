"""How much one forward pass may hold: tokens, counted over all rows, and rows."""

from typing import Any

import torch

MAX_CPU_TOKENS = 16_384
MAX_CPU_CACHE_BYTES = 2 * 2**30
"""Bytes of keys and values on a CPU, where memory is shared with everything else."""
GPU_MEMORY_SHARE = 0.6
"""Part of a GPU's free memory that keys, values and activations may fill."""


class TokenBudget:
    """Bounds a batch; what ran out of memory once is not tried again in this run."""

    def __init__(self, model: Any, *, tokens: int | None, rows: int | None, new: int) -> None:
        self.rows = rows
        """Most rows in one forward pass; None for as many as the tokens allow."""
        self._model, self._new = model, new
        self._tokens = tokens

    @property
    def tokens(self) -> int:
        """Most tokens in one forward pass, measured when first asked for."""
        if self._tokens is None:
            self._tokens = estimate_capacity(self._model)
        return self._tokens

    def allows(self, rows: int, width: int, *, kept: int = 0, seats: int = 0) -> bool:
        """Whether so many rows of ``width`` tokens fit, with the new tokens each may write.

        ``kept`` are tokens beside them that do not hang on the number of rows, and ``seats`` the
        rows that room is made for, where these are more.
        """
        few = self.rows is None or rows <= self.rows
        return few and self._count(max(rows, seats), width) + kept <= self.tokens

    def count_rows(self, width: int) -> int:
        """How many rows of ``width`` tokens fit; one always does."""
        fitting = max(1, self.tokens // self._count(1, width))
        return fitting if self.rows is None else min(self.rows, fitting)

    def shrink(self, rows: int, width: int, *, kept: int = 0, seats: int = 0) -> None:
        """Remember that so much did not fit: half of what is not kept is tried from now on."""
        half = self._count(max(rows, seats), width) // 2
        self._tokens = min(self.tokens, kept + max(1, half))

    def _count(self, rows: int, width: int) -> int:
        return rows * (width + self._new)


def estimate_capacity(model: Any) -> int:
    """Tokens that fit on the model's device beside the model, rounded down to a power of two.

    In 16 bits an answer depends on the batch it is in; machines of a kind should cut the same.
    """
    cost = bytes_per_token(model)
    if model.device.type != "cuda":
        return _round_down(min(MAX_CPU_TOKENS, MAX_CPU_CACHE_BYTES // cost))
    free, _ = torch.cuda.mem_get_info(model.device)
    # Memory that torch holds and does not use is free, too.
    free += torch.cuda.memory_reserved(model.device) - torch.cuda.memory_allocated(model.device)
    return _round_down(int(GPU_MEMORY_SHARE * free) // cost)


def _round_down(tokens: int) -> int:
    return 1 << max(0, tokens.bit_length() - 1)


def bytes_per_token(model: Any) -> int:
    """Bytes that one token takes: its keys and values, and one layer's activations.

    Read from the config of the language model; where it does not tell, a megabyte.
    """
    text = model.config.get_text_config()
    try:
        width = (
            text.head_dim
            if getattr(text, "head_dim", None)
            else (text.hidden_size // text.num_attention_heads)
        )
        heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
        cache = 2 * text.num_hidden_layers * heads * width
        activations = 4 * text.hidden_size + 3 * getattr(text, "intermediate_size", 0)
    except (AttributeError, TypeError):
        return 2**20
    return int((cache + activations) * model.dtype.itemsize)
