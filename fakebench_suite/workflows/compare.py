"""Compare two runs over the same cases: changes of metrics, and changed cases."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fakebench_suite.errors import UserError
from fakebench_suite.gates.paired_tests import case_values, drop_interval, mcnemar, pair_by_image
from fakebench_suite.gates.run_view import RunView
from fakebench_suite.metrics.claims import compare_claims
from fakebench_suite.metrics.intervals import Estimate
from fakebench_suite.metrics.names import METRICS
from fakebench_suite.metrics.pointing import compare_overlaps
from fakebench_suite.runs.case_changes import ChangeKind, compare_records
from fakebench_suite.runs.completeness import describe_partial
from fakebench_suite.runs.differences import (
    check_same_data,
    describe_pixel_change,
    describe_rendering_change,
    list_confounders,
    list_differences,
    list_unknown,
)
from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.runs.metric_delta import MetricDelta
from fakebench_suite.runs.store import read_all_records, read_manifest
from fakebench_suite.tasks.registry import list_tasks
from fakebench_suite.text.display import count_of
from fakebench_suite.types import Record

if TYPE_CHECKING:
    from fakebench_suite.report.html import ReportBaseline

_MAX_DIFFERENCES = 8
"""Most differences that a reservation names."""
_TAIL_PROBABILITY = 0.025
"""Probability of each tail of a two-sided 95 % interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The comparison of two runs."""

    names: tuple[str, str]
    settings: Sequence[str]
    """Names of the settings in which the runs differ."""
    unknown: Sequence[str]
    """Sentences about what cannot be compared."""
    shifts: Sequence[MetricDelta]
    changed: Mapping[ChangeKind, Sequence[str]]
    """Ids of the later run's cases by kind of change."""
    missing: Sequence[str]
    """Ids of cases that only the earlier run has."""


def compare_runs(before: Path, after: Path) -> Comparison:
    """Pair two runs by case; raises UserError if they are over different data, or lost records."""
    old, new = (_read_view(folder) for folder in (before, after))
    check_same_data(after, before)
    changed: dict[ChangeKind, list[str]] = {kind: [] for kind in ChangeKind}
    for name, change in compare_records(new.records, old.records).items():
        changed[change.kind].append(name)
    asked = {record.case.id for record in new.records}
    if asked.isdisjoint(record.case.id for record in old.records):
        raise UserError(
            f"{before} and {after} have no case in common: there is nothing to compare."
        )
    return Comparison(
        names=(before.resolve().name, after.resolve().name),
        settings=[
            *list_differences(old.manifest, new.manifest),
            *filter(None, (describe_pixel_change(old.records, new.records),)),
            *filter(None, (describe_rendering_change(old.records, new.records),)),
        ],
        unknown=[
            *list_unknown({"the earlier": old.manifest, "the later": new.manifest}),
            *_list_limits("earlier", old),
            *_list_limits("later", new),
        ],
        shifts=measure_deltas(old.records, new.records),
        changed={kind: sorted(names) for kind, names in changed.items()},
        missing=sorted(r.case.id for r in old.records if r.case.id not in asked),
    )


def _list_limits(name: str, run: RunView) -> Iterator[str]:
    """Why cases of a run are not compared: it is partial, or some have errors or no score."""
    if why := describe_partial(run.manifest):
        yield f"the {name} run is partial ({why}): only cases of both runs are compared"
    errors = sum(record.verdict.outcome.is_error for record in run.records)
    if errors:
        be = "is" if errors == 1 else "are"
        cases = count_of(errors, "case")
        yield f"{cases} of the {name} run ended in an error and {be} not compared"
    unscored = run.count_unscored(list_tasks())
    if unscored:
        be = "is" if unscored == 1 else "are"
        cases = count_of(unscored, "case")
        yield f"{cases} of the {name} run could not be scored and {be} not compared"


def compare_with_baseline(run: Path, baseline: Path) -> "ReportBaseline":
    """The changes of a finished run's metrics since a baseline, and what limits the comparison."""
    from fakebench_suite.report.html import ReportBaseline

    old, new = (_read_view(folder) for folder in (baseline, run))
    return ReportBaseline(
        folder=baseline,
        shifts=measure_deltas(old.records, new.records),
        reservations=list_baseline_reservations(
            new.manifest, new.records, old, name=baseline.resolve().name
        ),
    )


def list_baseline_reservations(
    manifest: Manifest, records: Sequence[Record], baseline: RunView, *, name: str
) -> list[str]:
    """Sentences on what limits the comparison of a run with the baseline of this name.

    ``manifest`` and ``records`` are those of the run.
    """
    reservations = [
        f"{text[0].upper()}{text[1:]}."
        for text in list_unknown({f"the baseline {name}": baseline.manifest})
    ]
    if why := describe_partial(baseline.manifest):
        reservations.append(
            f"The baseline {name} is partial ({why}): changes are over the cases of both runs."
        )
    changed = describe_pixel_change(baseline.records, records)
    if changed is not None:
        reservations.append(
            f"The baseline {name} differs in the {changed}: changes do not measure the model."
        )
    others = list_confounders(baseline.manifest, manifest)
    if others:
        left = len(others) - _MAX_DIFFERENCES
        more = f" and {left} more" if left > 0 else ""
        reservations.append(
            f"The baseline {name} differs in more than the model: "
            f"{', '.join(others[:_MAX_DIFFERENCES])}{more}."
        )
    return reservations


def _read_view(folder: Path) -> RunView:
    manifest = read_manifest(folder)
    return RunView(manifest=manifest, records=read_all_records(folder, manifest))


def measure_deltas(old: Sequence[Record], new: Sequence[Record]) -> Sequence[MetricDelta]:
    """The changes of accuracy, judged score, and scores of claims and boxes of each task.

    They are over the cases scored in both runs.
    """
    return [
        shift
        for task in list_tasks()
        for shift in (
            *(_measure_delta(old, new, task, metric) for metric in ("accuracy", "judged_score")),
            *_measure_grounding(old, new, task),
        )
        if shift is not None
    ]


def _measure_grounding(
    old: Sequence[Record], new: Sequence[Record], task: str
) -> Iterator[MetricDelta]:
    """The changes of scores of claims and boxes, where something is known of the images."""
    before, after = ([record for record in side if record.case.task == task] for side in (old, new))
    for claim in compare_claims(before, after):
        yield _make_delta(task, claim.metric, claim.before, claim.after, claim.change)
    overlap = compare_overlaps(before, after)
    if overlap is not None:
        yield _make_delta(task, "mean_iou", *overlap)


def _make_delta(
    task: str, metric: str, before: float, after: float, change: Estimate
) -> MetricDelta:
    """A change without a test."""
    assert change.low is not None
    assert change.high is not None
    return MetricDelta(
        task=task, metric=metric, before=before, after=after, change=after - before,
        low=change.low, high=change.high, p=None, n=change.n,
    )  # fmt: skip


def _measure_delta(
    old: Sequence[Record], new: Sequence[Record], task: str, metric: str
) -> MetricDelta | None:
    before, after = case_values(old, task, metric), case_values(new, task, metric)
    both = sorted(before.keys() & after.keys())
    if not both:
        return None
    pairs = pair_by_image(before, after, {record.case.id: record.case.pair for record in new})
    low, high, _ = drop_interval(pairs, _TAIL_PROBABILITY, binary=metric == "accuracy")
    scale = METRICS[metric].high  # Cases have shares of it.
    value_before, value_after = (
        scale * sum(side[name] for name in both) / len(both) for side in (before, after)
    )
    return MetricDelta(
        task=task,
        metric=metric,
        before=value_before,
        after=value_after,
        change=value_after - value_before,
        low=-scale * high,
        high=-scale * low,
        p=mcnemar(pairs, alternative="two-sided") if metric == "accuracy" else None,
        n=len(both),
    )
