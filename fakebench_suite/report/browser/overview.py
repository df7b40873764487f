"""What the first page says: the run, its reservations, rulings, scores and tables."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from fakebench_suite.display import flatten
from fakebench_suite.metrics.tables import FOOTNOTE
from fakebench_suite.report.browser.change import Change, ChangeKind
from fakebench_suite.report.browser.plots import Plot
from fakebench_suite.report.browser.run import Ruling, Run
from fakebench_suite.report.comparison import Grid, lay_beside
from fakebench_suite.report.engines import tell_engine
from fakebench_suite.report.latency import lay_out
from fakebench_suite.report.markdown import describe_run, list_scores
from fakebench_suite.types import Outcome, Score, Task

_TWO = frozenset(
    {"judged_score", "stand_in_score", "exact_score", "completeness", "preciseness", "relevance"}
)
"""Metrics that run from 0 to 2; all others drawn here run from 0 to 1, or -1 to 1."""
_DIGEST = 16
"""Characters of a digest that are shown; the manifest has it whole."""


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
class Overview:
    """Everything the template puts on the first page."""

    title: str
    reservations: Sequence[str]
    facts: Sequence[tuple[str, str]]
    rulings: Sequence[Ruling]
    tallies: Sequence[Tally]
    outcomes: Sequence[str]
    lines: Mapping[Task, Sequence[Line]]
    grids: Sequence[Grid]
    timings: Sequence[Grid]
    footnote: str
    plots: Sequence[Plot]
    baseline: str | None
    changes: Mapping[str, int]


def describe_overview(
    run: Run,
    plots: Sequence[Plot],
    changes: Mapping[str, Change] | None,
    baseline: str | None,
) -> Overview:
    """The first page of a run."""
    title, *reservations = describe_run(run.manifest)
    lines = list(map(_draw_line, list_scores(run.scores)))
    tallies = list(_tally(run))
    counted = Counter(change.kind for change in (changes or {}).values())
    return Overview(
        title=title,
        reservations=reservations,
        facts=[(flatten(name), flatten(value)) for name, value in _list_facts(run)],
        rulings=run.rulings,
        tallies=tallies,
        outcomes=[kind for kind in Outcome if any(tally.counts.get(kind) for tally in tallies)],
        lines={task: mine for task in Task if (mine := [a for a in lines if a.score.task is task])},
        grids=list(lay_beside(run.manifest, run.scores)),
        timings=lay_out(run.timings),
        footnote=FOOTNOTE if run.manifest["dataset"]["kind"] == "official" else "",
        plots=plots,
        baseline=baseline,
        changes={kind: counted[kind] for kind in ChangeKind if counted[kind]},
    )


def _tally(run: Run) -> Iterator[Tally]:
    pairs = Counter((record.case.task, record.verdict.outcome) for record in run.records)
    for task in Task:
        counts = {str(kind): pairs[task, kind] for kind in Outcome if pairs[task, kind]}
        if counts:
            yield Tally(task=task, total=sum(counts.values()), counts=counts)


def _draw_line(score: Score) -> Line:
    field, _, value = score.slice.partition("=")
    chosen = {"view": "records", "task": str(score.task)} | ({field: value} if value else {})
    metric = score.metric.replace("_", " ")
    return Line(
        score=score,
        name=f"{metric} ({flatten(score.judge)})" if score.judge else metric,
        where="all cases" if score.slice == "all" else flatten(value),
        bar=_draw_bar(score),
        link=f"#{urlencode(chosen, errors='replace')}",
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
    """The manifest's parts a reader asks for first."""
    manifest = run.manifest
    model, dataset, judge = manifest["model"], manifest["dataset"], manifest["judge"]
    yield "run", run.name
    yield "started", str(manifest.get("started", ""))
    seconds = manifest.get("wall_seconds")
    yield "wall time", "" if seconds is None else f"{seconds:,.0f} s"
    yield "engine", tell_engine(manifest.get("engine", {}))
    yield "model", str(model["name"])
    yield "weights", str(model.get("weights_digest") or "")[:_DIGEST]
    yield "data", f"{dataset['name']} ({dataset['kind']}), {dataset.get('cases', 0):,} cases"
    yield "data digest", str(dataset.get("digest", ""))[:_DIGEST]
    yield "prompts", str(manifest.get("prompts", {}).get("style", ""))
    yield "replies read by", str(judge["label"])
    yield "texts graded by", str(judge["text"] or "nobody")
    yield "seed, sample", f"{manifest.get('seed')}, {manifest.get('sample') or 'everything'}"
    yield "answers from", str(manifest.get("answers") or "")
    yield "code digest", str(manifest.get("code_digest", ""))[:_DIGEST]
    for name, version in manifest.get("versions", {}).items():
        yield name, str(version)
