"""The result of a run as a badge of shields.io's endpoint.

https://shields.io/badges/endpoint-badge (schemaVersion 1).
"""

from typing import Any

from fakebench_suite.report.headline import format_bounds, format_value, is_open_ended
from fakebench_suite.report.paper_rows import UNVERIFIED, find_odd_pixels
from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.runs.run_result import RunResult
from fakebench_suite.types import GateOutcome

_COLOURS = {
    GateOutcome.PASS: "brightgreen",
    GateOutcome.INCONCLUSIVE: "yellow",
    GateOutcome.FAIL: "red",
    GateOutcome.NOT_EVALUATED: "lightgrey",
}
_LABELS = {"official": "FakeBench", "probes": "fake-image probes"}
_OTHER_LABEL = "fake images"


def make_badge(manifest: Manifest, result: RunResult) -> dict[str, Any]:
    """Outcome, headline with its interval, and change; grey if no gate was evaluated.

    The label is FakeBench only for runs over its own files and images (docs/concepts.md, rule 6).
    """
    kind = manifest.dataset.kind
    label = _LABELS.get(kind, _OTHER_LABEL) if find_odd_pixels(manifest) is None else _OTHER_LABEL
    ruled, count = result.gates.evaluated, result.gates.count
    some = f" ({ruled} of {count} gates evaluated)" if 0 < ruled < count else ""
    words = [result.outcome.upper() + some]
    score = result.headline
    if score is not None and is_open_ended(score.metric):  # A strength is no percentage.
        bounds = format_bounds(score)
        interval = "" if bounds is None else f" [{', '.join(bounds)}]"
        words.append(f"{score.metric.replace('_', ' ')} {format_value(score)}{interval}")
    elif score is not None and score.value is not None:
        interval = ""
        if score.low is not None and score.high is not None:
            interval = f" [{100 * score.low:.1f}, {100 * score.high:.1f}]"
        name = score.metric.replace("_", " ")
        words.append(f"{score.value:.1%}{interval} {name}")
    else:
        words.append("no score")
    if result.change is not None:
        change = f"{result.change.metric.replace('_', ' ')} {100 * result.change.change:+.1f}"
        words.append(f"{change} points since {result.baseline}")
    if label == _LABELS["official"]:
        words.append(UNVERIFIED)
    if result.partial:
        words.append("partial")
    return {
        "schemaVersion": 1,
        "label": label,
        "message": ", ".join(words),
        "color": _COLOURS[result.outcome],
    }
