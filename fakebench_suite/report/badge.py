"""The run in one line: a badge in the shape that shields.io's endpoint reads.

https://shields.io/badges/endpoint-badge (schemaVersion 1).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fakebench_suite.types import Decision, Ruling, Score, Task

_COLOURS = {Ruling.PASS: "brightgreen", Ruling.INCONCLUSIVE: "yellow", Ruling.FAIL: "red"}
_LABELS = {"official": "FakeBench", "probes": "fake-image probes"}


def make_badge(
    manifest: Mapping[str, Any], scores: Sequence[Score], decisions: Sequence[Decision]
) -> dict[str, Any]:
    """Balanced accuracy and the worst ruling; grey where no gate was asked.

    Only a run over FakeBench's own files carries its name (DESIGN.md, rule 6).
    """
    worst = next(
        (one for one in reversed(_COLOURS) if any(d.ruling is one for d in decisions)), None
    )
    value = next(
        (
            one.value
            for one in scores
            if (one.task, one.metric) == (Task.DETECTION, "balanced_accuracy")
        ),
        None,
    )
    words = [] if value is None else [f"{value:.1%} balanced accuracy"]
    if manifest["partial"]:
        words.append("partial")
    if worst is not None:
        words.append(str(worst))
    return {
        "schemaVersion": 1,
        "label": _LABELS.get(manifest["dataset"]["kind"], "fake images"),
        "message": ", ".join(words) or "no score",
        "color": "lightgrey" if worst is None else _COLOURS[worst],
    }
