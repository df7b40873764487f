"""Records -> scores: what is in which denominator."""

import random
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score
from statsmodels.stats.proportion import proportion_confint

from fakebench_suite.metrics.scores import score_records
from fakebench_suite.types import FinishReason, Outcome, Rating, Record, Score, Task
from tests.factories import make_answer, make_record

RECORDS = [
    make_record(f"{number}.png", outcome, fake=number % 2 == 0, category="photo, people")
    for number, outcome in enumerate(
        [Outcome.CORRECT] * 7
        + [Outcome.INCORRECT] * 3
        + [Outcome.UNPARSED, Outcome.REFUSED, Outcome.UNSCORED]
        + [Outcome.MODEL_ERROR, Outcome.IMAGE_ERROR]
    )
]


def find(scores: list[Score], metric: str, name: str = "all", task: str = Task.DETECTION) -> Score:
    """The one score of that name."""
    (score,) = [s for s in scores if (s.metric, s.subgroup, s.task) == (metric, name, task)]
    return score


def test_misses_count_and_errors_do_not() -> None:
    """Unparsed and refused count as wrong by the paper's rule; errors only in their own rate."""
    scores = score_records(RECORDS)
    accuracy, parsed = find(scores, "accuracy"), find(scores, "accuracy_parsed")
    assert (accuracy.value, accuracy.n) == (7 / 12, 12)
    assert (parsed.value, parsed.n) == (0.7, 10)
    for metric, value, n in (
        ("unparsed_rate", 1 / 13, 13),
        ("refused_rate", 1 / 13, 13),
        ("unscored_rate", 1 / 13, 13),
        ("model_error_rate", 1 / 15, 15),
        ("image_error_rate", 1 / 15, 15),
        ("judge_error_rate", 0.0, 15),
    ):
        assert (find(scores, metric).value, find(scores, metric).n) == (value, n)


def test_truncated_replies_count_as_wrong_and_every_cut_off_reply_is_counted() -> None:
    """Accuracy has them in its denominator, ``accuracy_parsed`` has not."""
    cut = [
        replace(record, answer=make_answer("said", reason))
        for record, reason in (
            (make_record("a.png", Outcome.CORRECT), FinishReason.LENGTH),
            (make_record("b.png", Outcome.CORRECT), FinishReason.STOP),
            (make_record("c.png", Outcome.TRUNCATED), FinishReason.LENGTH),
            (make_record("d.png", Outcome.CORRECT), None),
        )
    ]
    scores = score_records(cut)
    for metric, value, n in (
        ("accuracy", 3 / 4, 4),
        ("accuracy_parsed", 1.0, 3),
        ("truncated_rate", 1 / 4, 4),
        ("parsed_rate", 3 / 4, 4),
        ("cut_off_rate", 2 / 3, 3),
    ):
        assert (find(scores, metric).value, find(scores, metric).n) == (value, n)


def test_a_population_of_errors_has_no_accuracy() -> None:
    """Where nothing was answered the accuracy is undefined, not zero."""
    scores = score_records([make_record("a.png", Outcome.MODEL_ERROR)])
    assert (find(scores, "accuracy").value, find(scores, "accuracy").n) == (None, 0)
    assert find(scores, "model_error_rate").value == 1.0


@pytest.mark.thorough
@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40), st.randoms())
def test_scores_agree_with_scikit_learn_in_any_order(
    answers: list[tuple[bool, bool]], shuffler: random.Random
) -> None:
    """Balanced accuracy is scikit-learn's, and the order of records changes nothing."""
    answers += [(True, True), (False, True)]
    records = [
        make_record(f"{i}.png", Outcome.CORRECT if is_correct else Outcome.INCORRECT, fake=fake)
        for i, (fake, is_correct) in enumerate(answers)
    ]
    scores = score_records(records)
    labels = [fake for fake, _ in answers]
    answers_fake = [fake == is_correct for fake, is_correct in answers]
    value = find(scores, "balanced_accuracy").value
    assert value is not None
    assert abs(value - balanced_accuracy_score(labels, answers_fake)) < 1e-12
    shuffler.shuffle(records)
    assert score_records(records) == scores


def test_slices_divide_by_label_form_generator_and_category() -> None:
    """Each value of each column is a slice; an image of two categories is in both."""
    scores = score_records(RECORDS)
    fakes = find(scores, "accuracy", "label=fake")
    assert find(scores, "accuracy", "generator=sd").n == fakes.n == 6
    assert find(scores, "accuracy", "question_type=what").n == 12
    assert find(scores, "accuracy", "category=photo").n == 12
    assert find(scores, "accuracy", "category=people").n == 12


def test_texts_have_a_mean_score_beside_their_accuracy() -> None:
    """Judged scores are averaged over the texts that have one."""
    records: list[Record] = [
        make_record(f"{i}.png", outcome, task=Task.INTERPRETATION, suffix="f", score=score)
        for i, (outcome, score) in enumerate(
            [(Outcome.CORRECT, 2.0), (Outcome.INCORRECT, 0.5), (Outcome.UNSCORED, None)]
        )
    ]
    score = find(score_records(records), "exact_score", task=Task.INTERPRETATION)
    assert (score.value, score.n, score.judge) == (1.25, 2, "exact")


@pytest.mark.parametrize("points", [0.0, 1.0, 2.0])
def test_texts_of_one_score_have_an_interval(points: float) -> None:
    """That of as many images, on the scale of the score."""
    records = [
        make_record(f"{i}.png", Outcome.CORRECT, task=Task.INTERPRETATION, score=points)
        for i in range(30)
    ]
    score = find(score_records(records), "exact_score", task=Task.INTERPRETATION)
    low, high = proportion_confint(points * 15, 30, method="wilson")
    assert (score.low, score.high) == pytest.approx((2 * low, 2 * high))


def test_every_class_is_scored_over_parsed_answers_too() -> None:
    """Accuracy of the fakes by the paper's rule, and beside it over the parsed ones."""
    records = [
        make_record(f"{i}.png", outcome)
        for i, outcome in enumerate([Outcome.CORRECT, Outcome.UNPARSED, Outcome.INCORRECT])
    ]
    scores = score_records(records)
    assert find(scores, "accuracy", "label=fake").value == 1 / 3
    assert find(scores, "accuracy_parsed", "label=fake").value == 1 / 2


def test_two_judges_never_share_a_figure() -> None:
    """Marks of two judges over one task are averaged apart, each under its judge's name."""
    full_rating = Rating(completeness=2, preciseness=2, relevance=2, reason="")
    records = []
    for name, rating in (
        ("one@here", full_rating),
        ("two@there", replace(full_rating, relevance=0)),
    ):
        record = make_record(f"{name}.png", Outcome.CORRECT, task=Task.ANALYSIS, score=rating.mean)
        verdict = replace(record.verdict, judge=name, ratings=(rating,))
        records.append(replace(record, verdict=verdict))
    scores = [score for score in score_records(records) if score.subgroup == "all"]
    judged = {score.judge: score.value for score in scores if score.metric == "judged_score"}
    assert judged == {"one@here": 2.0, "two@there": pytest.approx(4 / 3)}
    assert {score.judge for score in scores if score.metric == "accuracy"} == {
        "one@here",
        "two@there",
    }


def test_the_fields_are_the_published_ones() -> None:
    """A score is metric, task, slice, value, low, high, n and judge, in JSON as in Python."""
    for score in score_records(RECORDS):
        fields = list(msgspec.to_builtins(score))
        assert fields == ["metric", "task", "subgroup", "value", "low", "high", "n", "judge"]


@pytest.mark.parametrize("task", [Task.DETECTION, Task.REASONING])
def test_a_reply_without_a_label_is_not_parsed_though_none_is_known(task: str) -> None:
    """What a reply asserts does not depend on whether it can be scored."""
    records = []
    for name, label in (("a", "fake"), ("b", "unparsed"), ("c", "refused"), ("d", None)):
        record = make_record(f"{name}.png", Outcome.UNSCORED, task=task)
        case, verdict = replace(record.case, label=None), replace(record.verdict, label=label)
        records.append(replace(record, case=case, verdict=verdict))
    scores = score_records(records)
    assert find(scores, "parsed_rate", task=task).value == 0.25
    assert find(scores, "unscored_rate", task=task).value == 1.0
    texts = score_records([make_record("a.png", Outcome.UNSCORED, task=Task.ANALYSIS)])
    assert find(texts, "parsed_rate", task=Task.ANALYSIS).value == 1.0
