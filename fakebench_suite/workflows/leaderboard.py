"""Several runs in one table of detection: models that write and detectors, over the same cases."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fakebench_suite.errors import UserError
from fakebench_suite.metrics.intervals import Estimate
from fakebench_suite.report.markdown import describe_data, describe_note, describe_replies
from fakebench_suite.runs.completeness import describe_partial
from fakebench_suite.runs.differences import check_same_data, describe_pixel_change
from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.runs.store import read_all_records, read_manifest
from fakebench_suite.tasks.registry import list_tasks
from fakebench_suite.text.display import count_of
from fakebench_suite.types import Outcome, Record, Task
from fakebench_suite.workflows.finalize import list_answer_reservations

METRICS = (
    "balanced_accuracy", "roc_auc", "average_precision", "equal_error_rate",
    "expected_calibration_error",
)  # fmt: skip
"""The scores of a row; all but the first need P(fake)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderboardRow:
    """The scores of one run."""

    run: str
    """Name of its directory; its path as given where several have that name."""
    model: str
    backend: str
    reply: str
    """How its replies were read, as in the manifest."""
    scores: Mapping[str, Estimate]
    """By metric; those that need P(fake) are absent where there is none."""
    notes: Sequence[str]
    """Sentences that limit what these scores mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """Runs over the same data set, the highest balanced accuracy first."""

    data: str
    cases: int
    """Detection cases that every run has an answer to; the scores are over these."""
    left_out: int
    """Detection cases that some runs have no answer to."""
    reservations: Sequence[str]
    """Sentences on the data set that limit the scores of every run."""
    rows: Sequence[LeaderboardRow]


def rank_runs(folders: Sequence[Path]) -> Leaderboard:
    """Score the detection of runs over the cases that all of them answered.

    Raises UserError if fewer than two runs are given, one is given twice, they are over different
    data, they have no case in common, or one lost records.
    """
    names = [folder.resolve() for folder in folders]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if len(folders) < 2 or repeated is not None:  # a table of one is no comparison
        why = "one run" if repeated is None else f"{repeated.name} twice"
        raise UserError(f"A table of runs needs several, and got {why}. Name each run once.")
    for folder in folders[1:]:
        check_same_data(folder, folders[0])
    runs = [_read_run(folder) for folder in folders]
    common = set.intersection(*(set(run.answered) for run in runs))
    everything = set.union(*(set(run.answered) for run in runs))
    if not common:
        raise UserError(
            f"{count_of(len(folders), 'run')} have no answered detection case in common, and this "
            f"table is of detection. {_describe_others(runs)}"
        )
    shown = [replace(run, answered={case: run.answered[case] for case in common}) for run in runs]
    about = [list(describe_data(run.manifest)) for run in runs]
    shared = [text for text in about[0] if all(text in texts for texts in about)]
    rows = [
        _score_run(name, run, shown[0], shared=shared)
        for name, run in zip(_name_runs(folders), shown, strict=True)
    ]
    return Leaderboard(
        data=runs[0].manifest.dataset.name,
        cases=len(common),
        left_out=len(everything) - len(common),
        reservations=shared,
        rows=sorted(rows, key=_rank),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """A run, and its detection records that have a verdict on a labelled image."""

    folder: Path
    manifest: Manifest
    answered: Mapping[str, Record]
    """By case id."""
    errors: int
    """Detection cases that ended in an error."""
    reservations: Sequence[str]
    """What limits the meaning of its detection records."""


def _read_run(folder: Path) -> _Run:
    manifest = read_manifest(folder)
    records = [
        record
        for record in read_all_records(folder, manifest)
        if record.case.task == Task.DETECTION
    ]
    return _Run(
        folder=folder,
        manifest=manifest,
        answered={
            record.case.id: record
            for record in records
            if not record.verdict.outcome.is_error
            and record.verdict.outcome is not Outcome.UNSCORED
        },
        errors=sum(record.verdict.outcome.is_error for record in records),
        reservations=list_answer_reservations(manifest, records),
    )


def _describe_others(runs: Sequence[_Run]) -> str:
    """What to do with runs that have no detection in common."""
    asked = [run.manifest.tasks or {} for run in runs]
    tasks = [task for task in list_tasks() if all(task in tables for tables in asked)]
    if not tasks or tasks == [Task.DETECTION]:
        return "Choose runs over the same cases."
    first, second = (shlex.quote(str(run.folder)) for run in runs[:2])
    return (
        f"All have {', '.join(tasks)}: compare two of them with "
        f"`fakebench compare {first} {second}`."
    )


def _name_runs(folders: Sequence[Path]) -> list[str]:
    """The names of directories, or their paths as given where a name repeats."""
    names = [folder.resolve().name for folder in folders]
    return [
        str(folder) if names.count(name) > 1 else name
        for folder, name in zip(folders, names, strict=True)
    ]


def _rank(row: LeaderboardRow) -> tuple[float, str]:
    value = row.scores["balanced_accuracy"].value
    return (-1.0 if value is None else -value, row.run)


def _score_run(name: str, run: _Run, first: _Run, *, shared: Sequence[str]) -> LeaderboardRow:
    """The row of a run; ``first`` is the run that the others are compared with.

    ``shared`` are the reservations of all runs.
    """
    from fakebench_suite.metrics.dataframe import records_to_rows
    from fakebench_suite.metrics.detection import score_detection

    records = [run.answered[case] for case in sorted(run.answered)]
    scores = dict(score_detection(records_to_rows(records)))
    return LeaderboardRow(
        run=name,
        model=run.manifest.model.name,
        backend=str(run.manifest.model.card.get("backend", "")),
        reply=run.manifest.judge.label,
        scores={metric: scores[metric] for metric in METRICS if metric in scores},
        notes=[
            *(text for text in describe_data(run.manifest) if text not in shared),
            *_list_notes(run),
            *_list_differences(run, first),
        ],
    )


def _list_notes(run: _Run) -> Iterator[str]:
    """What a model was trained on, what limits its answers, and which cases have none."""
    manifest = run.manifest
    trained = manifest.model.summarize_card().training_data
    if trained:
        yield f"Trained on: {trained.removesuffix('.')}."
    # Not those in the manifest, which are of its texts and its baseline, too.
    yield from run.reservations
    yield from describe_note(manifest)
    yield from describe_replies(manifest)
    if why := describe_partial(manifest):
        yield f"Partial run ({why})."
    if run.errors:
        be = "is" if run.errors == 1 else "are"
        yield f"{count_of(run.errors, 'case')} ended in an error and {be} left out."


def _list_differences(run: _Run, first: _Run) -> Iterator[str]:
    """What makes the scores of a run differ from those of the first one, besides the model."""
    pixels = describe_pixel_change([*first.answered.values()], [*run.answered.values()])
    if pixels is not None:
        yield f"It was shown other images: {pixels} differ from those of the first run."
    changed = sum(
        record.prompt != first.answered[case].prompt for case, record in run.answered.items()
    )
    if changed:
        prompts = count_of(len(run.answered), "prompt")
        yield (
            f"It was asked otherwise: {changed:,} of {prompts} differ from those of the first run."
        )
    if run.manifest.protocol != first.manifest.protocol:
        yield (
            f"Its replies were read by protocol {run.manifest.protocol} of the suite and those of "
            f"the first run by protocol {first.manifest.protocol}, whose scores can differ."
        )
