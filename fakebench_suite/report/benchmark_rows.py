"""The scores of a run under the names of the benchmark that its data set comes from, as text."""

from collections.abc import Iterator, Sequence

from fakebench_suite.metrics.benchmark_metrics import list_benchmark_scores
from fakebench_suite.report.paper_rows import TextTable
from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.text.display import to_single_line
from fakebench_suite.types import Score

BENCHMARK_NOTE = (
    "Replies that assert nothing count as wrong unless the name says otherwise, and none is "
    "guessed; the official scripts differ in places, which docs/other-benchmarks.md lists."
)
HEADER = ("metric", "value", "95 % interval", "n", "here")
NUMBERS = ("value", "n")


def list_benchmark_tables(manifest: Manifest, scores: Sequence[Score]) -> Iterator[TextTable]:
    """One table if the run's data set is another benchmark's and has a score; else none."""
    rows = [
        (
            to_single_line(named.name),
            f"{named.score.value:z.3f}",
            _format_interval(named.score),
            f"{named.score.n:,}",
            f"{named.score.metric} of {named.score.task}",
        )
        for named in list_benchmark_scores(manifest.dataset.kind, scores)
    ]
    if rows:
        title = f"{to_single_line(manifest.dataset.name)} under its own metric names"
        yield TextTable(title=title, header=HEADER, rows=rows)


def _format_interval(score: Score) -> str:
    if score.low is None or score.high is None:
        return ""
    return f"{score.low:z.3f} to {score.high:z.3f}"
