"""Gates pass, fail, or say what would settle the matter."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from fakebench_suite.gates.evaluate import evaluate_gates
from fakebench_suite.gates.rules import Comparand, Errors, Gate, Latency, Regression, Threshold
from fakebench_suite.gates.run_view import RunView
from fakebench_suite.metrics.scores import score_records
from fakebench_suite.types import GateOutcome, GateResult, Outcome, Rating, Record, Task
from tests.factories import make_manifest, make_record

MANIFEST: dict[str, object] = {
    "partial": [],
    "population": None,
    "hardware": {"machine": "m", "cpus": 2},
}
FLOOR = Threshold(name="floor", task=Task.DETECTION, metric="accuracy", at_least=0.5)


def make_run(records: list[Record], **manifest: object) -> RunView:
    """A run of those records, whose scores are not computed yet."""
    return RunView(manifest=make_manifest(**MANIFEST | manifest), records=records)


def detect(hits: int, n: int, *, errors: int = 0) -> list[Record]:
    """Detection records, one an image: ``hits`` of ``n`` right, and some errors more."""
    outcomes = [Outcome.CORRECT] * hits + [Outcome.INCORRECT] * (n - hits)
    outcomes += [Outcome.MODEL_ERROR] * errors
    return [make_record(f"{i}.png", outcome, fake=i % 2 == 0) for i, outcome in enumerate(outcomes)]


def rule(gate: Gate, run: RunView, baseline: RunView | None = None) -> GateResult:
    """The decision of one gate; scores are computed where it looks at them."""
    if isinstance(gate, Threshold):
        run = replace(run, scores=score_records(run.records))
    (decision,) = evaluate_gates([gate], run, baseline)
    assert decision.gate == gate.name
    assert decision.reason.endswith(".")
    return decision


@pytest.mark.parametrize(
    ("hits", "ruling"),
    [(140, GateOutcome.PASS), (60, GateOutcome.FAIL), (105, GateOutcome.INCONCLUSIVE)],
)
def test_a_floor_is_held_against_the_interval(hits: int, ruling: GateOutcome) -> None:
    """Wholly above passes, wholly below fails, across the bar settles nothing."""
    decision = rule(FLOOR, make_run(detect(hits, 200)))
    assert decision.outcome is ruling
    assert (decision.value, decision.n) == (hits / 200, 200)
    assert (decision.needed is not None) is (ruling is GateOutcome.INCONCLUSIVE)


def test_what_would_settle_it_does() -> None:
    """At the sample an inconclusive gate names, the same share is conclusive."""
    decision = rule(FLOOR, make_run(detect(105, 200)))
    assert decision.needed is not None
    assert f"{decision.needed:,} cases" in decision.reason
    n = round(1.05 * decision.needed)
    assert rule(FLOOR, make_run(detect(round(0.525 * n), n))).outcome is GateOutcome.PASS


def test_a_negligible_gain_fails() -> None:
    """Where at best next to nothing is gained, more cases are not asked for."""
    gate = Threshold(name="f", task=Task.DETECTION, metric="accuracy", at_least=0.5, tolerance=0.05)
    assert rule(gate, make_run(detect(2000, 4000))).outcome is GateOutcome.FAIL
    assert rule(gate, make_run(detect(50, 100))).outcome is GateOutcome.INCONCLUSIVE


def test_a_ceiling_and_a_plain_value() -> None:
    """A rate above its ceiling fails; ``compare = "value"`` looks at no interval."""
    kind = {"name": "c", "task": Task.DETECTION, "metric": "accuracy"}
    ceiling = Threshold(**kind, at_most=0.2)  # type: ignore[arg-type]
    assert rule(ceiling, make_run(detect(150, 200))).outcome is GateOutcome.FAIL
    assert rule(ceiling, make_run(detect(2, 200))).outcome is GateOutcome.PASS
    plain_value = Threshold(**kind, at_least=0.5, compare=Comparand.VALUE)  # type: ignore[arg-type]
    assert rule(plain_value, make_run(detect(101, 200))).outcome is GateOutcome.PASS
    assert rule(plain_value, make_run(detect(99, 200))).outcome is GateOutcome.FAIL


@pytest.mark.parametrize(
    ("records", "manifest", "message"),
    [
        (detect(190, 200, errors=1), {}, "1 case ended in an error"),
        (detect(190, 200), {"partial": ["filtered"]}, "partial (filtered)"),
        (
            detect(190, 200),
            {"partial": ["sampled"], "sample": 200},
            "partial (sampled: 200 images)",
        ),
        (detect(9, 9), {}, "asks for 10"),
        ([], {}, "has no accuracy"),
    ],
)
def test_what_cannot_be_concluded_from_is_inconclusive(
    records: list[Record], manifest: dict[str, object], message: str
) -> None:
    """Errors in the population, partial runs and too few cases, whatever the figure."""
    gate = Threshold(name="f", task=Task.DETECTION, metric="accuracy", at_least=0.5, minimum=10)
    decision = rule(gate, make_run(records, **manifest))
    assert decision.outcome is GateOutcome.INCONCLUSIVE
    assert message in decision.reason


def test_a_constant_answer_cannot_be_told_over_images_of_one_kind() -> None:
    """The gates of the suite leave it open there; one that a user names is evaluated."""
    gate = Threshold(name="c", task=Task.DETECTION, metric="fake_rate", at_most=0.98)
    fakes = [make_record(f"{i}.png", Outcome.CORRECT, fake=True) for i in range(200)]
    (decision,) = evaluate_gates([gate], make_run(fakes), strict=False)
    assert decision.outcome is GateOutcome.NOT_EVALUATED
    assert decision.reason == "All images are fake, and it is about both kinds."
    (decision,) = evaluate_gates([gate], make_run(fakes), strict=True)
    assert decision.outcome is not GateOutcome.NOT_EVALUATED
    both = make_run(detect(150, 200))
    both = replace(both, scores=score_records(both.records))
    (decision,) = evaluate_gates([gate], both, strict=False)
    assert decision.outcome is GateOutcome.PASS


def test_a_gate_may_accept_a_sample() -> None:
    """A sample of at least the size it names, and nothing else that makes a run partial."""
    gate = Threshold(name="f", task=Task.DETECTION, metric="accuracy", at_least=0.5, sample=100)
    run = make_run(detect(190, 200), partial=["sampled"], sample=100)
    assert rule(gate, run).outcome is GateOutcome.PASS
    for manifest in (
        {"partial": ["sampled"], "sample": 99},
        {"partial": ["sampled", "interrupted"], "sample": 100},
    ):
        run = make_run(detect(190, 200), **manifest)
        assert rule(gate, run).outcome is GateOutcome.INCONCLUSIVE


def test_errors_are_a_gate_of_their_own() -> None:
    """None is allowed unless the gate says so; a partial run without errors settles nothing."""
    gate = Errors(name="errors")
    assert rule(gate, make_run(detect(5, 10))).outcome is GateOutcome.PASS
    assert rule(gate, make_run(detect(5, 10, errors=1))).outcome is GateOutcome.FAIL
    assert (
        rule(gate, make_run(detect(5, 10), partial=["filtered"])).outcome
        is GateOutcome.INCONCLUSIVE
    )
    lenient = Errors(name="errors", at_most=0.1)
    assert rule(lenient, make_run(detect(5, 10, errors=1))).outcome is GateOutcome.PASS


def grade(ratings: list[int], *, judge: str = "one@here") -> list[Record]:
    """Judged analysis records, one an image, all three marks alike."""
    records = []
    for number, points in enumerate(ratings):
        rating = Rating(completeness=points, preciseness=points, relevance=points, reason="")
        outcome = Outcome.CORRECT if points else Outcome.INCORRECT
        record = make_record(f"{number}.png", outcome, task=Task.ANALYSIS, score=float(points))
        verdict = replace(record.verdict, judge=judge, ratings=(rating,))
        records.append(replace(record, verdict=verdict))
    return records


def test_a_judge_that_failed_its_audit_gates_nothing() -> None:
    """Its scores are inconclusive; after a passed audit the same scores pass."""
    gate = Threshold(name="j", task=Task.ANALYSIS, metric="judged_score", at_least=1.0)
    records = grade([1, 2] * 50)
    for audit, ruling in (
        ({}, GateOutcome.INCONCLUSIVE),
        ({"calibration": {"passed": False}}, GateOutcome.INCONCLUSIVE),
        ({"calibration": {"passed": True}}, GateOutcome.PASS),
    ):
        run = make_run(records, judge={"text": "one@here"} | audit)
        assert rule(gate, run).outcome is ruling


REGRESSION = Regression(name="no worse", task=Task.DETECTION)


def change(hits: int, n: int, *, lost_count: int, won_count: int) -> tuple[RunView, RunView]:
    """A baseline with ``hits`` of ``n`` right, and a run that lost and won some of them."""
    before = [i < hits for i in range(n)]
    after = [*before]
    after[:lost_count] = [False] * lost_count
    after[n - won_count :] = [True] * won_count
    runs = [
        make_run(
            [
                make_record(f"{i}.png", Outcome.CORRECT if is_correct else Outcome.INCORRECT)
                for i, is_correct in enumerate(results)
            ]
        )
        for results in (before, after)
    ]
    return runs[0], runs[1]


@pytest.mark.parametrize(
    ("lost_count", "won_count", "ruling"),
    [
        (60, 5, GateOutcome.FAIL),
        (0, 0, GateOutcome.PASS),
        (5, 60, GateOutcome.PASS),
        (30, 25, GateOutcome.INCONCLUSIVE),
    ],
)
def test_a_run_is_held_against_its_baseline(
    lost_count: int, won_count: int, ruling: GateOutcome
) -> None:
    """A clear drop fails, none passes, and few changes on 600 cases settle nothing."""
    baseline, run = change(400, 600, lost_count=lost_count, won_count=won_count)
    decision = rule(REGRESSION, run, baseline)
    assert decision.outcome is ruling
    assert decision.value == pytest.approx((lost_count - won_count) / 600)
    assert decision.p is not None


def test_without_a_baseline_nothing_is_compared() -> None:
    """The gate says so, and so does one whose runs share no case."""
    run = make_run(detect(10, 20))
    assert "No --baseline" in rule(REGRESSION, run).reason
    disjoint = make_run([make_record(f"x{i}.png", Outcome.CORRECT) for i in range(5)])
    assert "no scored detection case in common" in rule(REGRESSION, run, disjoint).reason


def test_several_tests_are_corrected_together() -> None:
    """Of three equal gates each p-value is Holm's: three times the single one."""
    baseline, run = change(400, 600, lost_count=60, won_count=30)
    p_value = rule(REGRESSION, run, baseline).p
    gates = [Regression(name=f"g{n}", task=Task.DETECTION) for n in range(3)]
    assert p_value is not None
    assert [decision.p for decision in evaluate_gates(gates, run, baseline)] == pytest.approx(
        [3 * p_value] * 3
    )


def test_judged_scores_are_compared_by_bootstrap() -> None:
    """A fall of all marks fails; another judge in the baseline settles nothing."""
    gate = Regression(name="j", task=Task.ANALYSIS, metric="judged_score")
    judge = {"text": "one@here", "calibration": {"passed": True}}
    before = make_run(grade([2] * 80 + [1] * 20), judge=judge)
    after = make_run(grade([1] * 80 + [0] * 20), judge=judge)
    decision = rule(gate, after, before)
    assert (decision.outcome, decision.value) == (GateOutcome.FAIL, 0.5)
    assert "judged score, as a share of 2, fell by 0.500" in decision.reason
    assert (
        rule(gate, before, before).outcome is GateOutcome.INCONCLUSIVE
    )  # 100 texts rule out 0.03 only
    other_judge = make_run(grade([2] * 100), judge=judge | {"text": "two@there"})
    assert "judges differ" in rule(gate, after, other_judge).reason


def time_run(seconds: float, *, spread: float = 0.1, **manifest: object) -> RunView:
    """A run of 200 cases that took about that many seconds each."""
    rng = np.random.default_rng(round(100 * seconds))
    records = []
    for record in detect(100, 200):
        assert record.answer is not None
        duration = seconds * float(rng.uniform(1 - spread, 1 + spread))
        records.append(replace(record, answer=replace(record.answer, seconds=duration)))
    return make_run(records, **manifest)


def test_latency_is_a_ratio_to_the_baseline() -> None:
    """Twice as slow fails, as fast passes, noise across the bar and other machines do neither."""
    gate = Latency(name="speed", at_most=1.2)
    baseline = time_run(0.5)
    assert rule(gate, time_run(1.0), baseline).outcome is GateOutcome.FAIL
    assert rule(gate, time_run(0.51), baseline).outcome is GateOutcome.PASS
    assert rule(gate, time_run(0.6, spread=0.9), baseline).outcome is GateOutcome.INCONCLUSIVE
    candidate = time_run(0.51, hardware={"machine": "other"})
    assert "other machines" in rule(gate, candidate, baseline).reason
    spread = {"name": "ray", "replicas": 2, "nodes": {"one": 2}, "lost": 0}
    other_spread = spread | {"nodes": {"two": 2}}
    on_vllm = spread | {"replica_engine": "vllm"}
    for engine, baseline_engine in (
        ({"name": "local"}, spread),
        (spread, other_spread),
        (on_vllm, spread),
    ):
        candidate, before = time_run(0.51, engine=engine), time_run(0.5, engine=baseline_engine)
        assert "other machines" in rule(gate, candidate, before).reason
    pair = time_run(0.51, engine=spread), time_run(0.5, engine=spread | {"lost": 1})
    assert rule(gate, *pair).outcome is GateOutcome.PASS
    assert "No --baseline" in rule(gate, candidate).reason


def test_latency_is_resampled_by_batch() -> None:
    """Cases that shared a batch are one observation, and equal times are the ratio 1."""
    gate = Latency(name="speed", at_most=1.2)
    one_batch = [
        replace(record, answer=replace(record.answer, seconds=0.5))
        for record in detect(100, 200)
        if record.answer
    ]
    decision = rule(gate, make_run(one_batch), time_run(0.5))
    assert decision.outcome is GateOutcome.INCONCLUSIVE
    assert "in one batch" in decision.reason
    run = time_run(0.5)
    unchanged = rule(gate, run, run)
    assert (unchanged.outcome, unchanged.low, unchanged.high) == (GateOutcome.PASS, 1.0, 1.0)


@pytest.fixture(scope="module")
def timed() -> RunView:
    """A run that is compared with others."""
    return time_run(0.5)


PAIRED = pytest.mark.parametrize(
    "kind", [Regression(name="g", task=Task.DETECTION), Latency(name="g", at_most=9.0)]
)


@PAIRED
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"partial": ["sampled"]}, "partial"),
        ({"judge": {"text": None, "label": "paper"}}, "another reply parser"),
        ({"prompts": {"digest": "other"}}, "has different prompts"),
        ({"protocol": 7}, "protocol 7"),
    ],
)
def test_a_baseline_made_otherwise_settles_nothing(
    timed: RunView, kind: Gate, changes: dict[str, object], message: str
) -> None:
    """Whether a part is missing, or replies were asked for or read in another way."""
    decision = rule(kind, timed, make_run(list(timed.records), **changes))
    assert decision.outcome is GateOutcome.INCONCLUSIVE
    assert message in decision.reason


@PAIRED
def test_a_baseline_that_was_cut_off_or_has_errors_settles_nothing(
    timed: RunView, kind: Gate
) -> None:
    """A whole one without errors does."""
    assert rule(kind, timed, timed).outcome is GateOutcome.PASS
    broken = make_run([*timed.records, *detect(0, 201, errors=1)[201:]])
    assert "of the baseline ended in an error" in rule(kind, timed, broken).reason
    cut = make_run(list(timed.records), partial=None)
    assert "cut off" in rule(kind, timed, cut).reason


@pytest.mark.parametrize(
    ("judge", "ruling"),
    [
        ({"text": "transformers:/elsewhere", "rounds": 5, "digest": "a"}, GateOutcome.PASS),
        ({"text": "transformers:/here", "rounds": 5, "digest": "b"}, GateOutcome.INCONCLUSIVE),
        ({"text": "m@http://other/v1", "rounds": 5}, GateOutcome.INCONCLUSIVE),
        ({"text": "transformers:/here", "rounds": 3, "digest": "a"}, GateOutcome.INCONCLUSIVE),
    ],
)
def test_marks_of_another_judge_settle_nothing(
    judge: dict[str, object], ruling: GateOutcome
) -> None:
    """A local judge is the same wherever it lies; what detection says depends on no judge."""
    rating = Rating(completeness=1, preciseness=1, relevance=1, reason="so")
    records = [
        make_record(f"{n}.png", Outcome.CORRECT, task=Task.INTERPRETATION, score=1.0)
        for n in range(300)
    ]
    records = [replace(r, verdict=replace(r.verdict, ratings=(rating,))) for r in records]
    run_judge = {"text": "transformers:/here", "label": "grammar", "rounds": 5, "digest": "a"}
    run = make_run(
        [*records, *detect(150, 300)], judge=run_judge | {"calibration": {"passed": True}}
    )
    baseline = make_run(list(run.records), judge=judge | {"label": "grammar"})
    gate = Regression(name="g", task=Task.INTERPRETATION, metric="judged_score")
    assert rule(gate, run, baseline).outcome is ruling
    assert (
        rule(Regression(name="g", task=Task.DETECTION), run, baseline).outcome is GateOutcome.PASS
    )


def test_one_changed_image_bounds_a_drop_exactly() -> None:
    """One of 150 turned worse: up to 4.74 of 150 may (Clopper-Pearson, one-sided 95 %)."""
    gate = Regression(name="g", task=Task.DETECTION)
    decision = rule(gate, make_run(detect(99, 150)), make_run(detect(100, 150)))
    assert decision.high == pytest.approx(4.74 / 150, abs=0.0005)


def test_marks_of_few_images_are_not_resampled() -> None:
    """Twenty-nine images are too few for a bootstrap of marks."""
    rating = Rating(completeness=1, preciseness=1, relevance=1, reason="so")
    records = [
        make_record(f"{n}.png", Outcome.CORRECT, task=Task.INTERPRETATION, score=1.0)
        for n in range(29)
    ]
    records = [replace(r, verdict=replace(r.verdict, ratings=(rating,))) for r in records]
    gate = Regression(name="g", task=Task.INTERPRETATION, metric="judged_score")
    decision = rule(gate, make_run(records), make_run(records))
    assert decision.outcome is GateOutcome.INCONCLUSIVE
    assert "too few for a bootstrap" in decision.reason


def test_a_figure_at_its_bound_is_within_it() -> None:
    """Although 0.9 - 0.85 is a hair more than 0.05, and the mean of 0.02 and 0.12 is less."""
    outcomes = [Outcome.CORRECT] * 18 + [Outcome.INCORRECT] * 2
    reals = [Outcome.CORRECT] * 17 + [Outcome.INCORRECT] * 3
    records = [make_record(f"f{n}.png", outcome) for n, outcome in enumerate(outcomes)]
    records += [make_record(f"r{n}.png", outcome, fake=False) for n, outcome in enumerate(reals)]
    gate = Threshold(
        name="g", task=Task.DETECTION, metric="fake_real_gap", compare=Comparand.VALUE, at_most=0.05
    )
    decision = rule(gate, make_run(records))
    assert decision.value is not None
    assert decision.value > 0.05
    assert decision.outcome is GateOutcome.PASS
    assert rule(replace_bound(gate, at_most=0.0499), make_run(records)).outcome is GateOutcome.FAIL
    few = [
        make_record(f"{side}{n}.png", Outcome.CORRECT if n < hits else Outcome.INCORRECT, fake=side)
        for side, hits in ((True, 2), (False, 12))
        for n in range(100)
    ]
    gate = replace_bound(gate, metric="balanced_accuracy", at_most=None, at_least=0.07)
    decision = rule(gate, make_run(few))
    assert decision.value is not None
    assert decision.value < 0.07
    assert decision.outcome is GateOutcome.PASS


def replace_bound(gate: Threshold, **changes: object) -> Threshold:
    """The gate with other fields."""
    return msgspec.structs.replace(gate, **changes)


def test_no_drop_is_larger_than_all_cases() -> None:
    """Ten cases of one image turned worse, and the one of another did not."""
    before, after = (
        [
            *(make_record("a.png", outcome, suffix=f"{n}") for n in range(10)),
            make_record("b.png", Outcome.CORRECT),
        ]
        for outcome in (Outcome.CORRECT, Outcome.INCORRECT)
    )
    decision = rule(REGRESSION, make_run(after), make_run(before))
    assert decision.value == pytest.approx(10 / 11)
    assert decision.low is not None
    assert (decision.low >= -1, decision.high) == (True, 1.0)
    alone = rule(REGRESSION, make_run(after[:10]), make_run(before[:10]))
    assert (alone.value, alone.high) == (1.0, 1.0)


@pytest.mark.parametrize("side", ["run", "baseline"])
@pytest.mark.parametrize(
    ("given_again", "taken", "message"),
    [("first", 0, "200 answers"), (None, 3, "3 answers"), (None, 1, "1 answer")],
)
def test_seconds_of_another_run_settle_nothing(
    side: str, given_again: str | None, taken: int, message: str
) -> None:
    """Answers that were taken over, by --reuse or --answers, took no time now."""
    run = time_run(0.5)
    records = [replace(r, reused=n < taken) for n, r in enumerate(run.records)]
    other = make_run(records, answers=given_again)
    pair = (other, run) if side == "run" else (run, other)
    gate = Latency(name="speed", at_most=1.2)
    assert rule(gate, run, run).outcome is GateOutcome.PASS
    decision = rule(gate, *pair)
    assert decision.outcome is GateOutcome.INCONCLUSIVE
    of = " of the baseline" if side == "baseline" else ""
    be = "is" if taken == 1 else "are"
    assert f"{message}{of} {be} of another run, and so are their seconds" in decision.reason
    assert "without --reuse or --answers" in decision.reason


def test_cases_that_could_not_be_scored_settle_nothing() -> None:
    """They could pass or miss; gates on what all replies have rule nevertheless."""
    records = [
        *detect(140, 200),
        *(make_record(f"u{n}.png", Outcome.UNSCORED) for n in range(30)),
    ]
    run = make_run(records)
    decision = rule(FLOOR, run)
    assert decision.outcome is GateOutcome.INCONCLUSIVE
    assert "30 cases could not be scored" in decision.reason
    assert "--reading=grammar" in decision.reason
    unread = Threshold(
        name="g", task=Task.DETECTION, metric="parsed_rate", compare=Comparand.VALUE, at_least=0.95
    )
    assert rule(unread, run).outcome is GateOutcome.FAIL
    constant = Threshold(name="c", task=Task.DETECTION, metric="fake_rate", at_most=0.98)
    assert rule(constant, run).outcome is GateOutcome.PASS
    parsed = Threshold(name="p", task=Task.DETECTION, metric="accuracy_parsed", at_least=0.5)
    assert rule(parsed, run).outcome is GateOutcome.INCONCLUSIVE
    assert "could not be scored" in rule(REGRESSION, run, run).reason
    whole = make_run(records[:200])
    assert "30 cases of the baseline could not be scored" in rule(REGRESSION, whole, run).reason
    unlabelled = [replace(r, case=replace(r.case, label=None)) for r in records[200:]]
    assert rule(FLOOR, make_run([*records[:200], *unlabelled])).outcome is GateOutcome.PASS
    assert rule(Errors(name="e", at_most=0.0), run).outcome is GateOutcome.PASS


def test_a_figure_beside_its_bound_does_not_look_like_it() -> None:
    """4,999 of 10,000 are 0.500 in three digits, and fail a floor of 0.5."""
    gate = replace_bound(FLOOR, compare=Comparand.VALUE)
    decision = rule(gate, make_run(detect(4999, 10_000)))
    assert decision.outcome is GateOutcome.FAIL
    assert "accuracy is 0.4999 over 10,000 cases; required: at least 0.5" in decision.reason
    assert "accuracy is 0.500 over 10 cases" in rule(gate, make_run(detect(5, 10))).reason


def test_a_figure_just_below_zero_does_not_look_like_it() -> None:
    """It has no sign where three digits leave nothing of it, as zero has none."""
    records = [
        make_record(f"{fake}{n}.png", Outcome.CORRECT if n < hits else Outcome.INCORRECT, fake=fake)
        for fake, hits in ((True, 1249), (False, 1250))
        for n in range(2500)
    ]
    gate = Threshold(
        name="g", task=Task.DETECTION, metric="fake_real_gap", compare=Comparand.VALUE, at_least=0
    )
    assert "fake_real_gap is -0.0004 over" in rule(gate, make_run(records)).reason


def test_a_change_beside_its_margin_does_not_look_like_it() -> None:
    """A fall by 102 of 5,000 cases is more than one by 0.02."""
    before, after = make_run(detect(5000, 5000)), make_run(detect(4898, 5000))
    assert "fell by 0.0204 [" in rule(REGRESSION, after, before).reason
