"""Scores of other benchmarks under their own names, against scikit-learn and by hand."""

from dataclasses import replace

import pytest
from sklearn.metrics import f1_score

from fakebench_suite.datasets.registry import DATASETS
from fakebench_suite.metrics.benchmark_metrics import BENCHMARK_METRICS, list_benchmark_scores
from fakebench_suite.metrics.names import METRICS
from fakebench_suite.metrics.scores import score_records
from fakebench_suite.metrics.text import TextScores
from fakebench_suite.report.benchmark_rows import list_benchmark_tables
from fakebench_suite.tasks.registry import get_task
from fakebench_suite.types import (
    Authenticity,
    Case,
    Outcome,
    QuestionType,
    Record,
    Score,
    Task,
    Verdict,
)
from tests.factories import CASE, make_answer, make_manifest

FAKE, REAL = Authenticity.FAKE, Authenticity.REAL
SAID = ("fake", "fake", "real", None, "real", "fake", "real", None)
LABELS = (FAKE, FAKE, FAKE, FAKE, REAL, REAL, REAL, REAL)


def make_records(
    task: str = Task.REASONING, judge: str | None = None, **fields: object
) -> list[Record]:
    """Eight replies: of fake images two are called fake, of real ones two real; two say nothing."""
    records = []
    for number, (said, label) in enumerate(zip(SAID, LABELS, strict=True)):
        case = replace(CASE, id=f"{number}.png", image=f"{number}.png", task=task, label=label)
        right = Outcome.CORRECT if said == label else Outcome.INCORRECT
        # A judge that passes nothing.
        outcome = Outcome.UNPARSED if said is None else Outcome.INCORRECT if judge else right
        verdict = Verdict(
            outcome=outcome, reason="", label=said, judge=judge, score=0.0 if judge else None
        )
        case = replace(case, **fields)  # type: ignore[arg-type]
        answer = make_answer("said")
        records.append(Record(case=case, prompt="?", answer=answer, verdict=verdict, worker=""))
    return records


def find(scores: list[Score], metric: str, subgroup: str = "all") -> Score:
    """The one score of that name."""
    (score,) = (s for s in scores if (s.metric, s.subgroup) == (metric, subgroup))
    return score


@pytest.mark.parametrize("task", [Task.DETECTION, Task.REASONING])
def test_f1_is_that_of_scikit_learn(task: str) -> None:
    """Of fake; a reply that says nothing does not say fake."""
    score = find(score_records(make_records(task)), "f1_score")
    expected = f1_score([label is FAKE for label in LABELS], [said == "fake" for said in SAID])
    assert score.value == pytest.approx(expected)
    assert score.n == 8
    assert score.low is not None
    assert score.low < expected
    one_sided = [record for record in make_records(task) if record.case.label is FAKE]
    assert find(score_records(one_sided), "f1_score").value is None


def test_a_judge_has_no_say_in_the_accuracy_of_conclusions() -> None:
    """MMFR's and FakeVLM's are of the label; that of ours is of the text too."""
    scores = score_records(make_records(judge="exact", content_categories="doc", generator="flux"))
    assert find(scores, "accuracy").value == 0
    assert find(scores, "label_accuracy").value == pytest.approx(4 / 8)
    assert find(scores, "label_accuracy_parsed").value == pytest.approx(4 / 6)
    assert find(scores, "label_accuracy", "category=doc").n == 8
    assert find(scores, "label_accuracy", "generator=flux").value == pytest.approx(4 / 8)


def test_choices_are_scored_by_question_type_and_position() -> None:
    """Always choosing the first option shows as such."""
    which = (QuestionType.WHICHFAKE, QuestionType.WHICHREAL)
    records = []
    for number, (question_type, expected, chosen) in enumerate(
        ((which[0], "A", "A"), (which[0], "B", "A"), (which[1], "A", "A"), (which[1], "B", None))
    ):
        case = Case(
            id=f"{number}", task=Task.COMPARISON, image=f"{number}.png", second_image="z.png",
            question="?", question_type=question_type, expected_choice=expected,
            content_categories="person",
        )  # fmt: skip
        outcome = Outcome.CORRECT if chosen == expected else Outcome.INCORRECT
        verdict = Verdict(outcome=outcome if chosen else Outcome.UNPARSED, reason="", label=chosen)
        answer = make_answer("said")
        records.append(Record(case=case, prompt="?", answer=answer, verdict=verdict, worker=""))
    scores = score_records(records)
    assert find(scores, "accuracy").value == pytest.approx(2 / 4)
    assert find(scores, "accuracy_parsed").value == pytest.approx(2 / 3)
    assert find(scores, "first_choice_rate").value == 1
    assert find(scores, "accuracy", "question_type=whichfake").value == pytest.approx(1 / 2)
    assert find(scores, "accuracy", "category=person").n == 4
    named = {entry.name: entry.score.value for entry in list_benchmark_scores("loki", scores)}
    assert named == {
        "Multiple choice accuracy": 0.5,
        "Multiple choice accuracy by question type: whichfake": 0.5,
        "Multiple choice accuracy by question type: whichreal": 0.5,
        "Multiple choice accuracy by category: person": 0.5,
    }


def test_own_names_are_those_of_scores_that_the_task_has() -> None:
    """Every kind is a data set's, and every metric one of its task, by subgroups where it has."""
    assert set(BENCHMARK_METRICS) <= set(DATASETS.built_in)
    for metrics in BENCHMARK_METRICS.values():
        for metric in metrics:
            assert get_task(metric.task).grader in METRICS[metric.metric].graders
            assert metric.subgroup == "all" or METRICS[metric.metric].divides


def test_a_run_shows_the_names_of_its_own_benchmark() -> None:
    """With the score that each is; FakeBench's runs and the user's own show none."""
    text = TextScores(
        bleu_1=0.25, bleu_2=0.1, rouge_l=0.5, similarity=None, clue_recall=None, clue_precision=None
    )
    records = make_records(generator="flux")
    scores = score_records(records, {record.case.id: text for record in records})
    (table,) = list_benchmark_tables(
        make_manifest(dataset={"kind": "mmfr", "name": "MMFR"}), scores
    )
    assert table.title == "MMFR under its own metric names"
    assert [(row[0], row[1], row[3], row[4]) for row in table.rows] == [
        ("Accuracy", "0.500", "8", "label_accuracy of reasoning"),
        ("Accuracy without unreadable replies", "0.667", "6", "label_accuracy_parsed of reasoning"),
        ("Accuracy by generator: flux", "0.500", "8", "label_accuracy of reasoning"),
        ("BLEU-1 (smoothed)", "0.250", "8", "bleu_1 of reasoning"),
        ("ROUGE-L", "0.500", "8", "rouge_l of reasoning"),
    ]
    for kind in ("official", "jsonl", "x-aigd"):
        assert not list(list_benchmark_tables(make_manifest(dataset={"kind": kind}), scores))
