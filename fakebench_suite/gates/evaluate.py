"""Evaluate the gates of a run: pass, fail, or inconclusive with the number of cases needed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from fakebench_suite.gates.benchmark_latency import evaluate_benchmark_latency
from fakebench_suite.gates.case_latency import evaluate_case_latency
from fakebench_suite.gates.inconclusive import baseline_mismatch, inconclusive, reason_inconclusive
from fakebench_suite.gates.paired_tests import (
    PairedDifferences,
    case_values,
    drop_interval,
    mcnemar,
    pair_by_image,
)
from fakebench_suite.gates.rules import (
    Comparand,
    Errors,
    Gate,
    Latency,
    Regression,
    Robustness,
    Threshold,
)
from fakebench_suite.gates.run_view import RunView
from fakebench_suite.metrics.names import METRICS
from fakebench_suite.metrics.required_annotations import describe_unknown
from fakebench_suite.runs.manifest import ManifestJudge
from fakebench_suite.tasks.registry import get_task
from fakebench_suite.tasks.robustness import IDENTITY, ORIGINAL
from fakebench_suite.tasks.subgroups import ALL
from fakebench_suite.text.display import count_of
from fakebench_suite.types import GateOutcome, GateResult, Score

_ROUNDING = 1e-9
"""Figures closer to a bound than this are at it: 0.9 - 0.85 is a hair more than 0.05."""
_MOST_DIGITS = 9
MIN_JUDGED_IMAGES = 30
"""Images below which a bootstrap of ratings is overconfident; tests/gates simulate it."""

_WORST_FIRST = (GateOutcome.FAIL, GateOutcome.INCONCLUSIVE, GateOutcome.PASS)


def evaluate_gates(
    gates: Sequence[Gate],
    run: RunView,
    baseline: RunView | None = None,
    *,
    strict: bool = True,
) -> list[GateResult]:
    """One result per gate, in order; the p-values of all tests are adjusted together (Holm).

    With ``strict``, a gate whose population is incomplete is inconclusive, otherwise it is not
    evaluated.
    """
    tests = {
        gate.name: pairs
        for gate in gates
        if isinstance(gate, Regression)
        and baseline is not None
        and (pairs := _pair_cases(gate, run, baseline)).n > 0
    }
    p_values = {
        gate.name: _p_value(gate, tests[gate.name])
        for gate in gates
        if isinstance(gate, Regression) and gate.name in tests
    }
    adjusted = _adjust_p_values(p_values)
    results = []
    for gate in gates:
        match gate:
            case Threshold():
                results.append(_evaluate_threshold(gate, run))
            case Robustness():
                results.append(_evaluate_robustness(gate, run))
            case Errors():
                results.append(_evaluate_errors(gate, run))
            case Latency(benchmark=None):
                results.append(evaluate_case_latency(gate, run, baseline))
            case Latency():
                results.append(evaluate_benchmark_latency(gate, run, baseline))
            case Regression():
                results.append(
                    _evaluate_regression(gate, run, baseline, tests.get(gate.name), adjusted)
                )
    if strict:
        return results
    return [
        _mark_not_evaluated(gate, result, run) for gate, result in zip(gates, results, strict=True)
    ]


def _mark_not_evaluated(gate: Gate, result: GateResult, run: RunView) -> GateResult:
    """The result, or "not evaluated" where cases were not asked or the data have one class only.

    If all images are fake, a perfect model and one that always says "fake" answer alike, so that
    neither chance nor a constant answer can be told.
    """
    subgroup = gate.population if isinstance(gate, Threshold | Robustness) else ALL
    task = None if isinstance(gate, Latency) and gate.benchmark else gate.task
    tasks = run.list_tasks(task, sample=gate.sample)
    missing = run.missing_cases(tasks, subgroup, sample=gate.sample)
    if missing is not None:
        if result.outcome is not GateOutcome.INCONCLUSIVE:
            return result
        return _leave_out(gate, missing.phrase)
    if isinstance(gate, Threshold) and gate.metric in _OF_BOTH_CLASSES and subgroup == ALL:
        labels = {record.case.label for record in run.select(tasks)} - {None}
        if len(labels) == 1:
            return _leave_out(gate, f"all images are {labels.pop()}, and it is about both kinds")
    if isinstance(gate, Threshold) and result.outcome is GateOutcome.INCONCLUSIVE:
        unknown = describe_unknown(gate.metric, [record.case for record in run.select(tasks)])
        if unknown is not None:
            return _leave_out(gate, unknown)
    return result


def _leave_out(gate: Gate, reason: str) -> GateResult:
    reason = f"{reason[0].upper()}{reason[1:]}."
    return GateResult(gate=gate.name, outcome=GateOutcome.NOT_EVALUATED, reason=reason)


_OF_BOTH_CLASSES = frozenset(
    {"balanced_accuracy", "fake_rate", "fake_real_gap", "matthews_corrcoef", "f1_score"}
)
"""Metrics that need fake and real images to say something of a model."""


def _adjust_p_values(p_values: Mapping[str, float]) -> Mapping[str, float]:
    """The p-values by gate, after Holm's correction."""
    if not p_values:
        return {}
    from statsmodels.stats.multitest import multipletests  # as slow to import as pandas

    return dict(
        zip(p_values, multipletests(list(p_values.values()), method="holm")[1], strict=True)
    )


def _evaluate_threshold(gate: Threshold, run: RunView) -> GateResult:
    score = next(
        (
            other
            for other in run.scores
            if (other.task, other.metric, other.subgroup) == (gate.task, gate.metric, gate.subgroup)
        ),
        None,
    )
    is_reached = score is not None and score.value is not None
    if score is None or not (is_reached or (METRICS[gate.metric].open_ended and score.n)):
        missing = run.missing_cases([gate.task], gate.population, sample=gate.sample)
        absent = f"the run has no {gate.metric} for {gate.task}, {gate.subgroup}"
        return inconclusive(gate, missing.clause if missing else absent)
    result = _compare_with_bounds(gate, score)
    reason = reason_inconclusive(gate, run, score.n, [gate.task], gate.population)
    reason = reason or run.untrusted_judge_reason(score.judge)
    return inconclusive(gate, reason, result) if reason else result


def _evaluate_robustness(gate: Robustness, run: RunView) -> GateResult:
    """The worse result of its bounds, with the reasons of all.

    The comparison is with ``original`` and ``identity``, which have to be whole as well.
    """
    results = [_evaluate_threshold(threshold, run) for threshold in gate.list_thresholds()]
    worst = min(results, key=lambda result: _WORST_FIRST.index(result.outcome))
    result = replace(worst, reason=" ".join(result.reason for result in results))
    if result.outcome is GateOutcome.INCONCLUSIVE:
        return result
    for name in (ORIGINAL, IDENTITY):
        subgroup = f"perturbation={name}"
        count = len(run.select([gate.task], subgroup))
        reason = reason_inconclusive(gate, run, count, [gate.task], subgroup)
        if reason:
            return inconclusive(gate, f"of {name}, {reason}", result)
    return result


def _find_interval(gate: Threshold, score: Score) -> tuple[float, float | None, float | None]:
    """The value and the ends of the interval; infinite where an open-ended score is not reached."""
    value = math.inf if score.value is None else score.value
    low, high = (value, value) if gate.compare is Comparand.VALUE else (score.low, score.high)
    if METRICS[gate.metric].open_ended and (math.isinf(value) or low is not None):
        return value, value if low is None else low, math.inf if high is None else high
    return value, low, high


def _format_figure(figure: float, *bounds: float | None) -> str:
    """Three digits, or as many as tell the figure from a bound that it is not at."""
    if not math.isfinite(figure):
        return "not reached"
    digits = 3
    while digits < _MOST_DIGITS and any(
        abs(figure - bound) > _ROUNDING and f"{figure:z.{digits}f}" == f"{bound:z.{digits}f}"
        for bound in bounds
        if bound is not None
    ):
        digits += 1
    return f"{figure:z.{digits}f}"


def _compare_with_bounds(gate: Threshold, score: Score) -> GateResult:
    value, low, high = _find_interval(gate, score)
    result = GateResult(
        gate=gate.name, outcome=GateOutcome.PASS, reason="", value=score.value, low=score.low,
        high=score.high, n=score.n,
    )  # fmt: skip
    if low is None or high is None:
        return inconclusive(gate, f'{gate.metric} has no interval; say compare = "value"', result)
    has_interval = gate.compare is not Comparand.VALUE and math.isfinite(low)
    shown, floor, ceiling = (
        _format_figure(figure, gate.at_least, gate.at_most) for figure in (value, low, high)
    )
    ends = f" [{floor}, {ceiling}]" if has_interval else ""
    cases = count_of(score.n, "case")
    measured = f"{gate.metric} is {shown}{ends} over {cases}"
    outcomes: list[tuple[GateOutcome, str, int | None]] = []
    for bound, side, gap in (
        (gate.at_least, "at least", low - (gate.at_least or 0)),
        (gate.at_most, "at most", (gate.at_most or 0) - high),
    ):
        if bound is None:
            continue
        # How far the interval extends beyond the bound.
        best = high - bound if side == "at least" else bound - low
        if gap >= -_ROUNDING:
            outcomes.append((GateOutcome.PASS, f"{measured}: {side} {bound:g}.", None))
        elif best < gate.tolerance or best <= _ROUNDING:
            outcomes.append((GateOutcome.FAIL, f"{measured}; required: {side} {bound:g}.", None))
        else:
            needed = _cases_needed(gate, value, bound, side, low, high, score.n)
            more = f"; about {needed:,} cases are needed" if needed else ""
            reason_text = f"{measured}; the interval contains the bound, {side} {bound:g}{more}."
            outcomes.append((GateOutcome.INCONCLUSIVE, reason_text, needed))
    outcome, reason, needed = min(outcomes, key=lambda entry: _WORST_FIRST.index(entry[0]))
    return replace(result, outcome=outcome, reason=reason, needed=needed)


def _cases_needed(
    gate: Threshold, value: float, bound: float, side: str, low: float, high: float, n: int
) -> int | None:
    """Cases at which the interval, which shrinks with their root, would exclude the bound."""
    if not (math.isfinite(value) and math.isfinite(low) and math.isfinite(high)):
        return None
    above = value - bound if side == "at least" else bound - value
    towards = value - low if side == "at least" else high - value
    away = high - value if side == "at least" else value - low
    sizes = []
    if above > _ROUNDING:
        sizes.append(n * (towards / above) ** 2)
    if gate.tolerance > above + _ROUNDING:
        sizes.append(n * (away / (gate.tolerance - above)) ** 2)
    return math.ceil(min(sizes)) if sizes else None


def _evaluate_errors(gate: Errors, run: RunView) -> GateResult:
    tasks = run.list_tasks(gate.task, sample=gate.sample)
    errors, n = run.count_errors(tasks), len(run.select(tasks))
    share = errors / n if n else 0.0
    within = share <= gate.at_most
    result = GateResult(
        gate=gate.name,
        outcome=GateOutcome.PASS if within else GateOutcome.FAIL,
        reason=f"{errors:,} of {count_of(n, 'case')} ended in an error; "
        f"allowed: at most {gate.at_most:.2%}.",
        value=share,
        n=n,
    )
    reason = reason_inconclusive(gate, run, n, tasks)
    return inconclusive(gate, reason, result) if within and reason else result


def _pair_cases(gate: Regression, run: RunView, baseline: RunView) -> PairedDifferences:
    images = {record.case.id: record.case.pair for record in (*baseline.records, *run.records)}
    old, new = (case_values(side.records, gate.task, gate.metric) for side in (baseline, run))
    return pair_by_image(old, new, images)


def _p_value(gate: Regression, pairs: PairedDifferences) -> float:
    if gate.metric == "accuracy":
        return mcnemar(pairs)
    return drop_interval(pairs, gate.level, binary=False)[2]


def _evaluate_regression(
    gate: Regression,
    run: RunView,
    baseline: RunView | None,
    pairs: PairedDifferences | None,
    adjusted: Mapping[str, float],
) -> GateResult:
    if baseline is None:
        return inconclusive(gate, "no --baseline was given")
    if pairs is None:
        return inconclusive(gate, f"the two runs have no scored {gate.task} case in common")
    binary = gate.metric == "accuracy"
    low, high, _ = drop_interval(pairs, gate.level, binary=binary)
    p = float(adjusted[gate.name])
    change = _describe_change(gate, pairs, low, high, p)
    result = GateResult(
        gate=gate.name, outcome=GateOutcome.PASS,
        reason=f"{change}; a drop of {gate.margin:g} is excluded.",
        value=pairs.mean, low=low, high=high, n=pairs.n, p=p,
    )  # fmt: skip
    reason = reason_inconclusive(gate, run, pairs.n, [gate.task])
    reason = reason or baseline_mismatch(gate, run, baseline, tasks=[gate.task])
    reason = reason or _judge_mismatch(gate, run, baseline)
    if not binary and len(pairs.drop) < MIN_JUDGED_IMAGES:
        reason = (
            reason or f"ratings of {count_of(len(pairs.drop), 'image')} are too few for a bootstrap"
        )
    if reason:
        return inconclusive(gate, reason, result)
    if p <= gate.level and pairs.mean > gate.margin + _ROUNDING:
        why = f"{change}; allowed: a drop of at most {gate.margin:g}."
        return replace(result, outcome=GateOutcome.FAIL, reason=why)
    if high <= gate.margin + _ROUNDING:
        return result
    room = gate.margin - pairs.mean
    needed = math.ceil(pairs.n * ((high - pairs.mean) / room) ** 2) if room > _ROUNDING else None
    more = f"; about {needed:,} cases are needed" if needed else ""
    why = f"{change}; a drop of {gate.margin:g} can be neither confirmed nor excluded{more}."
    return replace(result, outcome=GateOutcome.INCONCLUSIVE, reason=why, needed=needed)


def _describe_change(
    gate: Regression, pairs: PairedDifferences, low: float, high: float, p: float
) -> str:
    """The change of a metric in words; ``p`` is of the test that it fell."""
    name = gate.metric.replace("_", " ")
    if METRICS[gate.metric].high != 1:  # As margins are.
        name = f"{name}, as a share of {METRICS[gate.metric].high:g},"
    cases = f"on {count_of(pairs.n, 'case')}"
    if pairs.mean == 0:
        return f"{name} did not change [{-high:+z.3f}, {-low:+z.3f}] {cases}"
    falls = pairs.mean > 0
    change, least, most = (
        _format_figure(figure, gate.margin if falls else -gate.margin)
        for figure in ((pairs.mean, low, high) if falls else (-pairs.mean, -high, -low))
    )
    if falls:
        return f"{name} fell by {change} [{least}, {most}] (p = {p:.2g}) {cases}"
    return f"{name} rose by {change} [{least}, {most}] {cases}"


def _judge_mismatch(gate: Regression, run: RunView, baseline: RunView) -> str | None:
    """Why the judges of the two runs make a gate over texts inconclusive; None if they do not."""
    if not get_task(gate.task).grades_texts:
        return None
    judge, baseline_judge = (side.manifest.judge.text for side in (run, baseline))
    settings, baseline_settings = map(
        _describe_judge, (run.manifest.judge, baseline.manifest.judge)
    )
    if settings != baseline_settings:
        if judge != baseline_judge:
            return f"the judges differ: {judge} now, {baseline_judge} in the baseline"
        return f"the judge {judge} differs from the baseline's in content, rounds or instruction"
    return run.untrusted_judge_reason(judge)


def _describe_judge(judge: ManifestJudge) -> ManifestJudge:
    """What ratings depend on. A judge with a digest is identified by it, not by its path."""
    text = None if judge.digest else judge.text
    return msgspec.structs.replace(judge, label="", text=text, calibration=None)
