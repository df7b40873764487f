"""Several runs in one table of detection: models that write and detectors, over the same cases."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fakebench_suite.errors import UserError
from fakebench_suite.metrics.intervals import Estimate
from fakebench_suite.runs.completeness import describe_partial
from fakebench_suite.runs.differences import check_same_data, describe_pixel_change
from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.runs.store import read_manifest, read_records
from fakebench_suite.tasks.registry import list_tasks
from fakebench_suite.text.display import count_of
from fakebench_suite.types import Outcome, Record, Task

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
    rows: Sequence[LeaderboardRow]


def rank_runs(folders: Sequence[Path]) -> Leaderboard:
    """Score the detection of runs over the cases that all of them answered.

    Raises UserError if fewer than two runs are given, one is given twice, they are over different
    data, or they have no case in common.
    """
    names = [folder.resolve() for folder in folders]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if len(folders) < 2 or repeated is not None:  # a table of one is no comparison
        why = "one run" if repeated is None else f"{repeated.name} twice"
        raise UserError(f"A table of runs needs several, and got {why}. Name each run once.")
    for folder in folders[1:]:
        check_same_data(folder, folders[0])
    runs = [(folder, read_manifest(folder), _read_answered(folder)) for folder in folders]
    common = set.intersection(*(set(answered) for _, _, answered in runs))
    everything = set.union(*(set(answered) for _, _, answered in runs))
    if not common:
        raise UserError(
            f"{count_of(len(folders), 'run')} have no answered detection case in common, and this "
            f"table is of detection. {_describe_others(runs)}"
        )
    first = _Side(manifest=runs[0][1], records=list(runs[0][2].values()))
    shown = _name_runs(folders)
    rows = []
    for name, (folder, manifest, answered) in zip(shown, runs, strict=True):
        side = _Side(manifest=manifest, records=[answered[case] for case in sorted(common)])
        rows.append(_score_run(name, side, first, errors=_count_errors(folder)))
    return Leaderboard(
        data=runs[0][1].dataset.name,
        cases=len(common),
        left_out=len(everything) - len(common),
        rows=sorted(rows, key=_rank),
    )


def _describe_others(runs: Sequence[tuple[Path, Manifest, Mapping[str, Record]]]) -> str:
    """What to do with runs that have no detection in common."""
    tasks = [task for task in list_tasks() if all(task in (run.tasks or {}) for _, run, _ in runs)]
    if not tasks or tasks == [Task.DETECTION]:
        return "Choose runs over the same cases."
    first, second = (folder for folder, _, _ in runs[:2])
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


def _read_answered(folder: Path) -> dict[str, Record]:
    """The detection records of a run that have a verdict on a labelled image, by case id."""
    return {
        record.case.id: record
        for record in read_records(folder)
        if record.case.task == Task.DETECTION
        and not record.verdict.outcome.is_error
        and record.verdict.outcome is not Outcome.UNSCORED
    }


def _count_errors(folder: Path) -> int:
    """The detection cases of a run that ended in an error."""
    return sum(
        record.case.task == Task.DETECTION and record.verdict.outcome.is_error
        for record in read_records(folder)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """A run and some of its detection records."""

    manifest: Manifest
    records: Sequence[Record]


def _score_run(name: str, run: _Side, first: _Side, *, errors: int) -> LeaderboardRow:
    """The row of a run; ``first`` is the run that the others are compared with."""
    from fakebench_suite.metrics.dataframe import records_to_rows
    from fakebench_suite.metrics.detection import score_detection

    scores = dict(score_detection(records_to_rows(run.records)))
    return LeaderboardRow(
        run=name,
        model=run.manifest.model.name,
        backend=str(run.manifest.model.card.get("backend", "")),
        reply=run.manifest.judge.label,
        scores={metric: scores[metric] for metric in METRICS if metric in scores},
        notes=[*_list_notes(run.manifest, errors), *_list_differences(run, first)],
    )


def _list_notes(manifest: Manifest, errors: int) -> Iterator[str]:
    """What a model was trained on, and which cases have no answer."""
    trained = manifest.model.summarize_card().training_data
    if trained:
        yield f"Trained on: {trained.removesuffix('.')}."
    elif manifest.model.card.get("backend") == "classifier":
        yield "It is not known what it was trained on."
    if why := describe_partial(manifest):
        yield f"Partial run ({why})."
    if errors:
        be = "is" if errors == 1 else "are"
        yield f"{count_of(errors, 'case')} ended in an error and {be} left out."


def _list_differences(run: _Side, first: _Side) -> Iterator[str]:
    """What makes the scores of a run differ from those of the first one, besides the model."""
    pixels = describe_pixel_change(first.records, run.records)
    if pixels is not None:
        yield f"It was shown other images: {pixels} differ from those of the first run."
    prompts = {record.case.id: record.prompt for record in first.records}
    changed = sum(prompts.get(record.case.id) != record.prompt for record in run.records)
    if changed:
        yield (
            f"It was asked otherwise: {changed:,} of {count_of(len(run.records), 'prompt')} differ "
            "from those of the first run."
        )
    if run.manifest.protocol != first.manifest.protocol:
        yield (
            f"Its replies were read by protocol {run.manifest.protocol} of the suite and those of "
            f"the first run by protocol {first.manifest.protocol}, whose scores can differ."
        )
