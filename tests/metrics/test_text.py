"""Text metrics equal the libraries called directly, and every distinct text is encoded once."""

from dataclasses import replace

import numpy as np
import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from fakebench_suite.grading import embeddings as encoders
from fakebench_suite.grading.embeddings import SentenceEncoder
from fakebench_suite.metrics.scores import score_records
from fakebench_suite.metrics.text import (
    describe_metrics,
    score_answers,
    score_texts,
    split_statements,
)
from fakebench_suite.types import Clue, Outcome, Task
from tests.factories import make_record

CLUES = ["The hand has six fingers.", "The shadow falls the wrong way.", "The letters are garbled."]
REPLIES = [
    "This is a fake image because the hand shows six fingers. The letters make no sense.",
    "A lovely day at the beach.",
    "",
    "The hand has six fingers. The shadow falls the wrong way. The letters are garbled.",
]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    """The encoder, loaded once."""
    return SentenceEncoder()


@pytest.mark.checkpoint
def test_values_are_the_libraries(encoder: SentenceEncoder) -> None:
    """BLEU is sacrebleu's, ROUGE-L rouge-score's, similarity sentence-transformers'."""
    from sentence_transformers import SentenceTransformer  # Ten seconds of all that collect this.

    reference = " ".join(CLUES)
    model = SentenceTransformer(str(encoders._locate()), local_files_only=True)
    vectors = model.encode([reference, *REPLIES], normalize_embeddings=True)
    long = "Its shadows point to different lights. " * 100
    expected = model.encode([long], normalize_embeddings=True)
    assert np.allclose(encoder.encode([long]), expected, atol=1e-6)
    text_scores = score_texts(REPLIES, [CLUES] * len(REPLIES), encoder)
    for reply, vector, scores in zip(REPLIES, vectors[1:], text_scores, strict=True):
        for order, value in ((1, scores.bleu_1), (2, scores.bleu_2)):
            bleu = sacrebleu.BLEU(max_ngram_order=order, effective_order=True, lowercase=True)
            assert value == pytest.approx(bleu.sentence_score(reply, [reference]).score / 100)
        rouge = RougeScorer(["rougeL"]).score(reference, reply)["rougeL"].fmeasure
        assert scores.rouge_l == pytest.approx(rouge)
        assert scores.similarity == pytest.approx(max(0, float(vector @ vectors[0])), abs=1e-5)
    assert text_scores[3].bleu_2 == text_scores[3].rouge_l == pytest.approx(1)
    assert text_scores[3].similarity == pytest.approx(1)


@pytest.mark.checkpoint
def test_encoders_share_one_model(
    encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second run of a process loads nothing again."""
    vectors = encoder.encode(["Six fingers."])
    monkeypatch.setattr("transformers.AutoModel.from_pretrained", lambda *_, **__: 1 / 0)
    assert (SentenceEncoder().encode(["Six fingers."]) == vectors).all()


@pytest.mark.checkpoint
def test_clues_are_matched_one_by_one(encoder: SentenceEncoder) -> None:
    """Recall counts the clues said, precision the statements that say one; both need a list."""
    partial, beach, empty, verbatim = score_texts(REPLIES, [CLUES] * 4, encoder)
    assert partial.clue_recall == pytest.approx(1 / 3)
    assert partial.clue_precision == pytest.approx(1 / 2)
    assert (beach.clue_recall, beach.clue_precision) == (0, 0)
    assert (empty.clue_recall, empty.clue_precision) == (0, None)
    assert (verbatim.clue_recall, verbatim.clue_precision) == (1, 1)
    (score,) = score_texts(["The hand."], [["The hand has six fingers."]], encoder)
    assert (score.clue_recall, score.clue_precision) == (None, None)


def test_each_distinct_text_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand pairs of four replies cost as many encodings as there are distinct texts."""
    encoded: list[str] = []

    def encode(_encoder: SentenceEncoder, texts: list[str]) -> np.ndarray:
        encoded.extend(texts)
        return np.eye(len(texts), 384, dtype=np.float32)

    encoder = SentenceEncoder()
    monkeypatch.setattr(SentenceEncoder, "_encode_batch", encode)
    score_texts(REPLIES * 250, [CLUES] * 1000, encoder)
    statements = {statement for reply in REPLIES for statement in split_statements(reply)}
    assert sorted(encoded) == sorted({*REPLIES, *CLUES, " ".join(CLUES), *statements})


@pytest.mark.checkpoint
def test_answers_with_references_are_scored_and_averaged(encoder: SentenceEncoder) -> None:
    """Cases without a reference, and errors, have no text scores; the rest is averaged."""
    expected = tuple(Clue(text=text) for text in CLUES)
    records = [
        make_record(f"i{n}", outcome, task=Task.INTERPRETATION)
        for n, outcome in enumerate([Outcome.UNSCORED] * 3 + [Outcome.MODEL_ERROR])
    ]
    records = [records[0]] + [
        replace(record, case=replace(record.case, expected=expected)) for record in records[1:]
    ]
    texts = score_answers(records, encoder)
    assert set(texts) == {"i1:what", "i2:what"}
    scores = {score.metric: score for score in score_records(records, texts)}
    assert scores["similarity"].n == 2
    assert scores["similarity"].value == pytest.approx(texts["i1:what"].similarity)
    assert scores["clue_recall"].value == 0
    assert scores["clue_precision"].n == 2
    assert score_answers(records[:1], encoder) == {}


@pytest.mark.checkpoint
def test_thoughts_are_not_compared(encoder: SentenceEncoder) -> None:
    """A reply scores as what it says outside its thoughts."""
    expected = tuple(Clue(text=text) for text in CLUES)
    record = make_record("i", Outcome.UNSCORED, task=Task.INTERPRETATION)
    record = replace(record, case=replace(record.case, expected=expected))
    assert record.answer is not None
    thinking_answer = replace(record.answer, text=f"<think>{CLUES[0]}</think>{record.answer.text}")
    records = [record, replace(record, case=replace(record.case, id="t"), answer=thinking_answer)]
    first, second = score_answers(records, encoder).values()
    assert first == second


def test_metrics_are_named_with_variant_and_weights(encoder: SentenceEncoder) -> None:
    """The manifest says which BLEU, which smoothing, and which weights."""
    descriptions = describe_metrics(encoder)
    assert "smooth:exp" in descriptions["bleu_1"]
    assert "version:" in descriptions["bleu_2"]
    assert "all-MiniLM-L6-v2, sha256 " in descriptions["similarity"]
    assert len(descriptions["similarity"].rpartition(" ")[2]) == 64
