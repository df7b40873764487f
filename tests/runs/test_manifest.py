"""What a manifest or a ruling holds that no run wrote is one sentence, and no traceback."""

import json
import re
from pathlib import Path

import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.report.html.run_data import load_run
from fakebench_suite.runs.manifest import MANIFEST_VERSION, Manifest
from fakebench_suite.runs.store import RunWriter, read_manifest, read_scores
from fakebench_suite.types import Outcome
from tests.factories import make_manifest, make_record, write_run


@pytest.mark.parametrize(
    "changes",
    [
        {"population": {"detection": {"all": "1"}}},
        {"population": {"detection": {}}},
        {"drawn": []},
        {"tasks": {"detection": "all"}},
        {"status": "odd"},
        {"suite": None},
        {"code_digest": 1},
        {"started": 0},
        {"seed": "0"},
        {"sample": "2"},
        {"planned": []},
        {"shard": "3"},
        {"answers": {}},
        {"dataset": {"cases": "4"}},
        {"dataset": {"digest": None}},
        {"hardware": {"cpus": "two"}},
        {"hardware": {"mixed": [3]}},
        {"versions": {"torch": 2}},
        {"identity": []},
        {"identity": "i"},
        {"identity": {"protocol": "two"}},
        {"identity": {"card": []}},
        {"identity": {"pixels": 3}},
        {"deselected": ["analysis"]},
        {"workers": "gw0"},
        {"wall_seconds": "1 s"},
        {"partial": "sampled"},
        {"text_metrics": []},
        {"reservations": "none"},
        {"submission": {}},
        {"manifest_version": "2"},
        {"tasks": {"detection": {"cases": 1, "errors": 0, "partial": []}}},
        {"tasks": {"cooking": {"cases": 1, "recorded": 1, "errors": 0, "partial": []}}},
        {"gates": "gates.toml"},
        {"gates": {"file": None, "rules": ["accuracy"]}},
        {"baseline": "yesterday"},
        {"baseline": {}},
        {"cut_off": []},
        {"cut_off": {"replies": "1"}},
        {"filter": ["-k", "x"]},
        {"command": ["pytest"]},
        {"commit": {}},
        {"inference": [{"rendering": 1}]},
        {"inference": [{"left_over": [[]]}]},
        {"inference": [{"reason": 1}]},
        {"routes": [{"why": 1}]},
        {"judge": {"calibration": {"passed": "no"}}},
        {"judge": {"audit": {"why": "it broke"}}},
        {"judge": {"refused_parameters": "seed"}},
        {"prompts": {"style": 1}},
        {"versions": []},
        {"judge": {"label": "grammar", "text": 1}},
        {"judge": {"label": "grammar", "rounds": "5"}},
        {"model": {"name": "m", "card": {"generation": []}}},
        {"model": {"card": {"note": 1}}},
        {"model": {"card": "m.toml"}},
        {"model": {"name": "m", "card": {}, "weights_digest": 1}},
        {"engine": {"name": "mixed", "mixed": [{"name": "ray", "nodes": 3}]}},
        {"engine": {"name": "ray", "replicas": "two"}},
        {"merged": [{"run": "x", "started": 1}]},
        {"merged": [{"run": "x", "started": "", "shard": "1 of 2"}]},
        {"recorded": None},
        {"errors": "none"},
    ],
    ids=str,
)
def test_a_manifest_that_no_run_wrote_is_refused(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    """Every part that is read from it, at the place where it is read."""
    run = write_run(tmp_path / "run", [make_record("0.png", Outcome.CORRECT)], **changes)
    with pytest.raises(UserError, match="is not the manifest of a run") as exc_info:
        read_manifest(run)
    assert str(run / "manifest.json") in str(exc_info.value)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"seed": "0"}, "$.seed"),
        ({"identity": []}, "$.identity"),
        ({"judge": {"audit": {"passed": 1}}}, "$.judge.calibration.passed"),
        ({"model": {"card": {"note": 1}}}, "in the card, .* `\\$.note`.* `\\$.model`"),
    ],
)
def test_the_field_is_named(tmp_path: Path, changes: dict[str, object], field: str) -> None:
    """By its path in the file, under today's name."""
    run = write_run(tmp_path / "run", [make_record("0.png", Outcome.CORRECT)], **changes)
    field = field if "`" in field else re.escape(f"`{field}`")
    with pytest.raises(UserError, match=field):
        read_manifest(run)


def test_a_manifest_of_a_later_version_is_refused(tmp_path: Path) -> None:
    """Its keys may mean something else; what to do is said. Unknown keys alone are ignored."""
    newer = {"manifest_version": MANIFEST_VERSION + 1, "status": {"ended": True}}
    run = write_run(tmp_path / "run", [make_record("0.png", Outcome.CORRECT)], **newer)
    with pytest.raises(UserError, match="install the version that wrote the run"):
        read_manifest(run)
    unknown_fields = {"mood": "kind", "dataset": {"licence": "CC0"}}
    extended = write_run(
        tmp_path / "more", [make_record("0.png", Outcome.CORRECT)], **unknown_fields
    )
    assert read_manifest(extended) == make_manifest(selected=1, recorded=1)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    """Every field, in the words of the file."""
    manifest = make_manifest(
        status="interrupted",
        engine={"name": "ray", "replicas": 2, "nodes": {"one": 2}, "lost": 0},
        inference=[{"path": "prefix", "reason": "so", "details": {"mood": "kind"}}],
        judge={"text": "kind", "rounds": 2, "calibration": {"passed": True, "right": {"a > b": 1}}},
        tasks={"detection": {"cases": 4, "recorded": 4, "errors": 0, "partial": []}},
        merged=[{"run": "one", "started": "", "shard": "1/2"}],
        cut_off={"replies": 0, "of": 4},
        gates={"file": "gates.toml", "rules": [{"name": "floor"}]},
        baseline={"run": "last"},
        submission={"missing": 0},
    )
    RunWriter(tmp_path).write_manifest(manifest)
    assert read_manifest(tmp_path) == manifest
    table = json.loads((tmp_path / "manifest.json").read_bytes())
    assert set(table) == set(Manifest.__struct_fields__)
    assert table["engine"] == {"name": "ray", "replicas": 2, "nodes": {"one": 2}, "lost": 0}
    assert table["manifest_version"] == MANIFEST_VERSION


def test_a_run_that_ended_says_with_how_many_cases(tmp_path: Path) -> None:
    """A manifest that lacks the count is none."""
    run = write_run(tmp_path / "run", [make_record("0.png", Outcome.CORRECT)])
    manifest = json.loads((run / "manifest.json").read_bytes())
    del manifest["recorded"]
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(UserError, match="how many cases"):
        read_manifest(run)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("gates.json", '{"results": 1.5}'),
        ("gates.json", '{"results": [[]]}'),
        ("gates.json", '{"results": [{"gate": []}], "outcome": "pass"}'),
        ("gates.json", '{"results": []}'),
        ("gates.json", "3"),
        ("gates.json", "[{}]"),
        ("texts.jsonl", '{"bleu_1": 0.5}'),
        ("texts.jsonl", '{"id": null, "bleu_1": [1]}'),
    ],
)
def test_files_beside_it_are_read_by_their_types(tmp_path: Path, file: str, content: str) -> None:
    """The sentence is about the file, and not about Python."""
    run = write_run(tmp_path / "run", [make_record("0.png", Outcome.CORRECT)])
    (run / "scores.json").write_text("[]", encoding="utf-8")
    (run / file).write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match="malformed") as exc_info:
        load_run(run)
    assert "object" not in str(exc_info.value).replace("`object`", "")


@pytest.mark.parametrize("content", ["{}", '[{"metric": 1}]', "[", None])
def test_scores_are_read_as_everywhere(tmp_path: Path, content: str | None) -> None:
    """A report of a run whose scores are none, or are gone, names their file."""
    run = write_run(tmp_path / "run", [make_record("0.png", Outcome.CORRECT)])
    if content is None:
        (run / "scores.json").unlink(missing_ok=True)
    else:
        (run / "scores.json").write_text(content, encoding="utf-8")
    message = "no scores.json to read" if content is None else "scores.json holds no scores: "
    for load in (load_run, read_scores):
        with pytest.raises(UserError, match=message):
            load(run)
