"""Compare replies with reference texts: BLEU, ROUGE-L, similarity, and matching clues.

The paper's Tables VI to VIII have BLEU-1, BLEU-2, ROUGE-L and similarity; it names neither the
variant nor the encoder, so the suite's are in
:func:`describe_metrics` and in every manifest.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from fakebench_suite.grading.embeddings import MODEL_NAME, SentenceEncoder
from fakebench_suite.text.thoughts import to_visible_text
from fakebench_suite.types import Record

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu.metrics.bleu import BLEU

MATCH_SIMILARITY = 0.6
"""Cosine similarity from which a statement of a reply matches a reference clue."""
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_PREFACE = re.compile(r"^\W*this is a fake image because\W*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextScores:
    """One reply against its reference, each value 0-1; the clue values need a list of clues."""

    bleu_1: float
    bleu_2: float
    rouge_l: float
    similarity: float | None
    """None, as are the clue values, where no encoder is installed."""
    clue_recall: float | None
    clue_precision: float | None


def describe_metrics(encoder: SentenceEncoder | None) -> dict[str, str]:
    """Variant, smoothing and weights of every metric, for the manifest."""
    words = {
        "bleu_1": str(_make_bleu(1).get_signature()),
        "bleu_2": str(_make_bleu(2).get_signature()),
        "rouge_l": "rouge-score, F-measure, no stemming",
    }
    if encoder is None:
        return words
    return words | {
        "similarity": f"cosine, {MODEL_NAME}, sha256 {encoder.digest}",
        "clue_match": f"cosine of a sentence and a clue from {MATCH_SIMILARITY}",
    }


@cache
def _make_bleu(order: int) -> "BLEU":
    """Sentence BLEU: effective order, exponential smoothing, 13a tokens, lower case."""
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(max_ngram_order=order, effective_order=True, lowercase=True)


@cache
def _make_rouge() -> "RougeScorer":
    from rouge_score.rouge_scorer import RougeScorer  # which imports all of nltk

    return RougeScorer(["rougeL"])


def score_texts(
    replies: Sequence[str],
    references: Sequence[Sequence[str]],
    encoder: SentenceEncoder | None,
) -> list[TextScores]:
    """One TextScores per reply; without an encoder, of shared words alone."""
    wholes = [" ".join(clues) for clues in references]
    meanings = (
        [_Meaning()] * len(replies)
        if encoder is None
        else _compare_meanings(replies, references, wholes, encoder)
    )
    return [
        TextScores(
            bleu_1=_measure_bleu(1, reply, whole),
            bleu_2=_measure_bleu(2, reply, whole),
            rouge_l=float(_make_rouge().score(whole, reply)["rougeL"].fmeasure),
            similarity=meaning.similarity,
            clue_recall=meaning.clue_recall,
            clue_precision=meaning.clue_precision,
        )
        for reply, whole, meaning in zip(replies, wholes, meanings, strict=True)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    """The part of a reply's scores that an encoder gives."""

    similarity: float | None = None
    clue_recall: float | None = None
    clue_precision: float | None = None


def _compare_meanings(
    replies: Sequence[str],
    references: Sequence[Sequence[str]],
    wholes: Sequence[str],
    encoder: SentenceEncoder,
) -> list[_Meaning]:
    """Similarity and clues of each reply; each distinct text is encoded once, all in one call."""
    statements = [split_statements(reply) for reply in replies]
    encoder.encode([*replies, *wholes, *(text for sentences in statements for text in sentences)])
    encoder.encode([clue for clues in references for clue in clues])
    meanings = []
    for sentences, clues, similarity in zip(
        statements, references, encoder.compare(replies, wholes), strict=True
    ):
        recall, precision = _match_clues(sentences, clues, encoder)
        meanings.append(
            _Meaning(similarity=float(similarity), clue_recall=recall, clue_precision=precision)
        )
    return meanings


def _measure_bleu(order: int, reply: str, whole: str) -> float:
    # Rounding can make a perfect score exceed 100.
    return min(1.0, float(_make_bleu(order).sentence_score(reply, [whole]).score) / 100)


def score_answers(
    records: Iterable[Record], encoder: SentenceEncoder | None
) -> dict[str, TextScores]:
    """The scores of every answered case with a reference text, thoughts left out, by case id."""
    rows = [
        (
            record.case.id,
            to_visible_text(record.answer.text),
            [clue.text for clue in record.case.expected],
        )
        for record in records
        if record.case.expected and record.answer is not None
    ]
    if not rows:
        return {}
    ids, replies, references = zip(*rows, strict=True)
    return dict(zip(ids, score_texts(replies, references, encoder), strict=True))


def split_statements(reply: str) -> list[str]:
    """The sentences of a reply, without the opening that the fault-finding prompt asks for."""
    parts = (part.strip(" -*\t") for part in _SENTENCE.split(_PREFACE.sub("", reply)))
    return [part for part in parts if any(letter.isalnum() for letter in part)]


def _match_clues(
    statements: Sequence[str], clues: Sequence[str], encoder: SentenceEncoder
) -> tuple[float | None, float | None]:
    """Share of the clues that match a statement, and share of the statements that match a clue."""
    if len(clues) < 2:
        return None, None
    if not statements:
        return 0.0, None
    close = encoder.encode(statements) @ encoder.encode(clues).T >= MATCH_SIMILARITY
    return float(np.mean(close.any(axis=0))), float(np.mean(close.any(axis=1)))
