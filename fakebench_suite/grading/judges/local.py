"""A text judge in this process: ``--judge=transformers:NAME|PATH``, any causal chat model."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import try_to_load_from_cache
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    LogitsProcessorList,
    StoppingCriteriaList,
    set_seed,
)

from fakebench_suite.checkpoints.decoding import ReplyDecoder
from fakebench_suite.checkpoints.file_check import brings_code, check_files
from fakebench_suite.checkpoints.fingerprint import digest_files, digest_weights
from fakebench_suite.checkpoints.linear_layers import use_onednn
from fakebench_suite.checkpoints.non_finite import NonFiniteWatch, StopOnNonFinite
from fakebench_suite.checkpoints.weight_check import check_tensors
from fakebench_suite.errors import CardError, UserError
from fakebench_suite.grading.judges.base import (
    MAX_ATTEMPTS,
    TEMPERATURE,
    FailedRound,
    Judgement,
    combine_rounds,
)
from fakebench_suite.grading.judges.cache import RatingCache
from fakebench_suite.grading.judges.calibration import CALIBRATION_ITEMS, CALIBRATION_QUESTION
from fakebench_suite.grading.judges.registry import JudgeConfig, JudgeOptions
from fakebench_suite.grading.judges.rubric import (
    Messages,
    RatingRequest,
    build_messages,
    parse_rating,
)
from fakebench_suite.provenance import JudgeInfo, digest_parts
from fakebench_suite.text.thoughts import find_open_thought
from fakebench_suite.types import Rating

BATCH_SIZE = 16
"""Rounds that are generated together."""
_MAX_TOKENS, _MAX_THOUGHT_TOKENS = 160, 4096
"""Tokens of a reply, and of one that begins with a thought."""
_TEST_QUESTION = "How well does the answer agree with the reference?"
_VISION_TENSORS = ("vis", "model.vis", "multi_modal_projector.", "model.multi_modal_projector.")
"""Prefixes of the tensors of vision towers, which a judge of texts does not need."""


class LocalJudge:
    """Samples all rounds of all texts in batches, seeded by the attempt.

    ``source`` is a directory or a hub name. Raises UserError if the model cannot be loaded, has no
    chat template, or names no end token.
    """

    def __init__(
        self, source: str, *, rounds: int, cache: RatingCache, device: str | None = None
    ) -> None:
        self.name = f"transformers:{source}"
        self._rounds, self._cache = rounds, cache
        self._device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._tokenizer, model = _load(source)
        self._model = model.to(self._device).eval()
        use_onednn(self._model)
        self._digest = _digest(source)
        self._key = f"transformers {self._digest}"
        if self._tokenizer.chat_template is None:
            raise UserError(f"The judge {source!r} has no chat template; choose an instruct model.")
        self._ends = _list_ends(model.generation_config, self._tokenizer)
        if not self._ends:
            raise UserError(
                f"The judge {source!r} names no token that ends a reply; choose another."
            )
        # ``generate`` takes its defaults from here; shipped settings must not have any effect.
        model.generation_config = GenerationConfig()
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.convert_ids_to_tokens(self._ends[0])
        try:
            thought = _find_template_thought(self._tokenizer)
        except Exception as error:  # A chat template may raise anything.
            raise self._template_error(error) from error
        self._decoder = ReplyDecoder(self._tokenizer, self._ends, thought=thought)
        self._limit = _MAX_TOKENS if thought is None else _MAX_THOUGHT_TOKENS
        self._room = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)

    def check(self) -> None:
        """Ask for the rating of one text; raises UserError if the model cannot give one.

        Reasons are a short context, a failing chat template, and NaN or infinite scores.
        """
        clues = CALIBRATION_ITEMS[0].clues
        request = RatingRequest(question=CALIBRATION_QUESTION, reference=clues, text=clues[0])
        messages = build_messages(request)
        try:
            ids = self._tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, tokenize=True, return_dict=True
            )["input_ids"]
        except Exception as error:  # A chat template may raise anything.
            raise self._template_error(error) from error
        if self._room is not None and len(ids) + _MAX_TOKENS > self._room:
            raise UserError(
                f"The judge {self.name} has a context of {self._room:,} tokens, and a short text "
                f"takes {len(ids) + _MAX_TOKENS:,}. Choose a model with a longer one."
            )
        try:
            (reply,) = self._generate([messages], 0)
        except Exception as error:  # Kernels and checkpoints may raise anything.
            why = " ".join(str(error).split()) or type(error).__name__
            raise UserError(f"The judge {self.name} cannot answer: {why}.") from error
        if reply is None:
            raise UserError(
                f"The judge {self.name} computes NaN or infinite scores. Choose another model, or "
                "another precision."
            )

    def _template_error(self, error: Exception) -> UserError:
        why = " ".join(str(error).split()).removesuffix(".") or type(error).__name__
        return UserError(
            f"The chat template of the judge {self.name} does not take a question: {why}. "
            "Choose an instruct model whose template takes a system and a user message."
        )

    def describe(self) -> JudgeInfo:
        """Return the digest of the judge's content, independent of its path."""
        return JudgeInfo(digest=self._digest)

    def grade(self, requests: Sequence[RatingRequest]) -> Sequence[Judgement]:
        """Return one judgement per request; rounds without a rating are sampled again."""
        rounds = [
            (build_messages(request), number)
            for request in requests
            for number in range(self._rounds)
        ]
        results: list[Rating | FailedRound] = [
            self._cache.find(self._key, messages, number) or FailedRound(reason="")
            for messages, number in rounds
        ]
        for attempt in range(MAX_ATTEMPTS):
            unrated = [
                index for index, result in enumerate(results) if isinstance(result, FailedRound)
            ]
            for start in range(0, len(unrated), BATCH_SIZE):
                indices = unrated[start : start + BATCH_SIZE]
                replies = self._generate([rounds[index][0] for index in indices], attempt)
                for index, reply in zip(indices, replies, strict=True):
                    if reply is None:
                        why = "the judge computed NaN or infinite scores"
                        results[index] = FailedRound(reason=why, unanswered=True)
                        continue
                    rating = parse_rating(reply)
                    if rating is not None:
                        self._cache.keep(self._key, *rounds[index], rating)
                    results[index] = rating or FailedRound(reason=self._describe_unrated(reply))
        return [
            combine_rounds(results[start : start + self._rounds])
            for start in range(0, len(results), self._rounds)
        ]

    def _describe_unrated(self, reply: str) -> str:
        """Return why a reply has no rating; raises the token limit after an unfinished thought."""
        if find_open_thought(reply) is None:
            return f"no rating in the judge's reply {reply[:200]!r}"
        limit, self._limit = self._limit, _MAX_THOUGHT_TOKENS
        return f"the judge's thought did not end within {limit:,} tokens"

    @torch.inference_mode()
    def _generate(self, conversations: Sequence[Messages], attempt: int) -> list[str | None]:
        """Generate one reply per conversation; None where scores are not finite."""
        set_seed(attempt)
        watch = NonFiniteWatch(mend=True)
        inputs = self._tokenizer.apply_chat_template(
            list(conversations),
            add_generation_prompt=True,
            tokenize=True,
            padding=True,
            return_dict=True,
            return_tensors="pt",
        ).to(self._device)
        available = self._limit if self._room is None else self._room - inputs["input_ids"].shape[1]
        output = self._model.generate(
            **inputs,
            generation_config=GenerationConfig(
                do_sample=True,
                temperature=TEMPERATURE,
                max_new_tokens=min(self._limit, max(available, _MAX_TOKENS)),
                eos_token_id=self._ends,
                pad_token_id=self._tokenizer.pad_token_id,
            ),
            logits_processor=LogitsProcessorList([watch]),
            stopping_criteria=StoppingCriteriaList([StopOnNonFinite(watch)]),
        )
        generated = output[:, inputs["input_ids"].shape[1] :].tolist()
        broken = torch.stack(watch.steps, dim=1).tolist()
        replies: list[str | None] = []
        for row, broken_steps in zip(generated, broken, strict=True):
            end = next(
                (position for position, token in enumerate(row) if token in self._ends), len(row)
            )
            replies.append(
                None if any(broken_steps[: end + 1]) else self._decoder.decode(row[:end])
            )
        return replies


def _load(source: str) -> tuple[Any, Any]:
    """Load tokenizer and model; raises UserError if they are missing or incomplete."""
    advice = "Download it first, or point --judge=transformers:PATH at its directory."
    try:
        if Path(source).is_dir():
            check_files(Path(source))
        tokenizer: Any = AutoTokenizer.from_pretrained(
            source, local_files_only=True, trust_remote_code=False, padding_side="left"
        )
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            source,
            local_files_only=True,
            trust_remote_code=False,
            dtype="auto",
            ignore_mismatched_sizes=True,  # They are reported and fatal below.
            output_loading_info=True,
        )
    except CardError as error:
        raise UserError(f"The judge {source!r} cannot be loaded: {error}") from error
    except Exception as error:  # Broken or absent weights may raise anything.
        if _brings_code(source):
            raise UserError(
                f"The judge {source!r} cannot be loaded without the code that comes with it, which "
                "is never run. Choose another judge."
            ) from error
        why = " ".join(str(error).split())
        raise UserError(f"The judge {source!r} cannot be loaded: {why}. {advice}") from error
    model, loading = loaded
    check_tensors(
        loading,
        source=f"of the judge {source!r}",
        unused=_VISION_TENSORS,
        advice="Choose another judge.",
    )
    return tokenizer, model


def _brings_code(source: str) -> bool:
    """Return whether a checkpoint, in a directory or the hub cache, names custom code."""
    try:
        cached = None if Path(source).is_dir() else try_to_load_from_cache(source, "config.json")
        return brings_code(Path(cached).parent if isinstance(cached, str) else Path(source))
    except (CardError, ValueError):  # Its configuration is broken, or its name is invalid.
        return False


def _list_ends(shipped: GenerationConfig, tokenizer: Any) -> list[int]:
    """Return the ids of end tokens of the checkpoint and of its tokenizer."""
    ends = shipped.eos_token_id
    own = ends if isinstance(ends, list) else [] if ends is None else [ends]
    if tokenizer.eos_token_id is not None:
        own = [*own, tokenizer.eos_token_id]
    return list(dict.fromkeys(own))


def _digest(source: str) -> str:
    """Return the SHA-256 over the weights and every other file that loading reads.

    ``source`` is a directory, or a name whose checkpoint is in the hub cache.
    """
    folder = Path(source)
    if not folder.is_dir():
        folder = Path(str(try_to_load_from_cache(source, "config.json"))).parent
    files = sorted(digest_files(folder, code=False).items())
    parts = [digest_weights(folder), *chain.from_iterable(files)]
    return digest_parts(word.encode() for word in parts)


def _find_template_thought(tokenizer: Any) -> str | None:
    """Return the mark of the thought that the chat template leaves open, if any."""
    messages = [{"role": "user", "content": _TEST_QUESTION}]
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return find_open_thought(str(text).rpartition(_TEST_QUESTION)[2])


def open_local(choice: JudgeConfig, options: JudgeOptions) -> LocalJudge:
    """Open the judge in this process, for the registry; raises UserError if it does not load."""
    return LocalJudge(choice.model, rounds=choice.rounds, cache=RatingCache(options.cache))
