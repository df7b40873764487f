"""How many tokens and rows one forward pass may hold."""

from typing import Any

import torch

MAX_CPU_TOKENS = 16_384
"""Maximum of tokens in one forward pass on a CPU."""
MAX_CPU_CACHE_BYTES = 2 * 2**30
"""Bytes of keys and values on a CPU, whose memory other processes share."""
GPU_MEMORY_SHARE = 0.6
"""Share of a GPU's free memory that keys, values and activations may fill."""


class BatchTokenLimit:
    """Limits batches; a size that ran out of memory is not tried again in this run.

    ``tokens`` are the most in one forward pass (None: estimated from free memory), ``rows`` the
    most rows (None: no limit), and ``new`` the new tokens per row.
    """

    def __init__(self, model: Any, *, tokens: int | None, rows: int | None, new: int) -> None:
        self.rows = rows
        """Maximum of rows in one forward pass; None for no limit."""
        self._model, self._new = model, new
        self._tokens = tokens

    @property
    def tokens(self) -> int:
        """Maximum of tokens in one forward pass, estimated at the first access."""
        if self._tokens is None:
            self._tokens = estimate_capacity(self._model)
        return self._tokens

    def copy(self) -> "BatchTokenLimit":
        """Return the budget as it is now, which later failures do not reduce."""
        return BatchTokenLimit(self._model, tokens=self.tokens, rows=self.rows, new=self._new)

    def fits(self, rows: int, width: int, *, shared_tokens: int = 0, padded_rows: int = 0) -> bool:
        """Return whether ``rows`` rows of ``width`` tokens fit, including their new tokens.

        ``shared_tokens`` are stored once, whatever the number of rows; ``padded_rows`` is the
        number of allocated rows, if larger.
        """
        within_rows = self.rows is None or rows <= self.rows
        return (
            within_rows
            and self._count(max(rows, padded_rows), width) + shared_tokens <= self.tokens
        )

    def count_rows(self, width: int) -> int:
        """Return how many rows of ``width`` tokens fit; at least one."""
        fitting = max(1, self.tokens // self._count(1, width))
        return fitting if self.rows is None else min(self.rows, fitting)

    def reduce(
        self, rows: int, width: int, *, shared_tokens: int = 0, padded_rows: int = 0
    ) -> None:
        """Reduce the limit to half of a size that did not fit; shared tokens are not halved."""
        half = self._count(max(rows, padded_rows), width) // 2
        self._tokens = min(self.tokens, shared_tokens + max(1, half))

    def _count(self, rows: int, width: int) -> int:
        return rows * (width + self._new)


def estimate_capacity(model: Any) -> int:
    """Return the tokens that fit on the model's device besides the model, as a power of two.

    Machines of one kind should form equal batches, because in 16 bits an answer depends on its
    batch.
    """
    token_bytes = bytes_per_token(model)
    if model.device.type != "cuda":
        return _round_down(min(MAX_CPU_TOKENS, MAX_CPU_CACHE_BYTES // token_bytes))
    free, _ = torch.cuda.mem_get_info(model.device)
    # Memory that torch has reserved and does not use is free, too.
    free += torch.cuda.memory_reserved(model.device) - torch.cuda.memory_allocated(model.device)
    return _round_down(int(GPU_MEMORY_SHARE * free) // token_bytes)


def _round_down(tokens: int) -> int:
    return 1 << max(0, tokens.bit_length() - 1)


def bytes_per_token(model: Any) -> int:
    """Return the bytes per token: keys and values of all layers, and activations of one layer.

    Sizes are read from the config of the language model; one MiB if it does not have them.
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
