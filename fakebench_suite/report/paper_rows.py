"""The published rows of Tables V to VIII with the run as the last row, as text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fakebench_suite.metrics.paper_tables import compare, load_table
from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.tasks.registry import Grader, get_task, list_tasks
from fakebench_suite.types import Score

UNVERIFIED = "pixels unverified"
"""Note at every run over FakeBench's rows."""
_HIDDEN = ("group", "proprietary", "Rank")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """A table of texts."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def compare_with_paper(manifest: Manifest, scores: Sequence[Score]) -> Iterator[TextTable]:
    """One table for each published table in which the run has a cell.

    There is none for data or images that are not FakeBench's.
    """
    if manifest.dataset.kind != "official" or find_odd_pixels(manifest) is not None:
        return
    for task in list_tasks():
        # The authors do not publish their references, so these scores use others.
        own = any(score.task == task and score.metric == "bleu_1" and score.n for score in scores)
        table = compare(task, run_label(task, manifest, own_references=own), scores)
        if table:
            yield format_table(task, table)


_ODD_SHARE = 0.01
"""Share of odd images above which a set is not FakeBench's, whose images are distinct photographs
and images in the style of photographs (arXiv 2404.13306, section III)."""


def find_odd_pixels(manifest: Manifest) -> str | None:
    """Why the images of a run cannot be FakeBench's; None if they may be.

    FakeBench's images may not be redistributed and their digests are not public, so the opposite
    cannot be shown.
    """
    pixels = None if manifest.identity is None else manifest.identity.pixels
    if pixels is None or pixels.odd <= _ODD_SHARE * pixels.known:
        return None
    kinds = {
        "show the pixels of another": pixels.repeated,
        "are of one colour": pixels.flat,
        "are smaller than any of FakeBench's": pixels.small,
    }
    worst = max(kinds, key=lambda kind: kinds[kind])
    return f"{kinds[worst]:,} of {pixels.known:,} images {worst}"


def run_label(task: str, manifest: Manifest, *, own_references: bool = False) -> str:
    """The model's name with the differences between its row and the published ones."""
    notes = [UNVERIFIED, *(["own references"] if own_references else [])]
    covered = (manifest.tasks or {}).get(task, manifest)
    if covered.partial:
        notes.append("partial")
    if covered.errors:
        notes.append("with errors")
    judge, style = manifest.judge, manifest.prompts.style
    if style != "paper":
        notes.append(f"{style} prompts")
    spec = get_task(task)
    if spec.grader is Grader.LABEL and judge.label != "paper":
        notes.append(f"{judge.label} reading")
    if spec.grades_texts and judge.text:
        notes.append(f"judge {judge.text}")
    return f"{manifest.model.name} ({', '.join(notes)})"


def format_table(task: str, table: Sequence[Mapping[str, str]]) -> TextTable:
    """The rows in the paper's columns; missing cells are empty."""
    published = get_task(task).paper_table
    header = [name for name in load_table(task)[0] if name not in _HIDDEN]
    rows = [[row.get(name, "") for name in header] for row in table]
    assert published is not None
    return TextTable(title=f"Table {published.number}: {task}", header=header, rows=rows)
