"""The rules a run has to meet: ``gates.toml``, checked on reading."""

import math
import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from fakebench_suite.errors import UserError
from fakebench_suite.metrics.names import METRICS
from fakebench_suite.types import Task

NO_GATES = "none"
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Level = Annotated[float, msgspec.Meta(gt=0, lt=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class Bound(StrEnum):
    """Which figure of a score is held against the bar."""

    VALUE = "value"
    INTERVAL = "interval"
    """The end of the 95 % interval that lies towards the bar."""


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What every gate has."""

    name: Annotated[str, msgspec.Meta(min_length=1, pattern=r"^[^\x00-\x1f\x7f]+$")]
    minimum: Count = 1
    """Fewer cases than this rule nothing."""
    sample: Count | None = None
    """Accepts a run of ``--sample N`` with N at least this; without it a sample is inconclusive."""


class Threshold(Rule, frozen=True, kw_only=True, tag_field="kind", tag="threshold"):
    """A floor or a ceiling, or both, on a score or on its interval."""

    task: Task
    metric: str
    slice: str = "all"
    at_least: float | None = None
    at_most: float | None = None
    on: Bound = Bound.INTERVAL
    negligible: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """An interval across the bar that shows no more than this beyond it fails all the same."""

    def __post_init__(self) -> None:
        if self.at_least is None and self.at_most is None:
            raise ValueError("a threshold needs at_least or at_most")
        bars = [bar for bar in (self.at_least, self.at_most) if bar is not None]
        if not all(map(math.isfinite, [*bars, self.negligible])) or bars != sorted(bars):
            raise ValueError(
                "at_least, at_most and negligible must be numbers, at_least no more than at_most"
            )
        if self.metric not in METRICS:
            raise ValueError(f"there is no metric {self.metric!r}; known: {', '.join(METRICS)}")


class Regression(Rule, frozen=True, kw_only=True, tag_field="kind", tag="regression"):
    """No worse than ``--baseline RUN``, by a paired test on the cases both runs answered.

    ``accuracy`` is tested exactly (McNemar, by image), ``judged_score`` by a paired bootstrap over
    images. The ruling is fail where the drop is significant at ``level`` and larger than
    ``margin``, pass where a drop of ``margin`` is ruled out at the same level.
    """

    task: Task
    metric: str = "accuracy"
    margin: Share = 0.02
    level: Level = 0.05

    def __post_init__(self) -> None:
        if self.metric not in ("accuracy", "judged_score"):
            raise ValueError("a regression gate tests 'accuracy' or 'judged_score'")


Positive = Annotated[float, msgspec.Meta(gt=0)]


class Latency(Rule, frozen=True, kw_only=True, tag_field="kind", tag="latency"):
    """Seconds per case against the baseline's: the ratio of their means, paired by case.

    With ``benchmark`` the rounds of ``--latency`` instead: against the baseline's (``at_most``), or
    against a bar of their own (``seconds``).
    """

    at_most: Positive | None = None
    task: Task | None = None
    benchmark: Literal["load", "first token", "prompt", "group", "slice"] | None = None
    state: Literal["warm", "cold"] = "warm"
    seconds: Positive | None = None

    def __post_init__(self) -> None:
        bars = [bar for bar in (self.at_most, self.seconds) if bar is not None]
        if len(bars) != 1 or not math.isfinite(bars[0]):
            raise ValueError(
                "a latency gate needs one number: at_most (times the baseline) or seconds"
            )
        if self.seconds is not None and self.benchmark is None:
            raise ValueError("seconds are of a benchmark, such as 'first token'")
        if self.benchmark is not None and self.task is not None:
            raise ValueError("a benchmark is of no task")
        if self.benchmark is None and self.state != "warm":
            raise ValueError("state is of a benchmark, such as 'first token'")
        if self.benchmark is not None and self.sample is not None:
            raise ValueError("a benchmark is measured whatever the sample; leave sample out")
        if self.benchmark == "load" and self.state == "warm":
            raise ValueError('loading is cold: say state = "cold"')


class Errors(Rule, frozen=True, kw_only=True, tag_field="kind", tag="errors"):
    """The share of cases that ended in a model, judge or image error."""

    at_most: Share = 0.0
    task: Task | None = None


Gate = Threshold | Regression | Latency | Errors


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    gate: Annotated[list[Gate], msgspec.Meta(min_length=1)]


def find_gates(asked: str | None, *, root: Path, where: Path) -> tuple[Gate, ...]:
    """The gates of a file asked for, a path relative to ``where``; else those of ``root``.

    ``none`` and a root without ``gates.toml`` mean no gates. Raises UserError as read_gates.
    """
    if asked == NO_GATES:
        return ()
    path = where / asked if asked else root / "gates.toml"
    return () if asked is None and not path.exists() else read_gates(path)


def read_gates(path: Path) -> tuple[Gate, ...]:
    """The gates of a file; raises UserError saying what is wrong with it."""
    try:
        gates = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).gate
    except (
        tomllib.TOMLDecodeError,
        UnicodeDecodeError,
        RecursionError,
        msgspec.ValidationError,
    ) as error:
        raise UserError(f"The gates in {path} are malformed: {error}{_allow(error)}.") from error
    except OSError as error:
        raise UserError(f"The gates in {path} cannot be read: {error.strerror}.") from error
    names = [gate.name for gate in gates]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"Two gates in {path} are called {twice[0]!r}; give each its own name.")
    return tuple(gates)


def _allow(error: Exception) -> str:
    """What may stand where msgspec found something else, as far as these are a few words."""
    where = re.fullmatch(r"Invalid (?:enum )?value .* - at `\$\.gate\[\d+\]\.(\w+)`", str(error))
    if where is None:
        return ""
    kinds = get_args(Gate)
    if where[1] == "kind":
        words = [str(kind.__struct_config__.tag) for kind in kinds]
    else:
        hints = [get_type_hints(kind).get(where[1]) for kind in kinds]
        words = next(filter(None, map(_list_words, hints)), [])
    return f"; allowed: {', '.join(words)}" if words else ""


def _list_words(hint: Any) -> list[str]:
    """The words of a Literal or an enumeration, optional or not."""
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return list(hint)
    if get_origin(hint) is Literal:
        return list(get_args(hint))
    return [word for part in get_args(hint) for word in _list_words(part)]
