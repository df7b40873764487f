"""Several runs in one table: over the cases that all of them answered, each with its caveats."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.types import Answer, Authenticity, Outcome, PixelDigest, Record, Task
from fakebench_suite.workflows.leaderboard import METRICS, rank_runs
from tests.factories import IDENTITY, make_record, write_run
from tests.helpers import call

C, W = Outcome.CORRECT, Outcome.INCORRECT


def make_records(outcomes: Sequence[Outcome]) -> list[Record]:
    """A record of each outcome on an image of its own; those with even numbers are fake."""
    return [
        make_record(f"{number}.png", outcome, fake=number % 2 == 0)
        for number, outcome in enumerate(outcomes)
    ]


def weigh(records: Sequence[Record]) -> list[Record]:
    """The records with P(fake) beside their verdicts, unlike for each."""
    weighed = []
    for number, record in enumerate(records):
        said_fake = record.verdict.label == Authenticity.FAKE
        chance = (0.9 if said_fake else 0.1) + number / 1000
        answer = Answer(text="x", tokens=0, seconds=0.1, batch_size=1, p_fake=chance)
        weighed.append(replace(record, answer=answer))
    return weighed


def describe_detector(**card: str) -> dict[str, object]:
    """The settings of a detector's run."""
    return {
        "model": {"name": "det", "weights_digest": "w", "card": {"backend": "classifier"} | card},
        "judge": {"label": "likelihood", "text": None},
    }


def test_a_detector_stands_beside_a_model_that_writes(tmp_path: Path) -> None:
    """The better one first; what needs P(fake) is there for the detector only."""
    writer = write_run(tmp_path / "writer", make_records([C, C, C, W] * 5), partial=[])
    settings = describe_detector(training_data="ProGAN.")
    detector = write_run(
        tmp_path / "detector", weigh(make_records([C] * 20)), partial=[], **settings
    )
    board = rank_runs([writer, detector])
    assert (board.data, board.cases, board.left_out) == ("d", 20, 0)
    first, second = board.rows
    assert (first.run, first.model, first.backend, first.reply) == (
        *("detector", "det", "classifier", "likelihood"),
    )
    assert set(first.scores) == set(METRICS)
    values = {name: first.scores[name].value for name in METRICS[:4]}
    assert values == {
        "balanced_accuracy": 1.0, "roc_auc": 1.0, "average_precision": 1.0, "equal_error_rate": 0.0,
    }  # fmt: skip
    assert first.notes == ["Trained on: ProGAN."]
    assert set(second.scores) == {"balanced_accuracy"}
    assert second.scores["balanced_accuracy"].value == pytest.approx(0.75)
    assert second.notes == []


def test_scores_are_over_the_cases_that_all_answered(tmp_path: Path) -> None:
    """An error, an unscored case, and a case of one run only are in no row; texts are in none."""
    records = make_records([C] * 6)
    broken = [
        make_record("0.png", Outcome.MODEL_ERROR),
        make_record("1.png", Outcome.UNSCORED, fake=False),
        *make_records([C, C, W, C])[2:],
        make_record("9.png", C),
        make_record("2.png", C, task=Task.INTERPRETATION, suffix="faultfinding"),
    ]
    first = write_run(tmp_path / "first", records, partial=[])
    second = write_run(tmp_path / "second", broken, partial=["sampled"])
    board = rank_runs([first, second])
    assert (board.cases, board.left_out) == (2, 5)
    assert {row.scores["balanced_accuracy"].n for row in board.rows} == {2}
    notes = {row.run: row.notes for row in board.rows}
    assert notes["first"] == []
    assert notes["second"] == [
        "1 case with a label could not be scored and is in no accuracy; gates on accuracies are "
        "inconclusive.",
        "Partial run (sampled).",
        "1 case ended in an error and is left out.",
    ]


def test_what_makes_scores_differ_is_said(tmp_path: Path) -> None:
    """A run that was killed is partial, and other prompts and another protocol are named."""
    records = make_records([C, W, C, W])
    asked = [replace(record, prompt="Real or fake?") for record in records[:3]]
    first = write_run(tmp_path / "first", records, partial=[], protocol=3)
    killed = write_run(tmp_path / "killed", records, partial=None, protocol=3)
    other = write_run(tmp_path / "other", [*asked, records[3]], partial=[], protocol=2)
    notes = {row.run: row.notes for row in rank_runs([first, killed, other]).rows}
    assert notes == {
        "first": [],
        "killed": ["Partial run (cut off)."],
        "other": [
            "It was asked otherwise: 3 of 4 prompts differ from those of the first run.",
            "Its replies were read by protocol 2 of the suite and those of the first run by "
            "protocol 3, whose scores can differ.",
        ],
    }


def test_other_pixels_and_unknown_training_data_are_said(tmp_path: Path) -> None:
    """They make scores differ for other reasons than the model."""
    records = make_records([C, W])
    shown = [
        [replace(record, pixels=PixelDigest(digest=digest, size=(1, 1))) for record in records]
        for digest in ("a", "b")
    ]
    first = write_run(tmp_path / "first", shown[0], partial=[])
    second = write_run(tmp_path / "second", shown[1], partial=[], **describe_detector())
    notes = {row.run: row.notes for row in rank_runs([first, second]).rows}
    assert notes["first"] == []
    assert notes["second"] == [
        "It is not known whether det was trained on images of these generators: its card has no "
        "training_data.",
        "It was shown other images: pixels of 2 of 2 images differ from those of the first run.",
    ]


def test_what_limits_the_scores_is_said(tmp_path: Path) -> None:
    """Of the data once, if it is so of all runs; of the others at their own rows.

    Not what limits the run's texts or its changes since a baseline.
    """
    records = make_records([C, W])
    odd = {"digest": "p", "images": 2, "known": 2, "repeated": 2}
    data = {"kind": "official"}
    for name, settings in {
        "first": {},
        "second": {
            "identity": IDENTITY | {"pixels": odd},
            "reservations": ["The baseline old is partial (sampled)."],
            "deselected": {"analysis": "text"},
            "inference": [{"path": "plain", "details": {"refused_parameters": ["seed"]}}],
            "cut_off": {"replies": 1, "of": 2},
        },
    }.items():
        write_run(tmp_path / name, records, partial=[], dataset=data, **settings)
    board = rank_runs([tmp_path / "first", tmp_path / "second"])
    assert board.reservations == []
    first, second = ({row.run: row.notes for row in board.rows}[n] for n in ("first", "second"))
    assert [note.partition(":")[0] for note in first] == ["Pixels unverified"]
    assert [note.partition(":")[0] for note in second] == [
        "These are not FakeBench's images",
        "The model's server refuses seed",
        "1 of 2 replies were cut off at the token limit.",
    ]
    same = write_run(tmp_path / "same", records, partial=[], dataset=data)
    (reservation,) = rank_runs([tmp_path / "first", same]).reservations
    assert reservation.startswith("Pixels unverified")


def test_runs_whose_directories_have_one_name_are_told_apart(tmp_path: Path) -> None:
    """By their paths as given; the others keep their names."""
    folders = [tmp_path / name for name in ("vit", "other/vit", "plain")]
    for folder in folders:
        write_run(folder, make_records([C, W]), partial=[])
    names = {row.run for row in rank_runs(folders).rows}
    assert names == {str(folders[0]), str(folders[1]), "plain"}
    result = call("tables", "vit", "other/vit", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    rows = [line.split()[0] for line in result.stdout.splitlines()[4:6]]
    assert sorted(rows) == ["other/vit", "vit"]


def test_runs_that_cannot_be_compared_are_refused(tmp_path: Path) -> None:
    """One run, one twice, other data, and no case in common."""
    first = write_run(tmp_path / "first", make_records([C, W]))
    other_data = {"name": "old", "kind": "jsonl", "digest": "o"}
    others = write_run(tmp_path / "others", make_records([C]), dataset=other_data)
    apart = write_run(tmp_path / "apart", [make_record("apart.png", C)])
    for folders, message in (
        ([first], "needs several, and got one run"),
        ([first, apart, first], "got first twice"),
        ([first, others], "whose digest differs"),
        (
            [first, apart],
            "2 runs have no answered detection case in common.* Choose runs over the same",
        ),
    ):
        with pytest.raises(UserError, match=message):
            rank_runs(folders)


def test_runs_without_detection_are_told_what_to_do(tmp_path: Path) -> None:
    """With the command that compares what they have."""
    counts = {"cases": 1, "recorded": 1, "errors": 0, "partial": []}
    first, second = (
        write_run(
            tmp_path / "of mine" / name, [make_record("a.png", C, task=Task.REASONING)],
            tasks={"reasoning": counts, **more},
        )
        for name, more in (("first", {}), ("second", {"analysis": counts}))
    )  # fmt: skip
    with pytest.raises(
        UserError, match=r"All have reasoning: .*`fakebench compare '.*first' '.*second'`"
    ):
        rank_runs([first, second])


def test_the_command_prints_the_table(tmp_path: Path) -> None:
    """Rows, what limits them, and what the columns mean."""
    write_run(tmp_path / "writer", make_records([C, C, C, W] * 5), partial=[])
    write_run(
        tmp_path / "detector", weigh(make_records([C] * 20)), partial=[], **describe_detector()
    )
    result = call("tables", "writer", "detector", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[:3] == [
        "detection on d, 20 cases that all runs answered",
        "These are scores of a data set of your own, not FakeBench scores.",
        "",
    ]
    assert [line.split()[0] for line in lines[3:6]] == ["run", "detector", "writer"]
    assert lines[4].split()[:4] == ["detector", "det", "classifier", "likelihood"]
    assert lines[5].split()[-4:] == ["-"] * 4
    assert any(line.startswith("detector: It is not known whether det was") for line in lines)
    assert any(line.startswith("EER: error rate") for line in lines)
    for words, message in (
        (("writer",), "needs several"),
        (("writer", "detector", "--check"), "--check is about the published tables"),
    ):
        result = call("tables", *words, cwd=tmp_path)
        assert result.returncode == 2
        assert message in result.stderr
