"""The result of a run in one line: outcome, headline, change since the baseline.

Terminal, summary, badge and page use this definition; ``gates.json`` has it as data.
"""

from collections.abc import Sequence

from fakebench_suite.gates.status import Conclusion
from fakebench_suite.metrics.names import METRICS
from fakebench_suite.runs.completeness import describe_partial
from fakebench_suite.runs.manifest import Manifest, ManifestGates
from fakebench_suite.runs.metric_delta import MetricDelta
from fakebench_suite.runs.run_result import GatesUsed, RunResult
from fakebench_suite.tasks.registry import Grader, get_task, list_tasks
from fakebench_suite.text.display import count_of
from fakebench_suite.types import Score

_OF_LABELS = ("threshold_strength", "balanced_accuracy")
_HEADLINES = (*_OF_LABELS, "accuracy", "claim_informedness", "claim_recall")
"""The metrics of a headline; of graded probes, accuracy would mix all strengths."""


_UNREACHED = "not reached"


def make_result(
    manifest: Manifest,
    conclusion: Conclusion,
    scores: Sequence[Score],
    shifts: Sequence[MetricDelta] = (),
) -> RunResult:
    """The result of a run from its final manifest, its gates, its scores and its changes."""
    headline = _find_headline(scores)
    gates = manifest.gates or ManifestGates(file=None)
    change = None
    if headline is not None:
        change = next((shift for shift in shifts if shift.task == headline.task), None)
    return RunResult(
        outcome=conclusion.outcome,
        reason=conclusion.reason,
        gates=GatesUsed(
            file=gates.file,
            named=gates.named,
            digest=gates.digest,
            count=conclusion.gates,
            evaluated=conclusion.evaluated,
        ),
        headline=headline,
        change=change,
        baseline=None if manifest.baseline is None else manifest.baseline.run,
        partial=describe_partial(manifest),
    )


def _find_headline(scores: Sequence[Score]) -> Score | None:
    """The first score of the first task that has one.

    Detection has none if all images are fake, or all real: always answering so would score 1. Texts
    without a reference have a score of their claims, where there is one.
    """
    for task in list_tasks():
        by_metric = {
            score.metric: score
            for score in scores
            if score.task == task and score.subgroup == "all"
        }
        for metric in _OF_LABELS if get_task(task).grader is Grader.LABEL else _HEADLINES:
            score = by_metric.get(metric)
            if score is not None and score.n and (score.value is not None or is_unreached(score)):
                return score
    return None


def is_unreached(score: Score) -> bool:
    """Whether a score has no value because it lies above all that was asked."""
    return score.value is None and is_open_ended(score.metric) and score.n > 0


def is_open_ended(name: str) -> bool:
    """Whether a score can lie above all that was asked; not of metrics of another version."""
    metric = METRICS.get(name)
    return metric is not None and metric.open_ended


def format_value(score: Score) -> str:
    """The value to three digits; empty where it is undefined."""
    if score.value is None:
        return _UNREACHED if is_unreached(score) else ""
    return f"{score.value:z.3f}"


def format_bounds(score: Score) -> tuple[str, str] | None:
    """The ends of the interval to three digits; None where there is none."""
    if score.low is None:
        return None
    if score.high is None:
        return (f"{score.low:z.3f}", _UNREACHED) if is_open_ended(score.metric) else None
    return f"{score.low:z.3f}", f"{score.high:z.3f}"


def describe_result(result: RunResult) -> str:
    """The result line, such as ``PASS: balanced accuracy 0.914 [0.900, 0.930] on 240 cases``.

    It begins with the outcome in capitals and ends with its reason.
    """
    parts = []
    if result.headline is not None:
        parts.append(describe_headline(result.headline))
    if result.change is not None:
        parts.append(f"{describe_delta(result.change)} against {result.baseline}")
    return f"{result.outcome.upper()}: {'; '.join([*parts, result.reason])}"


def describe_headline(score: Score) -> str:
    """The headline score with its interval and its number of cases."""
    bounds = format_bounds(score)
    interval = "" if bounds is None else f" [{', '.join(bounds)}]"
    cases = count_of(score.n, f"{score.task} case")
    return f"{_name(score.metric)} {format_value(score)}{interval} on {cases}"


def describe_delta(shift: MetricDelta) -> str:
    """The change of a metric, such as ``accuracy fell by 0.092 [0.061, 0.120] (p = 0.0001)``."""
    name, change = _name(shift.metric), shift.change
    p = "" if shift.p is None else f" (p = {shift.p:.2g})"
    if change == 0:
        return f"{name} did not change [{shift.low:+z.3f}, {shift.high:+z.3f}]{p}"
    if change < 0:
        return f"{name} fell by {-change:z.3f} [{-shift.high:z.3f}, {-shift.low:z.3f}]{p}"
    return f"{name} rose by {change:z.3f} [{shift.low:z.3f}, {shift.high:z.3f}]{p}"


def _name(metric: str) -> str:
    return metric.replace("_", " ")


def list_meanings(metrics: Sequence[str]) -> list[tuple[str, str]]:
    """The meanings of metrics, in the order of METRICS."""
    return [(name, METRICS[name].meaning) for name in METRICS if name in metrics]
