"""What the first page says: the run, its reservations, rulings, scores and tables."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from fakebench_suite.metrics.paper_tables import FOOTNOTE
from fakebench_suite.report.engine_text import format_engine
from fakebench_suite.report.headline import describe_delta, describe_headline, list_meanings
from fakebench_suite.report.html.index import CUT_OFF
from fakebench_suite.report.html.plots import Plot
from fakebench_suite.report.html.run_data import ReportedGate, Run
from fakebench_suite.report.latency import latency_table
from fakebench_suite.report.markdown import (
    CHANGE_HEADER,
    describe_run,
    list_change,
    list_scores,
)
from fakebench_suite.report.paper_rows import TextTable, compare_with_paper
from fakebench_suite.report.run_facts import list_facts
from fakebench_suite.runs.case_changes import Change, ChangeKind
from fakebench_suite.runs.metric_delta import MetricDelta
from fakebench_suite.runs.result import RunResult
from fakebench_suite.text.display import to_single_line
from fakebench_suite.types import FinishReason, Outcome, Score, Task
from fakebench_suite.types import GateOutcome as Kind

_TWO = frozenset(
    {"judged_score", "similarity_score", "exact_score", "completeness", "preciseness", "relevance"}
)
"""Metrics that run from 0 to 2; all others drawn here run from 0 to 1, or -1 to 1."""
_CLASSES = {
    Kind.PASS: "pass",
    Kind.FAIL: "fail",
    Kind.INCONCLUSIVE: "inconclusive",
    Kind.NOT_EVALUATED: "unruled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A score as a mark on a line, in percent of its width."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One score as it is shown, and the fragment of the page that lists its cases."""

    score: Score
    name: str
    where: str
    bar: Bar | None
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many cases of a task ended how."""

    task: Task
    total: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """What the run comes to, part by part: the line of terminal, summary and badge."""

    outcome: str
    style: str
    """The class of its colour."""
    reason: str
    headline: str
    change: str
    partial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything the template puts on the first page."""

    title: str
    band: Band
    cut_off: str
    """How many replies ended at the token limit; an empty text where none did."""
    cut_off_link: str
    meanings: Sequence[tuple[str, str]]
    shifts: TextTable | None
    reservations: Sequence[str]
    facts: Sequence[tuple[str, str]]
    gates: Sequence[ReportedGate]
    tallies: Sequence[Tally]
    outcomes: Sequence[str]
    lines: Mapping[Task, Sequence[Line]]
    grids: Sequence[TextTable]
    timings: Sequence[TextTable]
    footnote: str
    plots: Sequence[Plot]
    baseline: str | None
    changes: Mapping[str, int]


def describe_overview(
    run: Run,
    plots: Sequence[Plot],
    changes: Mapping[str, Change] | None,
    *,
    baseline: str | None,
    shifts: Sequence[MetricDelta] = (),
) -> Overview:
    """The first page of a run."""
    title, *reservations = describe_run(run.manifest)
    shown = list(list_scores(run.scores))
    lines = list(map(_draw_line, shown))
    tallies = list(_tally(run))
    counted = Counter(change.kind for change in (changes or {}).values())
    published = list(compare_with_paper(run.manifest, run.scores))
    return Overview(
        title=title,
        band=_draw_band(run.result, baseline, shifts),
        cut_off=_describe_cut_off(run),
        cut_off_link=_link(ending=CUT_OFF),
        meanings=list_meanings([score.metric for score in shown]),
        shifts=_lay_shifts(shifts, baseline),
        reservations=reservations,
        facts=[(to_single_line(name), to_single_line(value)) for name, value in _list_facts(run)],
        gates=run.gates,
        tallies=tallies,
        outcomes=[kind for kind in Outcome if any(tally.counts.get(kind) for tally in tallies)],
        lines={task: mine for task in Task if (mine := [a for a in lines if a.score.task is task])},
        grids=published,
        timings=latency_table(run.timings),
        footnote=FOOTNOTE if published else "",
        plots=plots,
        baseline=baseline,
        changes={kind: counted[kind] for kind in ChangeKind if counted[kind]},
    )


def _draw_band(result: RunResult, baseline: str | None, shifts: Sequence[MetricDelta]) -> Band:
    """The band, its change being that against the run this page is compared with."""
    score = result.headline
    if baseline is not None:
        mine = (shift for shift in shifts if score is not None and shift.task is score.task)
        result = replace(result, baseline=baseline, change=next(mine, None))
    change = ""
    if result.change is not None:
        change = f"{describe_delta(result.change)} against {to_single_line(str(result.baseline))}"
    return Band(
        outcome=result.outcome.upper(),
        style=_CLASSES[result.outcome],
        reason=to_single_line(result.reason),
        headline="no score" if score is None else describe_headline(score),
        change=change,
        partial=to_single_line(result.partial),
    )


def _describe_cut_off(run: Run) -> str:
    cut = [
        record.verdict.outcome
        for record in run.records
        if record.answer and record.answer.finish_reason is FinishReason.LENGTH
    ]
    if not cut:
        return ""
    replies = "1 reply was" if len(cut) == 1 else f"{len(cut):,} replies were"
    early = cut.count(Outcome.TRUNCATED) or "none"
    return (
        f"{replies} cut off at the token limit, {early} of them before anything was said that "
        "could be judged."
    )


def _lay_shifts(shifts: Sequence[MetricDelta], baseline: str | None) -> TextTable | None:
    if not shifts or baseline is None:
        return None
    rows = list(map(list_change, shifts))
    return TextTable(
        title=f"Changes since {to_single_line(baseline)}", header=CHANGE_HEADER, rows=rows
    )


def _link(**chosen: str) -> str:
    """The fragment that lists the records with these values."""
    return f"#{urlencode({'view': 'records'} | chosen, errors='replace')}"


def _tally(run: Run) -> Iterator[Tally]:
    pairs = Counter((record.case.task, record.verdict.outcome) for record in run.records)
    for task in Task:
        counts = {str(kind): pairs[task, kind] for kind in Outcome if pairs[task, kind]}
        if counts:
            yield Tally(task=task, total=sum(counts.values()), counts=counts)


def _draw_line(score: Score) -> Line:
    field, _, value = score.subgroup.partition("=")
    chosen = {"task": str(score.task)} | ({field: value} if value else {})
    metric = score.metric.replace("_", " ")
    return Line(
        score=score,
        name=f"{metric} ({to_single_line(score.judge)})" if score.judge else metric,
        where="all cases" if score.subgroup == "all" else to_single_line(value),
        bar=_draw_bar(score),
        link=_link(**chosen),
    )


def _draw_bar(score: Score) -> Bar | None:
    full = 2.0 if score.metric in _TWO else 1.0
    if score.value is None or not 0 <= score.value <= full:
        return None
    low, high = (
        None if bound is None else min(100.0, max(0.0, 100 * bound / full))
        for bound in (score.low, score.high)
    )
    return Bar(value=100 * score.value / full, low=low, high=high)


def _list_facts(run: Run) -> Iterator[tuple[str, str]]:
    """Which run this is, as terminal and summary say it, and what else its manifest tells."""
    manifest = run.manifest
    yield "run", run.name
    yield from list_facts(manifest)
    seconds = manifest.get("wall_seconds")
    yield "wall time", "" if seconds is None else f"{seconds:,.0f} s"
    yield "engine", format_engine(manifest.get("engine", {}))
    for name, version in manifest.get("versions", {}).items():
        yield name, str(version)
