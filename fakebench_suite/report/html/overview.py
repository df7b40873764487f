"""The content of the overview page: result, reservations, gates, scores and tables."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from fakebench_suite.metrics.names import METRICS
from fakebench_suite.metrics.paper_tables import FOOTNOTE
from fakebench_suite.report.benchmark_rows import BENCHMARK_NOTE, list_benchmark_tables
from fakebench_suite.report.engine_text import format_engine
from fakebench_suite.report.grounding import list_grounding_tables
from fakebench_suite.report.headline import (
    describe_delta,
    describe_headline,
    format_bounds,
    format_value,
    list_meanings,
)
from fakebench_suite.report.html.plots import Plot
from fakebench_suite.report.html.record_index import CUT_OFF
from fakebench_suite.report.html.run_data import ReportBaseline, ReportData, ReportedGate
from fakebench_suite.report.latency import latency_table
from fakebench_suite.report.markdown import (
    CHANGE_HEADER,
    describe_run,
    list_change,
    list_scores,
)
from fakebench_suite.report.paper_rows import TextTable, compare_with_paper
from fakebench_suite.report.robustness import ROBUSTNESS_NOTE, robustness_table
from fakebench_suite.report.run_facts import list_facts
from fakebench_suite.runs.case_changes import Change, ChangeKind
from fakebench_suite.runs.run_result import RunResult
from fakebench_suite.tasks.registry import list_tasks
from fakebench_suite.text.display import to_single_line
from fakebench_suite.types import FinishReason, Outcome, Score
from fakebench_suite.types import GateOutcome as Kind

_CLASSES = {
    Kind.PASS: "pass",
    Kind.FAIL: "fail",
    Kind.INCONCLUSIVE: "inconclusive",
    Kind.NOT_EVALUATED: "not-evaluated",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalBar:
    """A score and its interval as a bar, in percent of its width."""

    value: float
    low: float | None
    high: float | None
    zero: float | None = None
    """Where 0 is, of a metric that can be below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """A score with the fragment of the page that lists its cases."""

    score: Score
    name: str
    where: str
    value: str
    """As in terminal and summary; empty where it is undefined."""
    interval: str
    """As there; empty where there is none."""
    bar: IntervalBar | None
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCounts:
    """The number of cases of a task by outcome."""

    task: str
    total: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultBanner:
    """The parts of the result line that terminal, summary and badge show too."""

    outcome: str
    style: str
    """The CSS class of its colour."""
    reason: str
    headline: str
    change: str
    partial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The values of the template of the overview page."""

    title: str
    band: ResultBanner
    cut_off: str
    """How many replies ended at the token limit; empty if none did."""
    cut_off_link: str
    meanings: Sequence[tuple[str, str]]
    shifts: TextTable | None
    reservations: Sequence[str]
    facts: Sequence[tuple[str, str]]
    gates: Sequence[ReportedGate]
    tallies: Sequence[OutcomeCounts]
    outcomes: Sequence[str]
    lines: Mapping[str, Sequence[ScoreRow]]
    grids: Sequence[TextTable]
    benchmark: Sequence[TextTable]
    """The scores under the names of the benchmark that the data set comes from."""
    benchmark_note: str
    grounding: Sequence[tuple[TextTable, str]]
    """Tables of claims and of the strengths that are detected, with what they say."""
    timings: Sequence[TextTable]
    robustness: Sequence[TextTable]
    robustness_note: str
    footnote: str
    plots: Sequence[Plot]
    baseline: str | None
    changes: Mapping[str, int]


def describe_overview(
    run: ReportData,
    plots: Sequence[Plot],
    changes: Mapping[str, Change] | None,
    *,
    baseline: ReportBaseline | None,
) -> Overview:
    """The overview page of a run."""
    title, *reservations = describe_run(run.manifest)
    if baseline is not None:
        reservations += map(to_single_line, baseline.reservations)
    shown = list(list_scores(run.scores))
    lines = list(map(make_score_row, shown))
    tallies = list(_count_outcomes(run))
    counted = Counter(change.kind for change in (changes or {}).values())
    published = list(compare_with_paper(run.manifest, run.scores))
    return Overview(
        title=title,
        band=_make_banner(run.result, baseline),
        cut_off=_describe_cut_off(run),
        cut_off_link=_link(ending=CUT_OFF),
        meanings=list_meanings([score.metric for score in shown]),
        shifts=_deltas_table(baseline),
        reservations=list(dict.fromkeys(reservations)),
        facts=[(to_single_line(name), to_single_line(value)) for name, value in _list_facts(run)],
        gates=run.gates,
        tallies=tallies,
        outcomes=[kind for kind in Outcome if any(tally.counts.get(kind) for tally in tallies)],
        lines={
            task: rows
            for task in list_tasks()
            if (rows := [row for row in lines if row.score.task == task])
        },
        grids=published,
        benchmark=list(list_benchmark_tables(run.manifest, run.scores)),
        benchmark_note=BENCHMARK_NOTE,
        grounding=list(list_grounding_tables(run.scores)),
        timings=latency_table(run.timings),
        robustness=robustness_table(run.scores),
        robustness_note=ROBUSTNESS_NOTE,
        footnote=FOOTNOTE if published else "",
        plots=plots,
        baseline=None if baseline is None else baseline.name,
        changes={kind: counted[kind] for kind in ChangeKind if counted[kind]},
    )


def _make_banner(result: RunResult, baseline: ReportBaseline | None) -> ResultBanner:
    """The banner, with the change since the run that this page is compared with."""
    score = result.headline
    if baseline is not None:
        task = None if score is None else score.task
        deltas = (shift for shift in baseline.shifts if shift.task == task)
        result = replace(result, baseline=baseline.name, change=next(deltas, None))
    change = ""
    if result.change is not None:
        change = f"{describe_delta(result.change)} against {to_single_line(str(result.baseline))}"
    return ResultBanner(
        outcome=result.outcome.upper(),
        style=_CLASSES[result.outcome],
        reason=to_single_line(result.reason),
        headline="no score" if score is None else describe_headline(score),
        change=change,
        partial=to_single_line(result.partial),
    )


def _describe_cut_off(run: ReportData) -> str:
    cut = [
        record.verdict.outcome
        for record in run.records
        if record.answer and record.answer.finish_reason is FinishReason.LENGTH
    ]
    if not cut:
        return ""
    replies = "1 reply was" if len(cut) == 1 else f"{len(cut):,} replies were"
    early = cut.count(Outcome.TRUNCATED) or "none"
    return f"{replies} cut off at the token limit, {early} of them before it could be graded."


def _deltas_table(baseline: ReportBaseline | None) -> TextTable | None:
    if baseline is None or not baseline.shifts:
        return None
    rows = list(map(list_change, baseline.shifts))
    return TextTable(
        title=f"Changes since {to_single_line(baseline.name)}", header=CHANGE_HEADER, rows=rows
    )


def _link(**chosen: str) -> str:
    """The fragment that lists the records with these values."""
    return f"#{urlencode({'view': 'records'} | chosen, errors='replace')}"


def _count_outcomes(run: ReportData) -> Iterator[OutcomeCounts]:
    pairs = Counter((record.case.task, record.verdict.outcome) for record in run.records)
    for task in list_tasks():
        counts = {str(kind): pairs[task, kind] for kind in Outcome if pairs[task, kind]}
        if counts:
            yield OutcomeCounts(task=task, total=sum(counts.values()), counts=counts)


def make_score_row(score: Score) -> ScoreRow:
    """A row of the table of scores."""
    field, _, value = score.subgroup.partition("=")
    chosen = {"task": str(score.task)} | ({field: value} if value else {})
    metric, bounds = score.metric.replace("_", " "), format_bounds(score)
    return ScoreRow(
        score=score,
        name=f"{metric} ({to_single_line(score.judge)})" if score.judge else metric,
        where="all cases" if score.subgroup == "all" else to_single_line(value),
        value=format_value(score),
        interval="" if bounds is None else " to ".join(bounds),
        bar=_make_interval_bar(score),
        link=_link(**chosen),
    )


def _make_interval_bar(score: Score) -> IntervalBar | None:
    """The bar over the range of the metric; None of one without a finite range."""
    metric = METRICS.get(score.metric)
    if score.value is None or metric is None or not math.isfinite(metric.high - metric.low):
        return None
    value, low, high = (
        None
        if bound is None
        else min(100.0, max(0.0, 100 * (bound - metric.low) / (metric.high - metric.low)))
        for bound in (score.value, score.low, score.high)
    )
    assert value is not None
    zero = -100 * metric.low / (metric.high - metric.low) if metric.low < 0 else None
    return IntervalBar(value=value, low=low, high=high, zero=zero)


def _list_facts(run: ReportData) -> Iterator[tuple[str, str]]:
    """The facts that terminal and summary show, and more of the manifest."""
    manifest = run.manifest
    yield "run", run.name
    yield from list_facts(manifest)
    seconds = manifest.wall_seconds
    yield "wall time", "" if seconds is None else f"{seconds:,.0f} s"
    yield "engine", format_engine(manifest.engine)
    yield from manifest.versions.items()
