"""Two runs side by side: what rose, what fell, which cases turned."""

from dataclasses import replace
from pathlib import Path

import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.runs.case_changes import ChangeKind
from fakebench_suite.runs.last import point_last
from fakebench_suite.types import Outcome, Rating, Record, Task
from fakebench_suite.workflows.compare import compare_runs
from tests.factories import make_perturbed, make_record, make_records, write_run
from tests.helpers import call
from tests.metrics.test_claims import babble_all, explain_perfectly, make_pairs
from tests.metrics.test_claims import make_record as make_claims
from tests.metrics.test_pointing import BOX
from tests.metrics.test_pointing import make_record as point_at

C, W = Outcome.CORRECT, Outcome.INCORRECT


def grade(record: Record, points: int) -> Record:
    """The record with one round of the same mark three times."""
    rating = Rating(completeness=points, preciseness=points, relevance=points, reason="so")
    verdict = replace(record.verdict, score=float(points), judge="judge", ratings=(rating,))
    return replace(record, verdict=verdict)


def test_figures_are_paired(tmp_path: Path) -> None:
    """Thirty right of forty, then twenty: ten broken, none fixed, exact McNemar by hand."""
    before = write_run(tmp_path / "before", make_records(*[C] * 30, *[W] * 10))
    after = write_run(tmp_path / "after", make_records(*[C] * 20, *[W] * 20))
    comparison = compare_runs(before, after)
    (shift,) = comparison.shifts
    assert (shift.task, shift.metric, shift.n) == (Task.DETECTION, "accuracy", 40)
    assert (shift.before, shift.after, shift.change) == (0.75, 0.5, -0.25)
    assert shift.low < -0.25 < shift.high < 0
    assert shift.p == pytest.approx(2 * 0.5**10)
    assert len(comparison.changed[ChangeKind.BROKEN]) == 10
    assert comparison.changed[ChangeKind.FIXED] == []
    assert len(comparison.changed[ChangeKind.SAME]) == 30
    assert comparison.settings == []


def test_marks_are_compared_where_both_have_them(tmp_path: Path) -> None:
    """Judged texts are compared from 0 to 2, and cases of one run only are named apart."""
    records = [make_record(f"{n}.png", Outcome.CORRECT, task=Task.INTERPRETATION) for n in range(6)]
    before = write_run(tmp_path / "before", [grade(record, 1) for record in records[:5]])
    after = write_run(tmp_path / "after", [grade(record, 2) for record in records[1:]])
    comparison = compare_runs(before, after)
    delta = next(shift for shift in comparison.shifts if shift.metric == "judged_score")
    assert (delta.before, delta.after, delta.n, delta.p) == (1.0, 2.0, 4, None)
    # Four images that change alike do not say that others would.
    assert (delta.change, delta.high) == (1.0, 2.0)
    assert delta.low < 0
    assert comparison.missing == ["0.png:what"]
    assert comparison.changed[ChangeKind.NEW] == ["5.png:what"]


def test_an_error_is_neither_broken_nor_fixed(tmp_path: Path) -> None:
    """It is no answer: such cases are counted apart, and so is what makes a run partial."""
    error = Outcome.MODEL_ERROR
    before = write_run(tmp_path / "before", make_records(C, C, error, W), partial=[])
    after = write_run(tmp_path / "after", make_records(C, error, C, W), partial=None)
    comparison = compare_runs(before, after)
    assert [shift.n for shift in comparison.shifts] == [2]
    assert comparison.changed[ChangeKind.BROKEN] == comparison.changed[ChangeKind.FIXED] == []
    assert comparison.changed[ChangeKind.CHANGED] == ["1.png:what", "2.png:what"]
    assert comparison.unknown == [
        "1 case of the earlier run ended in an error and is not compared",
        "the later run is partial (cut off): only cases of both runs are compared",
        "1 case of the later run ended in an error and is not compared",
    ]


def test_cases_that_could_not_be_scored_are_counted(tmp_path: Path) -> None:
    """They are in no change of accuracy, whatever they were before."""
    before = write_run(tmp_path / "before", make_records(C, C, W), partial=[])
    after = write_run(tmp_path / "after", make_records(C, Outcome.UNSCORED, C), partial=[])
    comparison = compare_runs(before, after)
    assert [shift.n for shift in comparison.shifts] == [2]
    assert comparison.unknown == ["1 case of the later run could not be scored and is not compared"]


def test_claims_are_compared(tmp_path: Path) -> None:
    """An explainer that learns what is wrong, and one that stops to say what is not there."""
    cases = make_pairs()
    silent, perfect, again, babbling = (
        write_run(tmp_path / name, [make_claims(case, explain(case)) for case in cases])
        for name, explain in (
            ("silent", lambda _: "It is fake."),
            ("perfect", explain_perfectly),
            ("again", explain_perfectly),
            ("babbling", babble_all),
        )
    )
    learned = {delta.metric: delta for delta in compare_runs(silent, perfect).shifts}
    for metric in ("claim_informedness", "claim_recall"):
        delta = learned[metric]
        assert (delta.task, delta.before, delta.after, delta.p) == (Task.REASONING, 0, 1, None)
        assert (delta.n, delta.change) == (40, 1)
        assert 0.5 < delta.low < delta.high <= 1.2
    assert learned["hallucinated_claim_rate"].change == 0
    assert learned["hallucinated_claim_rate"].low < 0 < learned["hallucinated_claim_rate"].high
    cured = {delta.metric: delta for delta in compare_runs(babbling, perfect).shifts}
    assert cured["hallucinated_claim_rate"].change == -1
    assert cured["hallucinated_claim_rate"].high < -0.8
    assert cured["claim_recall"].change == 0
    assert cured["claim_informedness"].change == 1
    same = {delta.metric: delta for delta in compare_runs(perfect, again).shifts}
    assert same["claim_informedness"].low < 0 < same["claim_informedness"].high


def test_replies_that_one_run_lacks_are_not_compared(tmp_path: Path) -> None:
    """A refusal is no claim that went away."""
    cases = make_pairs()
    perfect, refusing = (
        write_run(tmp_path / name, [make_claims(case, explain(case)) for case in cases])
        for name, explain in (
            ("perfect", explain_perfectly),
            ("refusing", lambda case: explain_perfectly(case) if case.regions else "I'm sorry."),
        )
    )
    deltas = {delta.metric: delta for delta in compare_runs(perfect, refusing).shifts}
    assert deltas["claim_recall"].change == 0
    assert "hallucinated_claim_rate" not in deltas


def test_overlaps_of_boxes_are_compared(tmp_path: Path) -> None:
    """Over the regions of both runs; points have none."""
    none, right, points = (
        write_run(tmp_path / name, [point_at(n, *boxes) for n in range(6)])
        for name, boxes in (("none", ()), ("right", (BOX,)), ("points", ((1.0, 1.0, 1.0, 1.0),)))
    )
    deltas = {delta.metric: delta for delta in compare_runs(none, right).shifts}
    assert (deltas["mean_iou"].before, deltas["mean_iou"].after) == (0, 1)
    assert (deltas["mean_iou"].n, deltas["mean_iou"].task) == (6, Task.POINTING)
    assert 0.2 < deltas["mean_iou"].low < 1
    assert "mean_iou" not in {delta.metric for delta in compare_runs(points, right).shifts}


def test_searches_are_in_no_accuracy(tmp_path: Path) -> None:
    """What a search shows is the reply to a flip: right where a wrong verdict was turned."""
    names = ("original", "search")
    before, after = (
        write_run(
            tmp_path / name,
            [make_perturbed(f"{n}.png", of, outcome if of == "search" else C)
             for of in names for n in range(6)],
        )
        for name, outcome in (("before", W), ("after", C))
    )  # fmt: skip
    comparison = compare_runs(before, after)
    (delta,) = comparison.shifts
    assert (delta.task, delta.n, delta.change) == (Task.ROBUSTNESS, 6, 0)
    assert comparison.changed[ChangeKind.FIXED] == []
    assert len(comparison.changed[ChangeKind.CHANGED]) == 6


def test_runs_over_other_data_are_not_compared(tmp_path: Path) -> None:
    """One sentence names both."""
    before = write_run(
        tmp_path / "before", [], dataset={"name": "old", "kind": "jsonl", "digest": "o"}
    )
    with pytest.raises(UserError, match="made over old, whose digest differs from that of d"):
        compare_runs(before, write_run(tmp_path / "after", []))


def test_a_run_is_not_compared_with_itself(tmp_path: Path) -> None:
    """Under whatever name: after a merge ``last`` is the merged run."""
    run = write_run(tmp_path / "run", make_records(C, W))
    point_last(run)
    for words in (("compare", "last", "run"), ("judge", "agreement", "run", "last")):
        result = call(*words, cwd=tmp_path)
        assert result.returncode == 2
        assert "would be compared with itself" in result.stderr


def test_judges_agree_on_the_texts_that_two_versions_of_a_data_set_share(tmp_path: Path) -> None:
    """Texts are paired by themselves, so that the data set may have grown between the runs."""
    texts = [
        make_record(f"{number}.png", C, task=Task.ANALYSIS, score=score)
        for number, score in enumerate([2.0, 1.0, 0.0])
    ]
    write_run(tmp_path / "first", texts[:2], dataset={"digest": "before"})
    write_run(tmp_path / "second", texts)
    result = call("judge", "agreement", "first", "second", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("2 texts graded by both")


def test_runs_without_a_common_case_are_not_compared(tmp_path: Path) -> None:
    """There is nothing to say of them."""
    before = write_run(tmp_path / "before", make_records(*[C] * 3))
    after = write_run(tmp_path / "after", [make_record("other.png", Outcome.CORRECT)])
    with pytest.raises(UserError, match="no case in common"):
        compare_runs(before, after)


def test_the_command_names_settings_figures_and_cases(tmp_path: Path) -> None:
    """What differs in the making first, then the table, then as many cases as asked for."""
    settings = {
        "model": {"name": "m", "weights_digest": "b", "card": {"path": "/here/m"}},
        "seed": 1,
    }
    write_run(tmp_path / "before", make_records(*[C] * 30, *[W] * 10), identity=None)
    write_run(tmp_path / "after", make_records(*[C] * 20, *[W] * 20), identity=None, **settings)
    result = call("compare", "before", "after", "--items=2", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[:3] == [
        "before: before",
        "after:  after",
        "differing settings: model.weights_digest, seed",
    ]
    assert "detection  accuracy   0.750  0.500  -0.250" in result.stdout
    index = lines.index("10 broken")
    assert lines[index + 1 : index + 4] == [
        "  20.png:what",
        "  21.png:what",
        "  and 8 more: write the report with --baseline",
    ]
    assert "0 fixed" in lines


def test_what_is_no_run_is_a_sentence(tmp_path: Path) -> None:
    """Status 2, no traceback."""
    write_run(tmp_path / "before", make_records(*[C] * 3, *[W] * 1))
    result = call("compare", "before", "nowhere", cwd=tmp_path)
    assert result.returncode == 2
    assert "nowhere is not a run directory" in result.stderr
    assert "Traceback" not in result.stderr
