"""Gates over a run: pass, fail, or inconclusive with what would settle it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fakebench_suite.gates.benchmark_latency import evaluate_benchmark_latency
from fakebench_suite.gates.case_latency import evaluate_case_latency
from fakebench_suite.gates.inconclusive import baseline_mismatch, inconclusive, reason_inconclusive
from fakebench_suite.gates.paired_tests import (
    PairedDifferences,
    collect,
    drop_interval,
    mcnemar,
    pair_by_image,
)
from fakebench_suite.gates.rules import Comparand, Errors, Gate, Latency, Regression, Threshold
from fakebench_suite.gates.run_view import RunView
from fakebench_suite.tasks.subgroups import ALL
from fakebench_suite.text.display import count_of
from fakebench_suite.types import GateOutcome, GateResult, Score, Task

FEWEST_JUDGED = 30
"""Images below which a bootstrap of marks is too sure of itself; tests/gates simulate it."""


def evaluate_gates(
    gates: Sequence[Gate],
    run: RunView,
    baseline: RunView | None = None,
    *,
    strict: bool = True,
) -> list[GateResult]:
    """One decision per gate, in order; the p-values of tests are corrected together (Holm).

    Unless ``strict``, a gate whose population is not whole is not ruled, instead of inconclusive.
    """
    tests = {
        gate.name: pairs
        for gate in gates
        if isinstance(gate, Regression)
        and baseline is not None
        and (pairs := _pair_runs(gate, run, baseline)).n > 0
    }
    raw = {
        gate.name: _test(gate, tests[gate.name])
        for gate in gates
        if isinstance(gate, Regression) and gate.name in tests
    }
    adjusted = _correct(raw)
    decisions = []
    for gate in gates:
        match gate:
            case Threshold():
                decisions.append(_rule_threshold(gate, run))
            case Errors():
                decisions.append(_rule_errors(gate, run))
            case Latency(benchmark=None):
                decisions.append(evaluate_case_latency(gate, run, baseline))
            case Latency():
                decisions.append(evaluate_benchmark_latency(gate, run, baseline))
            case Regression():
                decisions.append(
                    _rule_regression(gate, run, baseline, tests.get(gate.name), adjusted)
                )
    if strict:
        return decisions
    return [_excuse(*pair_by_image, run) for pair_by_image in zip(gates, decisions, strict=True)]


def _excuse(gate: Gate, decision: GateResult, run: RunView) -> GateResult:
    """The decision, or none where nothing was settled because cases were not asked."""
    if decision.outcome is not GateOutcome.INCONCLUSIVE:
        return decision
    subgroup = gate.subgroup if isinstance(gate, Threshold) else ALL
    task = None if isinstance(gate, Latency) and gate.benchmark else gate.task
    gap = run.find_missing_cases(
        run.list_tasks(task, sample=gate.sample), subgroup, sample=gate.sample
    )
    if gap is None:
        return decision
    phrase = f"{gap.phrase[0].upper()}{gap.phrase[1:]}."
    return GateResult(gate=gate.name, outcome=GateOutcome.NOT_EVALUATED, reason=phrase)


def _correct(raw: Mapping[str, float]) -> Mapping[str, float]:
    """The p-values by gate, after Holm."""
    if not raw:
        return {}
    from statsmodels.stats.multitest import multipletests  # as slow to import as pandas

    return dict(zip(raw, multipletests(list(raw.values()), method="holm")[1], strict=True))


def _rule_threshold(gate: Threshold, run: RunView) -> GateResult:
    score = next(
        (
            one
            for one in run.scores
            if (one.task, one.metric, one.subgroup) == (gate.task, gate.metric, gate.subgroup)
        ),
        None,
    )
    if score is None or score.value is None:
        gap = run.find_missing_cases([gate.task], gate.subgroup, sample=gate.sample)
        missing = f"the run has no {gate.metric} for {gate.task}, {gate.subgroup}"
        return inconclusive(gate, gap.clause if gap else missing)
    found = _judge_bars(gate, score, score.value)
    obstacle = reason_inconclusive(gate, run, score.n, [gate.task], gate.subgroup)
    obstacle = obstacle or run.find_doubt(score.judge)
    return inconclusive(gate, obstacle, found) if obstacle else found


def _judge_bars(gate: Threshold, score: Score, value: float) -> GateResult:
    low, high = (value, value) if gate.compare is Comparand.VALUE else (score.low, score.high)
    found = GateResult(
        gate=gate.name, outcome=GateOutcome.PASS, reason="", value=value, low=score.low,
        high=score.high, n=score.n,
    )  # fmt: skip
    if low is None or high is None:
        return inconclusive(gate, f'{gate.metric} has no interval; say compare = "value"', found)
    interval = "" if gate.compare is Comparand.VALUE else f" [{low:.3f}, {high:.3f}]"
    said = f"{gate.metric} is {value:.3f}{interval} over {count_of(score.n, 'case')}"
    rulings: list[tuple[GateOutcome, str, int | None]] = []
    for bar, side, gap in (
        (gate.at_least, "at least", low - (gate.at_least or 0)),
        (gate.at_most, "at most", (gate.at_most or 0) - high),
    ):
        if bar is None:
            continue
        # The far end of the interval: how much better than the bar it may be at best.
        best = high - bar if side == "at least" else bar - low
        if gap >= 0:
            rulings.append((GateOutcome.PASS, f"{said}: {side} {bar:g}.", None))
        elif best < gate.tolerance or best <= 0:
            rulings.append((GateOutcome.FAIL, f"{said}; it must be {side} {bar:g}.", None))
        else:
            needed = _settle(gate, value, bar, side, low, high, score.n)
            more = f"; about {needed:,} cases would settle it" if needed else ""
            why = f"{said}, across the bar of {side} {bar:g}{more}."
            rulings.append((GateOutcome.INCONCLUSIVE, why, needed))
    order = (GateOutcome.FAIL, GateOutcome.INCONCLUSIVE, GateOutcome.PASS)
    ruling, reason, needed = min(rulings, key=lambda one: order.index(one[0]))
    return replace(found, outcome=ruling, reason=reason, needed=needed)


def _settle(
    gate: Threshold, value: float, bar: float, side: str, low: float, high: float, n: int
) -> int | None:
    """Cases at which the interval, shrinking with their root, would clear the bar either way."""
    above = value - bar if side == "at least" else bar - value
    towards = value - low if side == "at least" else high - value
    away = high - value if side == "at least" else value - low
    sizes = []
    if above > 0:
        sizes.append(n * (towards / above) ** 2)
    if gate.tolerance > above:
        sizes.append(n * (away / (gate.tolerance - above)) ** 2)
    return math.ceil(min(sizes)) if sizes else None


def _rule_errors(gate: Errors, run: RunView) -> GateResult:
    tasks = run.list_tasks(gate.task, sample=gate.sample)
    errors, n = run.count_errors(tasks), len(run.select(tasks))
    share = errors / n if n else 0.0
    within = share <= gate.at_most
    found = GateResult(
        gate=gate.name,
        outcome=GateOutcome.PASS if within else GateOutcome.FAIL,
        reason=f"{errors:,} of {count_of(n, 'case')} ended in an error; "
        f"at most {gate.at_most:.2%} may.",
        value=share,
        n=n,
    )
    obstacle = reason_inconclusive(gate, run, n, tasks)
    return inconclusive(gate, obstacle, found) if within and obstacle else found


def _pair_runs(gate: Regression, run: RunView, baseline: RunView) -> PairedDifferences:
    images = {one.case.id: one.case.image for one in (*baseline.records, *run.records)}
    old, new = (collect(side.records, gate.task, gate.metric) for side in (baseline, run))
    return pair_by_image(old, new, images)


def _test(gate: Regression, pairs: PairedDifferences) -> float:
    if gate.metric == "accuracy":
        return mcnemar(pairs)
    return drop_interval(pairs, gate.level, whole=False)[2]


def _rule_regression(
    gate: Regression,
    run: RunView,
    baseline: RunView | None,
    pairs: PairedDifferences | None,
    adjusted: Mapping[str, float],
) -> GateResult:
    if baseline is None:
        return inconclusive(gate, "no --baseline was given")
    if pairs is None:
        return inconclusive(gate, f"the two runs share no graded {gate.task} case")
    whole = gate.metric == "accuracy"
    low, high, _ = drop_interval(pairs, gate.level, whole=whole)
    p = float(adjusted[gate.name])
    said = describe_change(gate.metric, pairs, low, high, p)
    found = GateResult(
        gate=gate.name, outcome=GateOutcome.PASS,
        reason=f"{said}: a drop of {gate.margin:g} is ruled out.",
        value=pairs.mean, low=low, high=high, n=pairs.n, p=p,
    )  # fmt: skip
    obstacle = reason_inconclusive(gate, run, pairs.n, [gate.task])
    obstacle = obstacle or baseline_mismatch(gate, run, baseline, tasks=[gate.task])
    obstacle = obstacle or _compare_judges(gate, run, baseline)
    if not whole and len(pairs.drop) < FEWEST_JUDGED:
        obstacle = (
            obstacle or f"marks of {count_of(len(pairs.drop), 'image')} are too few to resample"
        )
    if obstacle:
        return inconclusive(gate, obstacle, found)
    if p <= gate.level and pairs.mean > gate.margin:
        why = f"{said}; a drop of at most {gate.margin:g} is allowed."
        return replace(found, outcome=GateOutcome.FAIL, reason=why)
    if high <= gate.margin:
        return found
    room = gate.margin - pairs.mean
    needed = math.ceil(pairs.n * ((high - pairs.mean) / room) ** 2) if room > 0 else None
    more = f"; about {needed:,} cases would settle it" if needed else ""
    why = f"{said}: a drop of {gate.margin:g} is neither shown nor ruled out{more}."
    return replace(found, outcome=GateOutcome.INCONCLUSIVE, reason=why, needed=needed)


def describe_change(
    metric: str, pairs: PairedDifferences, low: float, high: float, p: float
) -> str:
    """How a metric moved, with its interval turned the way it moved; ``p`` is of a fall."""
    name = metric.replace("_", " ")
    cases = f"on {count_of(pairs.n, 'case')}"
    drop = pairs.mean
    if drop == 0:
        return f"{name} did not change [{-high:+.3f}, {-low:+.3f}] {cases}"
    if drop > 0:
        return f"{name} fell by {drop:.3f} [{low:.3f}, {high:.3f}] (p = {p:.2g}) {cases}"
    return f"{name} rose by {-drop:.3f} [{-high:.3f}, {-low:.3f}] {cases}"


def _compare_judges(gate: Regression, run: RunView, baseline: RunView) -> str | None:
    """Why judges keep a gate on texts from ruling; by their marks a text passes or not."""
    if gate.task is Task.DETECTION:
        return None
    one, two = (side.manifest["judge"]["text"] for side in (run, baseline))
    ours, theirs = (_describe_judge(side.manifest["judge"]) for side in (run, baseline))
    if ours != theirs:
        if one != two:
            return f"the judges differ: {one} now, {two} in the baseline"
        return f"the judge {one} differs from the baseline's in content, rounds or instruction"
    return run.find_doubt(one)


def _describe_judge(judge: Mapping[str, Any]) -> Mapping[str, Any]:
    """Who gave marks, and how; a judge that is known by its content is so wherever it lies."""
    left_out = {"label", "audit", *(["text"] if "digest" in judge else [])}
    return {name: value for name, value in judge.items() if name not in left_out}
