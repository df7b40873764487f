"""A text judge that runs here: ``--judge=transformers:NAME|PATH``, any causal chat model."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, set_seed

from fakebench_suite.errors import UserError
from fakebench_suite.judges.cache import RatingCache
from fakebench_suite.judges.panel import Judgement, collect
from fakebench_suite.judges.rubric import Messages, Request, read_rating, write_messages
from fakebench_suite.types import Rating

BATCH = 16
ATTEMPTS = 3
_TOKENS = 160


class LocalJudge:
    """Samples every round of every text in batches, seeded by the attempt."""

    def __init__(
        self, place: str, *, rounds: int, cache: RatingCache, device: str | None = None
    ) -> None:
        self.name = f"transformers:{place}"
        self._rounds, self._cache = rounds, cache
        self._device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(
                place, local_files_only=True, padding_side="left"
            )
            model: Any = AutoModelForCausalLM.from_pretrained(
                place, local_files_only=True, dtype="auto"
            )
        except Exception as error:  # Broken or absent weights raise nearly anything.
            raise UserError(
                f"The judge {place!r} cannot be loaded: {error}. Download it first, or point "
                "--judge=transformers:PATH at its directory."
            ) from error
        self._model = model.to(self._device).eval()
        revision = getattr(model.config, "_commit_hash", None)  # of a checkpoint from the hub
        self._key = f"{self.name} {revision or _fingerprint(Path(place))}"
        if self._tokenizer.chat_template is None:
            raise UserError(f"The judge {place!r} has no chat template; choose an instruct model.")
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token

    def grade(self, requests: Sequence[Request]) -> Sequence[Judgement]:
        """One judgement per request; what has no marks is sampled anew, within limits."""
        asked = [
            (write_messages(request), number)
            for request in requests
            for number in range(self._rounds)
        ]
        results: list[Rating | str] = [
            self._cache.find(self._key, messages, number) or "" for messages, number in asked
        ]
        for attempt in range(ATTEMPTS):
            open_rounds = [place for place, one in enumerate(results) if isinstance(one, str)]
            for start in range(0, len(open_rounds), BATCH):
                places = open_rounds[start : start + BATCH]
                replies = self._reply([asked[place][0] for place in places], attempt)
                for place, reply in zip(places, replies, strict=True):
                    rating = read_rating(reply)
                    if rating is not None:
                        self._cache.keep(self._key, *asked[place], rating)
                    results[place] = rating or f"no marks in the judge's reply {reply[:200]!r}"
        return [
            collect(results[start : start + self._rounds])
            for start in range(0, len(results), self._rounds)
        ]

    @torch.inference_mode()
    def _reply(self, conversations: Sequence[Messages], attempt: int) -> list[str]:
        set_seed(attempt)
        inputs = self._tokenizer.apply_chat_template(
            list(conversations),
            add_generation_prompt=True,
            tokenize=True,
            padding=True,
            return_dict=True,
            return_tensors="pt",
        ).to(self._device)
        output = self._model.generate(
            **inputs,
            generation_config=GenerationConfig(
                do_sample=True,
                temperature=0.7,
                max_new_tokens=_TOKENS,
                eos_token_id=self._model.generation_config.eos_token_id,
                pad_token_id=self._tokenizer.pad_token_id,
            ),
        )
        new = output[:, inputs["input_ids"].shape[1] :]
        return list(self._tokenizer.batch_decode(new, skip_special_tokens=True))


def _fingerprint(folder: Path) -> str:
    """Names, sizes and times of a directory's weights: other weights give their own marks."""
    files = sorted(folder.glob("*.safetensors"))
    facts = [f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
