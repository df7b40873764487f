"""The table of scores for terminal and summary, and summary.md."""

import re
from collections.abc import Iterable, Iterator, Sequence

from fakebench_suite.datasets.registry import EMBEDDED
from fakebench_suite.grading.judges.calibration import MIN_ORDERED_SHARE
from fakebench_suite.metrics.paper_tables import FOOTNOTE
from fakebench_suite.report.benchmark_rows import (
    BENCHMARK_NOTE,
    NUMBERS,
    list_benchmark_tables,
)
from fakebench_suite.report.grounding import list_grounding_tables
from fakebench_suite.report.headline import (
    describe_result,
    format_bounds,
    format_value,
    list_meanings,
)
from fakebench_suite.report.latency import latency_table
from fakebench_suite.report.paper_rows import compare_with_paper, find_odd_pixels
from fakebench_suite.report.robustness import ROBUSTNESS_NOTE, robustness_table
from fakebench_suite.report.run_facts import list_facts
from fakebench_suite.runs.completeness import describe_partial, list_whole
from fakebench_suite.runs.manifest import Manifest, ManifestCalibration
from fakebench_suite.runs.metric_delta import MetricDelta
from fakebench_suite.runs.run_result import RunResult
from fakebench_suite.tasks.registry import get_task, list_tasks
from fakebench_suite.text.display import count_of, to_single_line
from fakebench_suite.types import GateResult, LatencyTiming, Score

Row = tuple[str, str, str, str, str, str]
HEADER: Row = ("task", "subgroup", "metric", "value", "95 % interval", "n")
CHANGE_HEADER = ("task", "metric", "before", "after", "change", "95 % interval", "p", "n")
CHANGE_NUMBERS = ("before", "after", "change", "p", "n")
_RATES = (
    "unparsed", "refused", "truncated", "cut_off", "unscored", "unexplained",
    "model_error", "judge_error", "image_error",
)  # fmt: skip


def list_rows(scores: Sequence[Score]) -> Iterator[Row]:
    """The rows of the table of scores, as texts in the columns of HEADER."""
    yield from map(_to_row, list_scores(scores))


def list_scores(scores: Sequence[Score]) -> Iterator[Score]:
    """The scores in the table: headlines, rates above zero, then subgroups.

    ``scores.json`` has all scores. Subgroups of all cases are left out here, and so are content
    categories and criteria of detection, of which there are dozens.
    """
    for task in list_tasks():
        spec = get_task(task)
        task_scores = [score for score in scores if score.task == task]
        whole = [score for score in task_scores if score.subgroup == "all"]
        shown = [score for name in spec.headlines for score in whole if score.metric == name]
        rates = {f"{name}_rate" for name in _RATES}
        shown += [score for score in whole if score.metric in rates and score.value]
        kinds = tuple(f"{kind}=" for kind in spec.subgroups)
        most = max((score.n for score in whole if score.metric == "accuracy"), default=0)
        shown += [
            score
            for score in task_scores
            if score.subgroup.startswith(kinds)
            and score.n < most
            and (score.metric == "accuracy" or score.subgroup.startswith("label="))
        ]
        yield from (score for score in shown if score.n)


def _to_row(score: Score) -> Row:
    value, bounds = format_value(score) or "-", format_bounds(score)
    interval = "" if bounds is None else " to ".join(bounds)
    metric = f"{score.metric} ({to_single_line(score.judge)})" if score.judge else score.metric
    return (
        str(score.task),
        to_single_line(score.subgroup),
        metric,
        value,
        interval,
        f"{score.n:,}",
    )


def list_change(shift: MetricDelta) -> tuple[str, ...]:
    """The change of one metric, as texts in the columns of CHANGE_HEADER."""
    return (
        str(shift.task),
        shift.metric,
        f"{shift.before:z.3f}",
        f"{shift.after:z.3f}",
        f"{shift.change:+z.3f}",
        f"{shift.low:+z.3f} to {shift.high:+z.3f}",
        "" if shift.p is None else f"{shift.p:.2g}",
        f"{shift.n:,}",
    )


_PROBE_NOTES = [
    "These are scores of embedded probes, not FakeBench scores.",
    "All probes are crops of four photographs; the intervals do not generalise to others.",
]
_DATASET_NOTES = {
    **dict.fromkeys(EMBEDDED, _PROBE_NOTES),
    "jsonl": ["These are scores of a data set of your own, not FakeBench scores."],
    "folder": ["These are scores of a folder of your own images, not FakeBench scores."],
    "layout": ["The files differ from FakeBench's as published: these are not FakeBench scores."],
}


_OTHER_BENCHMARKS = frozenset({"loki", "fakevlm-fakeclue", "synthscars", "x-aigd", "mmfr"})
"""Kinds of data sets that are benchmarks of others."""


def describe_run(manifest: Manifest) -> list[str]:
    """A title and the reservations of a run: what limits the meaning of its scores."""
    name, data = to_single_line(manifest.model.name), to_single_line(manifest.dataset.name)
    lines = [f"{name} on {data}: {count_of(manifest.recorded or 0, 'case')}"]
    lines += describe_data(manifest)
    lines += map(to_single_line, manifest.reservations)
    lines += describe_note(manifest)
    lines += _describe_detector(manifest)
    if manifest.partial:
        why, whole = to_single_line(describe_partial(manifest)), list_whole(manifest)
        but = f", whole in {' and '.join(whole)}" if whole else ""
        lines.append(f"PARTIAL RUN ({why}){but}: not a result to publish.")
    if manifest.errors:
        lines.append(f"Cases that ended in an error (not part of any accuracy): {manifest.errors}.")
    lines += describe_replies(manifest)
    judge = manifest.judge
    if judge.calibration is not None and not judge.calibration.passed:
        lines.append(
            f"The judge {to_single_line(str(judge.text))} "
            f"{_describe_calibration(judge.calibration)}: its scores cannot be gated."
        )
    return lines


def _describe_detector(manifest: Manifest) -> Iterator[str]:
    """What the outputs of a detector mean, and what a model was trained on."""
    details = next((info.details for info in manifest.inference if info.details), {})
    fake, names = details.get("fake_labels"), details.get("labels")
    if isinstance(fake, list) and isinstance(names, list) and fake:
        yield (
            f"P(fake) is the probability of {', '.join(map(to_single_line, map(str, fake)))}, of "
            f"the classifier's labels {', '.join(map(to_single_line, map(str, names)))}."
        )
    trained = manifest.model.summarize_card().training_data
    if trained:
        yield f"Trained on: {to_single_line(trained).removesuffix('.')}."


def describe_data(manifest: Manifest) -> Iterator[str]:
    """What a data set is, and whether its scores are FakeBench's."""
    dataset = manifest.dataset
    yield from _DATASET_NOTES.get(dataset.kind, [])
    if dataset.kind in _OTHER_BENCHMARKS:
        yield (
            f"These are scores of the benchmark {to_single_line(dataset.name)}, not FakeBench "
            "scores."
        )
    if dataset.note:
        yield f"{to_single_line(dataset.note)}."
    if dataset.kind == "official":
        yield describe_pixels(manifest)


def describe_note(manifest: Manifest) -> Iterator[str]:
    """What the card says of the scores of its model, if anything."""
    note = manifest.model.summarize_card().note
    if note:
        yield f"Note: {to_single_line(note)}."


def describe_replies(manifest: Manifest) -> Iterator[str]:
    """What may have changed the replies: the token limit, unused tensors."""
    cut = manifest.cut_off
    if cut is not None and cut.replies:
        limit = manifest.model.summarize_card().generation.max_new_tokens
        at = "the token limit" if limit is None else f"max_new_tokens = {limit:,}"
        yield f"{cut.replies:,} of {cut.of:,} replies were cut off at {at}."
    left = sorted({name for info in manifest.inference for name in info.left_over})
    if left:
        shown = ", ".join(map(to_single_line, left[:3])) + (", ..." if len(left) > 3 else "")
        yield f"Tensors of the checkpoint that its architecture does not use: {len(left)}; {shown}."


def describe_pixels(manifest: Manifest) -> str:
    """Whether a run over FakeBench's rows used FakeBench's images, as far as is known."""
    odd = find_odd_pixels(manifest)
    if odd is not None:
        return (
            f"These are not FakeBench's images: {odd}. These are not FakeBench scores, and they "
            "have no row in its tables."
        )
    return (
        "Pixels unverified: the rows are FakeBench's, but the digests of its images are not public "
        "and cannot be compared."
    )


def _describe_calibration(calibration: ManifestCalibration) -> str:
    """Why a judge did not pass its calibration."""
    if calibration.reason is not None:
        return f"could not be calibrated ({to_single_line(calibration.reason)})"
    if all(mean is None for mean in calibration.means.values()):
        return "gave no ratings of known texts"
    wrong = [name for name, share in calibration.right.items() if share < MIN_ORDERED_SHARE]
    return f"ranked known texts in the wrong order ({', '.join(wrong)})"


def write_markdown(
    manifest: Manifest,
    scores: Sequence[Score],
    result: RunResult,
    decisions: Sequence[GateResult] = (),
    *,
    shifts: Sequence[MetricDelta] = (),
    timings: Sequence[LatencyTiming] = (),
) -> str:
    """summary.md: result, reservations, gates, changes and headlines; the rest is in details.

    It is short enough for a comment on a pull request, which is limited to 65,536 characters.
    """
    title, *reservations = map(_escape, describe_run(manifest))
    lines = [f"# {title}", "", f"**{_escape(to_single_line(describe_result(result)))}**", ""]
    if reservations:
        lines += ["> " + "\n> ".join(reservations), ""]
    if decisions:
        rows = [(gate.gate, str(gate.outcome), gate.reason) for gate in decisions]
        lines += [*_format_table(("gate", "outcome", "reason"), rows, numbers=()), ""]
    if shifts:
        changes = _format_table(CHANGE_HEADER, map(list_change, shifts), numbers=CHANGE_NUMBERS)
        lines += [
            f"Changes since {_escape(to_single_line(str(result.baseline)))}",
            "",
            *changes,
            "",
        ]
    shown = list(list_scores(scores))
    whole = [_to_row(score) for score in shown if score.subgroup == "all"]
    subgroups = [_to_row(score) for score in shown if score.subgroup != "all"]
    lines += _format_table(HEADER, whole, numbers=("value", "n"))
    if subgroups:
        table = _format_table(HEADER, subgroups, numbers=("value", "n"))
        lines += _details("By class, question type, generator and criterion", table)
    for grid in robustness_table(scores):
        lines += [
            "",
            grid.title,
            "",
            *_format_table(grid.header, grid.rows, numbers=grid.header[2:]),
            "",
            _escape(ROBUSTNESS_NOTE),
        ]
    published = list(compare_with_paper(manifest, scores))
    for grid in list_benchmark_tables(manifest, scores):
        own = _format_table(grid.header, grid.rows, numbers=NUMBERS)
        lines += ["", f"## {_escape(grid.title)}", "", *own, "", _escape(BENCHMARK_NOTE)]
    for grid, note in list_grounding_tables(scores):
        table = _format_table(grid.header, grid.rows, numbers=grid.header[1:])
        lines += _details(grid.title, [*table, "", _escape(note)])
    for grid in (*latency_table(timings), *published):
        lines += _details(
            grid.title, _format_table(grid.header, grid.rows, numbers=grid.header[1:])
        )
    meanings = list_meanings([score.metric for score in shown])
    lines += _details(
        "What the metrics mean", _format_table(("metric", "meaning"), meanings, numbers=())
    )
    lines += _details(
        "Which run this is", _format_table(("", ""), list_facts(manifest), numbers=())
    )
    if published:
        lines += ["", _escape(FOOTNOTE)]
    return "\n".join(lines) + "\n"


def _format_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[str]
) -> list[str]:
    rules = ("---:" if name in numbers else "---" for name in header)
    cells = ((_escape(to_single_line(cell)) for cell in row) for row in rows)
    return [
        f"| {' | '.join(map(_escape, header))} |",
        f"|{'|'.join(rules)}|",
        *(f"| {' | '.join(row)} |" for row in cells),
    ]


def _details(title: str, lines: Sequence[str]) -> list[str]:
    """Lines that are hidden until their title is clicked."""
    return ["", f"<details><summary>{_escape(title)}</summary>", "", *lines, "", "</details>"]


def _escape(text: str) -> str:
    """The text with the special characters of Markdown and HTML as entities.

    GitHub links names after @, numbers after # and bare addresses; a zero-width word joiner
    prevents it.
    """
    plain = "".join(f"&#{ord(char)};" if char in _SPECIAL else char for char in text)
    plain = _EMPHASIS.sub("&#95;", plain)
    return _AUTOLINKED.sub("\\g<0>\u2060", plain)


_AUTOLINKED = re.compile(r"@|(?<!&)#(?=\d)|:(?=//)|(?i:www)(?=\.)")
_EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""Underscores that are not inside a word, where they are plain text."""
_SPECIAL = frozenset("|<>&[]`*~\\")
