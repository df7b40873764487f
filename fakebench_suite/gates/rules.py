"""The kinds of gates, each a table of ``gates.toml``. Contradictory settings are refused."""

import math
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from fakebench_suite.errors import describe_choices
from fakebench_suite.metrics.names import METRICS, is_score_of
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.tasks.registry import check_task, get_task, list_tasks
from fakebench_suite.tasks.robustness import parse_perturbation
from fakebench_suite.tasks.subgroups import ALL, check_subgroup
from fakebench_suite.types import Task

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Level = Annotated[float, msgspec.Meta(gt=0, lt=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]
TASK_NAME = msgspec.Meta(title="the name of a task")
TaskName = Annotated[str, TASK_NAME]


class Comparand(StrEnum):
    """The figure of a score that is compared with the bound."""

    VALUE = "value"
    INTERVAL = "interval"
    """The end of the 95 % interval that is nearer to the bound."""


class GateBase(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The fields of every gate."""

    name: Annotated[str, msgspec.Meta(min_length=1, pattern=r"^[^\x00-\x1f\x7f]+$")]
    minimum: Count = 1
    """Fewest cases; with fewer, the gate is inconclusive."""
    sample: Count | None = None
    """Smallest accepted N of ``--sample N``; without it, a gate over a sample is inconclusive."""


class Threshold(GateBase, frozen=True, kw_only=True, tag_field="kind", tag="threshold"):
    """A lower bound, an upper bound, or both, on a score or on its interval."""

    task: TaskName
    metric: str
    subgroup: str = ALL
    at_least: float | None = None
    at_most: float | None = None
    compare: Comparand = Comparand.INTERVAL
    tolerance: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """A gate fails if its interval ends less than this beyond the bound."""

    def __post_init__(self) -> None:
        check_task(self.task)
        if self.at_least is None and self.at_most is None:
            raise ValueError("a threshold needs at_least or at_most")
        bars = [bar for bar in (self.at_least, self.at_most) if bar is not None]
        if not all(map(math.isfinite, [*bars, self.tolerance])) or bars != sorted(bars):
            raise ValueError(
                "at_least, at_most and tolerance must be numbers, at_least no more than at_most"
            )
        self._check_metric()
        for name, bar in (("at_least", self.at_least), ("at_most", self.at_most)):
            if bar is not None:
                self._check_bar(name, bar)

    def _check_metric(self) -> None:
        """Raise ValueError if no run can have the score."""
        if self.metric not in METRICS:
            allowed = describe_choices(self.metric, _list_metrics(self.task))
            raise ValueError(f"there is no metric {self.metric!r}; {allowed}")
        metric = METRICS[self.metric]
        if not is_score_of(metric, self.task):
            raise ValueError(
                f"{self.metric} is no score of {self.task}; "
                f"allowed: {', '.join(_list_metrics(self.task))}"
            )
        if self.subgroup != ALL and not metric.divides:
            self._check_criterion()
        else:
            check_subgroup(self.task, self.subgroup)

    def _check_criterion(self) -> None:
        """Raise ValueError if the subgroup is not a criterion, or the metric has none."""
        if not METRICS[self.metric].by_criterion:
            divided = [name for name in _list_metrics(self.task) if METRICS[name].divides]
            raise ValueError(
                f"{self.metric} is a score of all cases; a subgroup has {' and '.join(divided)}"
            )
        criteria = [f"criterion={name}" for name in CRITERIA]
        if self.subgroup not in criteria:
            raise ValueError(
                f"{self.metric} is a score of all cases or of one criterion, and subgroup = "
                f"{self.subgroup!r} is none; {describe_choices(self.subgroup, criteria)}"
            )

    @property
    def population(self) -> str:
        """The subgroup whose cases it is about; those of a score by criterion are all cases."""
        return ALL if METRICS[self.metric].by_criterion else self.subgroup

    def _check_bar(self, name: str, bar: float) -> None:
        """Raise ValueError if the bound is outside the range of the metric."""
        low, high = METRICS[self.metric].low, METRICS[self.metric].high
        if low <= bar <= high:
            return
        span = f"from {low:g} to {high:g}" if math.isfinite(high) else f"from {low:g} up"
        advice = f"; {bar:g} % is {bar / 100:g}" if high == 1 < bar <= 100 else ""
        raise ValueError(f"{name} = {bar:g}, and {self.metric} lies {span}{advice}")


def _list_metrics(task: str) -> Iterator[str]:
    return (name for name, metric in METRICS.items() if is_score_of(metric, task))


class Regression(GateBase, frozen=True, kw_only=True, tag_field="kind", tag="regression"):
    """A largest drop since ``--baseline RUN``, by a paired test of the cases in both runs.

    ``accuracy`` is tested exactly (McNemar, by image), ``judged_score`` by a paired bootstrap over
    images. The gate fails if the drop is significant at ``level`` and larger than ``margin``, and
    passes if a drop of ``margin`` can be excluded at the same level.
    """

    task: TaskName
    metric: str = "accuracy"
    margin: Share = 0.02
    level: Level = 0.05

    def __post_init__(self) -> None:
        check_task(self.task)
        if self.metric not in ("accuracy", "judged_score"):
            raise ValueError("a regression gate tests 'accuracy' or 'judged_score'")
        if self.metric == "judged_score" and not get_task(self.task).grades_texts:
            tasks = ", ".join(task for task in list_tasks() if get_task(task).grades_texts)
            raise ValueError(f"judged_score is no score of {self.task}, but of {tasks}")


Positive = Annotated[float, msgspec.Meta(gt=0)]


class Latency(GateBase, frozen=True, kw_only=True, tag_field="kind", tag="latency"):
    """A largest ratio of seconds per case to the baseline's, paired by case.

    With ``benchmark``, the rounds of ``--latency`` instead: relative to the baseline's
    (``at_most``), or in seconds (``seconds``).
    """

    at_most: Positive | None = None
    task: TaskName | None = None
    benchmark: Literal["load", "first token", "prompt", "group", "work unit"] | None = None
    state: Literal["warm", "cold"] = "warm"
    seconds: Positive | None = None

    def __post_init__(self) -> None:
        if self.task is not None:
            check_task(self.task)
        bars = [bar for bar in (self.at_most, self.seconds) if bar is not None]
        if len(bars) != 1 or not math.isfinite(bars[0]):
            raise ValueError(
                "a latency gate needs one number: at_most (times the baseline) or seconds"
            )
        if self.seconds is not None and self.benchmark is None:
            raise ValueError("seconds needs a benchmark, such as 'first token'")
        if self.benchmark is not None and self.task is not None:
            raise ValueError("a benchmark has no task")
        if self.benchmark is None and self.state != "warm":
            raise ValueError("state needs a benchmark, such as 'first token'")
        if self.benchmark is not None and self.sample is not None:
            raise ValueError("a benchmark does not depend on the sample; leave sample out")
        if self.benchmark == "load" and self.state == "warm":
            raise ValueError('loading is always cold: set state = "cold"')


class Errors(GateBase, frozen=True, kw_only=True, tag_field="kind", tag="errors"):
    """A largest share of cases that end in a model, judge or image error."""

    at_most: Share = 0.0
    task: TaskName | None = None

    def __post_init__(self) -> None:
        if self.task is not None:
            check_task(self.task)


class Robustness(GateBase, frozen=True, kw_only=True, tag_field="kind", tag="robustness"):
    """What one level of the ladder of ``--robustness`` may change.

    Each bound is compared with the interval of a paired change: ``max_drop`` with the fall of
    accuracy since the unperturbed cases, and ``max_flip_rate_above_identity`` with the share of
    verdicts that flip, less those that flip when the same is asked again.
    """

    perturbation: str
    max_drop: Share | None = None
    max_flip_rate_above_identity: Share | None = None

    def __post_init__(self) -> None:
        parse_perturbation(self.perturbation)
        if self.max_drop is None and self.max_flip_rate_above_identity is None:
            raise ValueError("a robustness gate needs max_drop or max_flip_rate_above_identity")

    @property
    def task(self) -> str:
        """The task that it is about."""
        return Task.ROBUSTNESS

    @property
    def subgroup(self) -> str:
        """The subgroup of its perturbation, written in one way."""
        return f"perturbation={parse_perturbation(self.perturbation)}"

    @property
    def population(self) -> str:
        """The subgroup whose cases it is about."""
        return self.subgroup

    def list_thresholds(self) -> Iterator[Threshold]:
        """The bounds as thresholds on scores."""
        common = Threshold(
            name=self.name,
            minimum=self.minimum,
            sample=self.sample,
            task=self.task,
            metric="accuracy_change",
            subgroup=self.subgroup,
            at_least=-(self.max_drop or 0.0),
        )
        if self.max_drop is not None:
            yield common
        if self.max_flip_rate_above_identity is not None:
            yield msgspec.structs.replace(
                common,
                metric="flip_rate_above_identity",
                at_least=None,
                at_most=self.max_flip_rate_above_identity,
            )


Gate = Threshold | Regression | Latency | Errors | Robustness
