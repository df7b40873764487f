"""The table of robustness for terminal, summary and page: the worst level of each family."""

from collections.abc import Mapping, Sequence

from fakebench_suite.report.paper_rows import TextTable
from fakebench_suite.tasks.robustness import FAMILIES, IDENTITY, list_ladder
from fakebench_suite.types import Score, Task

HEADER = ("family", "worst level", "accuracy", "change", "flip rate", "lost verdicts", "n")
ROBUSTNESS_NOTE = (
    "The level of each family is the one with the largest fall of accuracy, chosen among all "
    "of its levels once they were known; its intervals do not allow for that choice."
)
"""What is to be said under the table."""
_PREFIX = "perturbation="
_METRICS = ("accuracy", "accuracy_change", "flip_rate", "verdict_loss_rate")


def robustness_table(scores: Sequence[Score]) -> Sequence[TextTable]:
    """One table; none without a ladder.

    The worst level of a family is the one at which accuracy falls most; of equal falls, the one
    with the most flips. ``identity`` is the noise that all others are compared with.
    """
    levels = group_by_level(scores)
    rows = [_make_row(IDENTITY, "", levels[IDENTITY])] if IDENTITY in levels else []
    for family in FAMILIES:
        asked = [level for level in map(str, list_ladder([family])) if level in levels]
        if asked:
            worst = min(asked, key=lambda level: _rank(levels[level]))
            rows.append(_make_row(family, worst, levels[worst]))
    if not rows:
        return []
    return [TextTable(title="Robustness, by family of perturbations", header=HEADER, rows=rows)]


def group_by_level(scores: Sequence[Score]) -> Mapping[str, Mapping[str, Score]]:
    """The scores of each perturbation by metric."""
    levels: dict[str, dict[str, Score]] = {}
    for score in scores:
        if score.task == Task.ROBUSTNESS and score.subgroup.startswith(_PREFIX):
            levels.setdefault(score.subgroup.removeprefix(_PREFIX), {})[score.metric] = score
    return {
        level: of_level for level, of_level in levels.items() if set(_METRICS) <= of_level.keys()
    }


def _rank(level: Mapping[str, Score]) -> tuple[float, float]:
    """Smallest for the worst level; what has no value is no worse than what has."""
    change, flips = level["accuracy_change"].value, level["flip_rate"].value
    return (1.0 if change is None else change, 0.0 if flips is None else -flips)


def _make_row(family: str, level: str, scores: Mapping[str, Score]) -> Sequence[str]:
    change, flips = scores["accuracy_change"], scores["flip_rate"]
    return (
        family,
        level,
        _format(scores["accuracy"]),
        _format_interval(change, "+z.3f"),
        _format_interval(flips, "z.3f"),
        _format(scores["verdict_loss_rate"]),
        f"{change.n:,}",
    )


def _format(score: Score) -> str:
    return "-" if score.value is None else f"{score.value:z.3f}"


def _format_interval(score: Score, number: str) -> str:
    if score.value is None:
        return "-"
    if score.low is None or score.high is None:
        return f"{score.value:{number}}"
    return f"{score.value:{number}} [{score.low:{number}}, {score.high:{number}}]"
