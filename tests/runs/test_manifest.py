"""What a manifest or a ruling holds that no run wrote is one sentence, and no traceback."""

import json
from pathlib import Path

import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.report.html.run_data import load_run
from fakebench_suite.runs.store import read_manifest, read_scores
from fakebench_suite.types import Outcome
from tests.factories import make_record, write_run


@pytest.mark.parametrize(
    "changed",
    [
        {"population": {"detection": {"all": "1"}}},
        {"population": {"detection": {}}},
        {"drawn": []},
        {"tasks": {"detection": "all"}},
        {"tasks": {"detection": {"cases": 1, "errors": 0, "partial": []}}},
        {"tasks": {"cooking": {"cases": 1, "recorded": 1, "errors": 0, "partial": []}}},
        {"gates": "gates.toml"},
        {"baseline": "yesterday"},
        {"baseline": {}},
        {"cut_off": []},
        {"cut_off": {"replies": "1"}},
        {"filter": ["-k", "x"]},
        {"command": ["pytest"]},
        {"commit": {}},
        {"routes": [{"rendering": 1}]},
        {"routes": [{"left_over": [[]]}]},
        {"prompts": {"style": 1}},
        {"versions": []},
        {"judge": {"label": "grammar", "text": 1}},
        {"judge": {"label": "grammar", "rounds": "5"}},
        {"model": {"name": "m", "card": {"generation": []}}},
        {"model": {"name": "m", "card": {}, "weights_digest": 1}},
        {"engine": {"mixed": [{"nodes": 3}]}},
        {"merged": [{"run": "x", "started": 1}]},
        {"recorded": None},
        {"errors": "none"},
    ],
    ids=str,
)
def test_a_manifest_that_no_run_wrote_is_refused(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    """Every part that is read from it, at the place where it is read."""
    run = write_run(tmp_path / "run", [make_record("0.png", Outcome.CORRECT)], **changed)
    with pytest.raises(UserError, match="is not the manifest of a run"):
        read_manifest(run)


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
    with pytest.raises(UserError, match="malformed") as caught:
        load_run(run)
    assert "object" not in str(caught.value).replace("`object`", "")


@pytest.mark.parametrize("content", ["{}", '[{"metric": 1}]', "[", None])
def test_scores_are_read_as_everywhere(tmp_path: Path, content: str | None) -> None:
    """A report of a run whose scores are none, or are gone, names their file."""
    run = write_run(tmp_path / "run", [make_record("0.png", Outcome.CORRECT)])
    if content is None:
        (run / "scores.json").unlink(missing_ok=True)
    else:
        (run / "scores.json").write_text(content, encoding="utf-8")
    said = "no scores.json to read" if content is None else "scores.json holds no scores: "
    for read in (load_run, read_scores):
        with pytest.raises(UserError, match=said):
            read(run)
