"""Gates over claims, by criterion too, and over the strength at which forgeries are detected."""

from dataclasses import replace
from typing import Any

import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.gates.config import make_gate_config
from fakebench_suite.gates.evaluate import evaluate_gates
from fakebench_suite.gates.preconditions import RunIntent, check_gates
from fakebench_suite.gates.rules import Comparand, Threshold
from fakebench_suite.gates.run_view import RunView
from fakebench_suite.metrics.scores import score_records
from fakebench_suite.tasks.subgroups import count_cases
from fakebench_suite.types import Authenticity, Case, GateOutcome, Outcome, Record, Score, Task
from tests.factories import make_manifest, make_records
from tests.metrics.test_claims import explain_perfectly, make_pairs, make_record


def make_run(records: list[Record], scores: list[Score] | None = None) -> RunView:
    """A whole run of those records."""
    return RunView(
        manifest=make_manifest(partial=[], population=count_cases(r.case for r in records)),
        records=records,
        scores=score_records(records) if scores is None else scores,
    )


def explain(text: str | None = None) -> list[Record]:
    """Records of pairs that are explained perfectly, or by one text."""
    return [make_record(case, text or explain_perfectly(case)) for case in make_pairs()]


def make_gate(metric: str = "claim_informedness", **fields: Any) -> Threshold:
    """A gate over claims of reasoning."""
    return Threshold(name="g", task=Task.REASONING, metric=metric, **fields)


def test_gates_rule_at_the_extremes() -> None:
    """A perfect explainer passes, and one that finds nothing fails."""
    perfect, silent = make_run(explain()), make_run(explain("It is fake."))
    for metric in ("claim_informedness", "claim_recall", "claim_f1"):
        gate = make_gate(metric, at_least=0.5)
        for run, outcome in ((perfect, GateOutcome.PASS), (silent, GateOutcome.FAIL)):
            (result,) = evaluate_gates([gate], run)
            assert result.outcome is outcome, result.reason
    (result,) = evaluate_gates([make_gate(at_least=0.5)], silent)
    assert "over 40 cases" in result.reason


def test_a_criterion_is_a_subgroup_of_claims() -> None:
    """Its population are all cases, for the criterion is not one of cases."""
    gate = make_gate("claim_recall", subgroup="criterion=clarity", at_least=0.3)
    assert gate.population == "all"
    (result,) = evaluate_gates([gate], make_run(explain()))
    assert result.outcome is GateOutcome.PASS, result.reason
    check(gate, [record.case for record in explain()])


@pytest.mark.parametrize(
    ("metric", "subgroup", "message"),
    [
        ("claim_recall", "criterion=clarty", "nearest: criterion=clarity"),
        ("claim_recall", "generator=sd", "of all cases or of one criterion"),
        ("hallucinated_claim_rate", "criterion=edge", "hallucinated_claim_rate is a score of all"),
    ],
)
def test_other_subgroups_are_refused(metric: str, subgroup: str, message: str) -> None:
    """With what is allowed."""
    with pytest.raises(ValueError, match=message):
        make_gate(metric, subgroup=subgroup, at_least=0.5)


STRENGTH = Threshold(name="s", task=Task.DETECTION, metric="threshold_strength", at_most=0.5)


@pytest.mark.parametrize(
    ("value", "low", "high", "fields", "outcome"),
    [
        (None, None, None, {"at_most": 0.5}, GateOutcome.FAIL),
        (None, 0.3, None, {"at_most": 0.5}, GateOutcome.INCONCLUSIVE),
        (None, None, None, {"at_most": None, "at_least": 0.5}, GateOutcome.PASS),
        (0.4, 0.3, None, {"at_most": 0.5}, GateOutcome.INCONCLUSIVE),
        (0.8, 0.6, None, {"at_most": 0.5}, GateOutcome.FAIL),
        (0.8, 0.6, None, {"at_most": None, "at_least": 0.5}, GateOutcome.PASS),
        (0.3, 0.2, 0.4, {"at_most": 0.5}, GateOutcome.PASS),
        (0.4, None, None, {"at_most": 0.5}, GateOutcome.INCONCLUSIVE),
        (None, 0.3, None, {"at_most": 0.5, "compare": Comparand.VALUE}, GateOutcome.FAIL),
    ],
)
def test_a_strength_that_is_not_reached_is_above_any_bound(
    value: float | None,
    low: float | None,
    high: float | None,
    fields: dict[str, Any],
    outcome: GateOutcome,
) -> None:
    """It is a result, and so is an interval that ends beyond the strengths shown."""
    score = Score(
        metric="threshold_strength", task=Task.DETECTION, subgroup="all", value=value, low=low,
        high=high, n=9,
    )  # fmt: skip
    run = make_run(make_records(*[Outcome.CORRECT] * 9), [score])
    gate = Threshold(
        name="s", task=Task.DETECTION, metric="threshold_strength", **fields
    )  # fmt: skip
    (result,) = evaluate_gates([gate], run)
    assert result.outcome is outcome, result.reason
    assert (result.value, result.low, result.high) == (value, low, high)
    assert ("threshold_strength is not reached" in result.reason) is (value is None)
    assert "inf" not in result.reason


def check(gate: Threshold, cases: list[Case], *, named: bool = True) -> None:
    """Check a gate of a file before a run over all of these cases."""
    population = count_cases(cases)
    intent = RunIntent(
        data="mine", population=population, drawn=population, sample=None,
        selected={task: counts["all"] for task, counts in population.items()}, baseline=False,
        timed=False, met=(), shard=False, cases=cases,
    )  # fmt: skip
    check_gates(make_gate_config("g.toml", (gate,), named=named, absent=""), intent)


def test_what_the_data_do_not_know_is_refused_beforehand() -> None:
    """A score that no model can have, with the reason, where the user named the gates."""
    cases = make_pairs()
    detection = [record.case for record in make_records(Outcome.CORRECT)]
    real = [case for case in cases if not case.regions]
    blank = [replace(case, regions=(), expected=None, intact_criteria=()) for case in cases]
    fake = [case for case in blank if case.label is Authenticity.FAKE]
    for gate, known, message in (
        (STRENGTH, detection, "no forgery is shown at several strengths"),
        (make_gate(at_least=0.5), real, "no criterion is known to be violated in one fake image"),
        (make_gate("claim_recall", at_least=0.5), fake, "of no image it is known what is wrong"),
        (make_gate("hallucinated_claim_rate", at_most=0.5), fake, "no image is known to be real"),
        (make_gate("claim_deletion_rate", at_least=0.5), fake, "no forged image has an untouched"),
    ):
        with pytest.raises(UserError, match=message):
            check(gate, known)
        check(gate, known, named=False)
    for metric in ("claim_informedness", "claim_recall", "claim_place_accuracy", "claim_f1"):
        check(make_gate(metric, at_least=0.5), cases)


def test_gates_of_every_run_are_not_evaluated_there() -> None:
    """One file serves many data sets."""
    run = make_run(make_records(*[Outcome.CORRECT] * 9))
    (result,) = evaluate_gates([STRENGTH], run, strict=False)
    assert result.outcome is GateOutcome.NOT_EVALUATED
    assert "several strengths" in result.reason
