"""Merging: the same model, prompts and pixels; answers before errors; nothing but whole runs."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from fakebench_suite.errors import MachineError, UserError
from fakebench_suite.gates.config import make_gate_config
from fakebench_suite.provenance import digest_pixels
from fakebench_suite.report import html
from fakebench_suite.report.run_facts import list_facts
from fakebench_suite.runs.store import read_manifest, read_records
from fakebench_suite.types import Outcome
from fakebench_suite.workflows import merge
from fakebench_suite.workflows.merge import merge_runs
from tests import factories
from tests.factories import IDENTITY, make_answer, write_run

NO_GATES = make_gate_config(None, (), named=True, absent="it is a test")
RED, BLUE = (digest_pixels(Image.new("RGB", (4, 4), colour)) for colour in ("red", "blue"))


def change(field: str, value: object) -> dict[str, object]:
    """A manifest that differs in one part of the identity."""
    return {"identity": IDENTITY | {field: value}}


C, W, E = Outcome.CORRECT, Outcome.INCORRECT, Outcome.MODEL_ERROR
make_records = partial(factories.make_records, pixels=RED)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (change("weights", "x"), "model weights"),
        (change("files", IDENTITY["files"] | {"chat_template.jinja": "x"}), "chat_template.jinja"),
        (change("files", {"chat_template.jinja": "t"}), "model file processor_config.json"),
        (change("card", {"dtype": "auto", "generation": {}}), "card generation.max_new_tokens"),
        (change("remote_code", True), "trust in the checkpoint's code"),
        (change("rows", "x"), "rows of the data"),
        (change("prompts", "x"), "differ in prompts"),
        (change("reply", "likelihood"), "replies"),
        (change("generation", {"num_beams": 2}), "generation setting num_beams"),
        (change("rendering", ["tomorrow"]), "rendered prompts"),
        (change("protocol", 3), "protocol"),
        ({"seed": 1}, "seed"),
        ({"versions": {"torch": "3"}}, "versions.torch"),
        ({"identity": None}, "one of them has none"),
        ({"judge": {"label": "grammar", "text": "transformers:/a", "digest": "x"}}, "judge.digest"),
    ],
)
def test_parts_of_another_identity_are_refused(
    tmp_path: Path, settings: dict[str, object], message: str
) -> None:
    """The part that differs is named, and nothing is written."""
    first = write_run(tmp_path / "one", make_records(C, W))
    second = write_run(tmp_path / "two", make_records(C, W, first=2), **settings)
    with pytest.raises(UserError, match=message):
        merge_runs([first, second], tmp_path / "whole", gates=NO_GATES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_places_are_no_part_of_an_identity(tmp_path: Path) -> None:
    """Shards from two checkouts make one run, also where one was cut off before it knew all."""
    judge = {"label": "grammar", "text": "transformers:/here/j", "digest": "j"}
    first = write_run(tmp_path / "one", make_records(C, W), judge=judge)
    model = {"name": "n", "weights_digest": "w", "card": {"path": "/there/n"}}
    identity = IDENTITY | {"rendering": None, "generation": None}
    second = write_run(
        tmp_path / "two",
        make_records(C, W, first=2),
        model=model,
        identity=identity,
        judge=judge | {"text": "transformers:/there/j"},
    )
    result = merge_runs([first, second], tmp_path / "whole", gates=NO_GATES)
    assert result.folder == tmp_path / "whole"
    manifest = read_manifest(result.folder)
    assert (manifest.partial, manifest.recorded) == ([], 4)
    assert manifest.identity
    assert manifest.identity.pixels
    assert manifest.identity.pixels.images == 4
    assert Path(result.report).is_file()
    assert "whole" in Path(result.report).read_text(encoding="utf-8")
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two", "whole", "last"}
    assert (tmp_path / "last").readlink() == Path("whole")


def test_an_answer_takes_the_place_of_an_error(tmp_path: Path) -> None:
    """In either order; errors that stay errors stay, and the whole is not partial."""
    run = write_run(tmp_path / "run", make_records(C, E, E, W), partial=[])
    rerun = write_run(tmp_path / "rerun", make_records(C, E, first=1))
    for number, runs in enumerate(((run, rerun), (rerun, run))):
        result = merge_runs(runs, tmp_path / f"whole-{number}", gates=NO_GATES)
        outcomes = {r.case.image: r.verdict.outcome for r in read_records(result.folder)}
        assert outcomes == {"0.png": C, "1.png": C, "2.png": E, "3.png": W}
        manifest = read_manifest(result.folder)
        assert (manifest.partial, manifest.errors, manifest.selected) == ([], 1, 4)
    result_again = merge_runs([tmp_path / "whole-0", rerun], tmp_path / "again", gates=NO_GATES)
    assert result_again.manifest.partial == []


def test_what_parts_took_over_is_said_of_the_whole(tmp_path: Path) -> None:
    """Also where the first part took nothing over and was never resumed."""
    reused = {"run": "old", "started": "2026-01-01T00:00:00+00:00", "taken": 1}
    resumed = {"started": "2026-01-02T00:00:00+00:00", "command": "pytest", "kept": 1}
    taken = [replace(record, reused=True) for record in make_records(C, first=1)]
    parts = [
        write_run(tmp_path / "one", make_records(C)),
        write_run(
            tmp_path / "two",
            [*taken, *make_records(W, first=2)],
            reused=reused | {"asked": {"new case": 1}},
            resumed=[resumed],
        ),
        write_run(
            tmp_path / "three", make_records(C, first=3), reused=reused | {"asked": {"new case": 1}}
        ),
    ]
    manifest = merge_runs(parts, tmp_path / "whole", gates=NO_GATES).manifest
    assert manifest.reused is not None
    assert (manifest.reused.run, manifest.reused.taken) == ("old", 1)
    assert manifest.reused.asked == {"new case": 2}
    assert [resumption.kept for resumption in manifest.resumed] == [1]


def test_answers_agree_or_are_refused(tmp_path: Path) -> None:
    """The same answer twice counts once; a different one settles nothing."""
    run = write_run(tmp_path / "run", make_records(C, E))
    rerun = write_run(tmp_path / "rerun", make_records(C, C))
    result = merge_runs([run, rerun], tmp_path / "whole", gates=NO_GATES)
    assert result.manifest.recorded == 2
    (first, *_) = make_records(C)
    other_run = write_run(tmp_path / "other", [replace(first, answer=make_answer("else"))])
    with pytest.raises(UserError, match=r"both hold an answer to 0.png:what, and they differ"):
        merge_runs([run, other_run], tmp_path / "no", gates=NO_GATES)
    weighed = [
        write_run(
            tmp_path / f"weighed-{chance}",
            [replace(first, answer=replace(make_answer("fake"), p_fake=chance))],
        )
        for chance in (0.9, 0.9000001, 0.6)
    ]
    assert merge_runs(weighed[:2], tmp_path / "same", gates=NO_GATES).manifest.recorded == 1
    with pytest.raises(UserError, match="they differ"):
        merge_runs([weighed[0], weighed[2]], tmp_path / "no", gates=NO_GATES)
    with pytest.raises(UserError, match="given twice"):
        merge_runs([run, run], tmp_path / "no", gates=NO_GATES)


def test_a_case_repaired_over_another_picture_is_refused(tmp_path: Path) -> None:
    """The image shows other pixels in the second part."""
    run = write_run(tmp_path / "run", make_records(C, E))
    rerun = [replace(record, pixels=BLUE) for record in make_records(C, first=1)]
    with pytest.raises(UserError, match="pixels of 1 of 1 images"):
        merge_runs([run, write_run(tmp_path / "re", rerun)], tmp_path / "no", gates=NO_GATES)


def write_picture(run: Path, file: str, *, full_image: str | None = None) -> None:
    """A thumbnail's entry in a run, whatever its file is called."""
    folder = run / "report" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    entry = {"0.png": {"file": file, "width": 1, "height": 1, "full": full_image}}
    (folder / "images.json").write_text(json.dumps(entry), encoding="utf-8")


NAME = "0123456789abcdef0123.png"


@pytest.mark.parametrize(
    "file",
    [
        "../../../../PWNED.py",
        "/PWNED.py",
        "a/b.png",
        "..",
        "PWNED.py",
        f"x\\{NAME}",
        NAME + "\n",
    ],
)
def test_a_part_names_no_file_of_the_merged_run(tmp_path: Path, file: str) -> None:
    """Thumbnails have names of our making; others are not copied anywhere."""
    run = write_run(tmp_path / "a" / "run", make_records(C))
    write_picture(run, file)
    (tmp_path / "PWNED.py").write_text("theirs", encoding="utf-8")
    (run / "report" / "images" / "PWNED.py").write_text("theirs", encoding="utf-8")
    merge_runs([run], tmp_path / "b" / "c" / "whole", gates=NO_GATES)
    names = {path.name for path in (tmp_path / "b").rglob("*")}
    assert "PWNED.py" not in names
    assert not any(name.endswith((".py", ".png")) for name in names)


@pytest.mark.parametrize("link", ["file", "images", "report", "images.json"])
def test_no_link_of_a_part_is_followed(tmp_path: Path, link: str) -> None:
    """What lies outside of a part stays outside of the merged run."""
    run = write_run(tmp_path / "run", make_records(C))
    other_run = write_run(tmp_path / "away", make_records(C))
    write_picture(other_run, NAME)
    (other_run / "report" / "images" / NAME).write_bytes(b"secret")
    write_picture(run, NAME)
    location = {
        "file": Path("report/images") / NAME,
        "images": Path("report/images"),
        "report": Path("report"),
        "images.json": Path("report/images/images.json"),
    }[link]
    if link != "file":
        (run / "report" / "images" / NAME).write_bytes(b"secret")
    (run / "aside").mkdir()
    if (run / location).exists():
        (run / location).rename(run / "aside" / "old")
    (run / location).symlink_to(other_run / location)
    merge_runs([run], tmp_path / "whole", gates=NO_GATES)
    assert not (tmp_path / "whole" / "report" / "images" / NAME).exists()


def test_no_address_of_a_part_is_anything_but_a_path(tmp_path: Path) -> None:
    """A scheme would make a link of another kind."""
    from fakebench_suite.report.html import write_html_report

    run = write_run(tmp_path / "run", make_records(C))
    write_picture(run, NAME, full_image="javascript:alert(1)")
    (run / "report" / "images" / NAME).write_bytes(b"")
    (run / "scores.json").write_text("[]", encoding="utf-8")
    write_html_report(run, images=None)
    assert "javascript:alert" not in (run / "report" / "index.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """A full disk is one sentence, Ctrl-C is Ctrl-C, and the place is as it was."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(merge, "finalize_run", fail)
    run = write_run(tmp_path / "run", make_records(C))
    expected = MachineError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        merge_runs([run], tmp_path / "whole", gates=NO_GATES)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_no_room_for_the_report_is_no_merged_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status of the gates would say that all is there."""

    def fail(*_: object, **__: object) -> None:
        raise MachineError("There is no room.") from OSError(28, "No space left on device")

    monkeypatch.setattr(html, "write_html_report", fail)
    run = write_run(tmp_path / "run", make_records(C))
    with pytest.raises(MachineError, match=r"cannot be written: No space left on device\. Nothing"):
        merge_runs([run], tmp_path / "whole", gates=NO_GATES)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("kind", ["link", "dangling", "full"])
def test_a_place_that_is_taken_is_refused(tmp_path: Path, kind: str) -> None:
    """A link is not followed, and a directory with anything in it is somebody's."""
    run, target = write_run(tmp_path / "run", make_records(C)), tmp_path / "whole"
    (tmp_path / "other").mkdir()
    if kind == "full":
        target.mkdir()
        (target / "notes.txt").touch()
    else:
        target.symlink_to(tmp_path / ("other" if kind == "link" else "absent"))
    with pytest.raises(UserError, match="Choose another directory"):
        merge_runs([run], target, gates=NO_GATES)
    assert not list((tmp_path / "other").iterdir())
    assert not (tmp_path / "absent").exists()


def test_a_part_is_no_baseline(tmp_path: Path) -> None:
    """Of what is merged from it, nothing could have changed since; nor is ``last`` a directory."""
    run = write_run(tmp_path / "run", make_records(C))
    (tmp_path / "link").symlink_to(run)
    with pytest.raises(UserError, match="would be compared with itself"):
        merge_runs([run], tmp_path / "whole", gates=NO_GATES, baseline=tmp_path / "link")
    with pytest.raises(UserError, match="points at the last run"):
        merge_runs([run], tmp_path / "last", gates=NO_GATES)
    assert {path.name for path in tmp_path.iterdir()} == {"run", "link"}


def test_a_report_is_not_written_through_links(tmp_path: Path) -> None:
    """A file that is a link is replaced; a directory that is one is refused."""
    from fakebench_suite.report.html import write_html_report

    run = write_run(tmp_path / "run", make_records(C))
    (run / "scores.json").write_text("[]", encoding="utf-8")
    outside_file = tmp_path / "victim"
    outside_file.write_text("mine", encoding="utf-8")
    (run / "report").mkdir()
    for name in ("index.html", "report/index.js", "report/plotly.js"):
        (run / name).symlink_to(outside_file)
    assert write_html_report(run, images=None) == run / "index.html"
    assert outside_file.read_text(encoding="utf-8") == "mine"
    assert not any(path.name.startswith(".") for path in run.rglob("*"))
    other_run = write_run(tmp_path / "away", make_records(C))
    (other_run / "scores.json").write_text("[]", encoding="utf-8")
    (other_run / "report").symlink_to(tmp_path)
    with pytest.raises(UserError, match="is a link"):
        write_html_report(other_run, images=None)


def test_runs_without_identity_are_merged_and_said_to_be(tmp_path: Path) -> None:
    """Those that an older version wrote: by their settings, with a reservation."""
    first = write_run(tmp_path / "one", make_records(C, W), identity=None)
    second = write_run(tmp_path / "two", make_records(C, W, first=2), identity=None)
    result = merge_runs([first, second], tmp_path / "whole", gates=NO_GATES)
    (reservation,) = result.manifest.reservations
    assert reservation.startswith("Identity unknown")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, None),
        (change("weights", "x"), None),
        ({"seed": 1, "sample": 2, "planned": 2}, None),
        ({"sample": 2, "partial": ["sampled"]}, "is partial (sampled: 2 images)"),
        (change("files", {"chat_template.jinja": "x"}), "model file chat_template.jinja"),
        (change("generation", {"num_beams": 2}), "generation setting num_beams"),
        (change("rendering", ["tomorrow"]), "rendered prompts"),
        ({"versions": {"torch": "1"}}, "versions.torch"),
        ({"suite": "0.0.1"}, "suite"),
        ({"judge": {"label": "grammar", "text": "transformers:/a"}}, "judge.text"),
    ],
)
def test_what_else_a_baseline_was_made_with_is_said(
    tmp_path: Path, settings: dict[str, object], message: str | None
) -> None:
    """Whatever answers or scores depend on, but for the weights, which are what is compared."""
    shards = [
        write_run(tmp_path / "one", make_records(C, W)),
        write_run(tmp_path / "two", make_records(C, W, first=2)),
    ]
    whole = {"partial": []} | settings
    before = write_run(tmp_path / "before", make_records(C, W, C, W), **whole)
    result = merge_runs(shards, tmp_path / "whole", gates=NO_GATES, baseline=before)
    reservations = result.manifest.reservations
    if message is None:
        assert reservations == []
    else:
        (reservation,) = reservations
        assert message in reservation
        assert reservation.startswith("The baseline before ")
        limits = result.manifest.baseline
        assert limits is not None
        facts = dict(list_facts(result.manifest))
        assert facts["baseline"].count("partial") == bool(limits.partial)
