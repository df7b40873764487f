"""A run directory that an older version wrote is read under today's names.

``old_run`` is what the suite wrote before fields were renamed: ``coin`` over two sampled probes.
"""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from fakebench_suite.datasets.probes.dataset import load_probes
from fakebench_suite.errors import UserError
from fakebench_suite.gates.config import gates_of_manifest, make_gate_config
from fakebench_suite.metrics.scores import score_records
from fakebench_suite.provenance import InferenceInfo
from fakebench_suite.report.html.run_data import load_run
from fakebench_suite.runs.differences import check_data
from fakebench_suite.runs.manifest import (
    MANIFEST_VERSION,
    Manifest,
    ManifestCalibration,
    RunStatus,
)
from fakebench_suite.runs.old_names import (
    rename_gate,
    rename_manifest,
    rename_result,
    rename_score,
)
from fakebench_suite.runs.store import (
    RunWriter,
    read_manifest,
    read_records,
    read_scores,
    read_timings,
)
from fakebench_suite.types import GateOutcome, QuestionType, Region, Score, Task
from tests.factories import IDENTITY, make_manifest_table

OLD_RUN = Path(__file__).with_name("old_run")


def test_records_have_every_field_of_old_records() -> None:
    """No field of case, answer or verdict is lost."""
    records = list(read_records(OLD_RUN))
    assert len(records) == 12
    record = records[0]
    assert record.case.question_type is QuestionType.ISFAKE
    assert record.case.paired_image == "chelsea-101"
    assert record.case.regions == (Region(box=(75, 37, 126, 85)),)
    assert (record.verdict.reason, record.verdict.label) == ("'no'", "real")
    assert {r.verdict.followed_format for r in records} == {None, True}


def test_a_record_with_one_box_has_it_as_its_region(tmp_path: Path) -> None:
    """A line that would decode without a word has lost nothing, whatever its texts say."""
    record = next(iter(read_records(OLD_RUN)))
    row = msgspec.to_builtins(record)
    (box,) = [region["box"] for region in row["case"].pop("regions")]
    row["case"]["forged_region"] = box
    row["prompt"] = 'Is "forged_region":[1] fake?'
    unforged = msgspec.to_builtins(record) | {"prompt": row["prompt"]}
    unforged["case"] = {**unforged["case"], "id": "unforged", "regions": [], "forged_region": None}
    lines = [msgspec.json.encode(value) + b"\n" for value in (row, unforged)]
    (tmp_path / "records.jsonl").write_bytes(b"".join(lines))
    first, second = read_records(tmp_path)
    assert (first.case, second.case.regions) == (record.case, ())
    assert first.prompt == second.prompt == row["prompt"]


def test_scores_of_old_records_are_those_that_were_written() -> None:
    """Only names changed, and intervals, which were too narrow: the run is over one pair of images.

    Where replies about a single pair differ, there is none.
    """
    scores = [score for score in read_scores(OLD_RUN) if score.metric not in TEXT_METRICS]
    added = {"f1_score", "label_accuracy", "label_accuracy_parsed", "unexplained_rate"}
    computed = score_records(read_records(OLD_RUN))
    kept = [s for s in computed if s.metric not in added and "claim" not in s.metric]
    for score, old in zip(kept, scores, strict=True):
        assert replace(score, low=old.low, high=old.high) == old
        if old.low is None or old.high is None or score.low is None or score.high is None:
            assert score.low is score.high is None
            continue
        assert score.low <= old.low
        assert score.high >= old.high
    assert any(score.low is not None for score in kept)
    subgroups = {score.subgroup for score in scores}
    assert {"all", "question_type=isfake", "label=fake"} <= subgroups
    assert "format_followed" in {score.metric for score in scores}


TEXT_METRICS = {"bleu_1", "bleu_2", "rouge_l", "similarity", "clue_recall", "clue_precision"}


def test_a_score_of_a_similarity_judge_has_its_new_name() -> None:
    """Metric and subgroup are both renamed."""
    names = {"metric": "stand_in_score", "task": "analysis", "slice": "form=criterion"}
    old: dict[str, object] = {**names, "value": 0.5, "low": None, "high": None, "n": 1}
    score = msgspec.convert(rename_score(old), Score)
    assert (score.metric, score.subgroup) == ("similarity_score", "question_type=criterion")


def test_timings_have_their_digest_and_the_new_name_of_the_benchmark() -> None:
    """``work`` and the benchmark ``slice`` are renamed."""
    (timing,) = read_timings(OLD_RUN)
    assert (timing.name, timing.input_digest) == ("work unit", "0123456789abcdef")


def test_a_run_over_other_probes_is_to_be_made_anew() -> None:
    """There is no --data that would help: the probes are the suite's own."""
    with pytest.raises(UserError, match=r"probes of another version of the suite\. Make it anew"):
        check_data(OLD_RUN, name="probes", digest=load_probes().digest)
    with pytest.raises(UserError, match="Give the same --data as then"):
        check_data(OLD_RUN, name="FakeBench", digest="0")


def test_the_report_shows_the_gates_of_an_old_run() -> None:
    """``rulings.json`` is read where there is no ``gates.json``."""
    run = load_run(OLD_RUN)
    (gate,) = run.gates
    assert (gate.gate, gate.outcome) == ("balanced", GateOutcome.PASS)
    assert run.result.outcome is GateOutcome.PASS
    assert run.result.gates.evaluated == 1
    assert run.result.headline
    assert run.result.headline.subgroup == "all"


def test_a_gate_that_was_not_ruled_was_not_evaluated() -> None:
    """The value is renamed as well as the field."""
    (gate,) = rename_result([{"gate": "a", "ruling": "not ruled", "reason": "b"}])
    assert gate == {"gate": "a", "outcome": "not evaluated", "reason": "b"}


def test_a_manifest_has_the_subgroups_and_gates_of_today() -> None:
    """The digest of the rules is that of equal rules in a run of today."""
    manifest = read_manifest(OLD_RUN)
    assert manifest.population
    assert manifest.population[Task.DETECTION]["question_type=isfake"] == 240
    assert manifest.drawn
    assert manifest.drawn[Task.DETECTION]["question_type=what"] == 2
    gates = gates_of_manifest(manifest)
    assert gates
    assert gates.digest == make_gate_config("", gates.rules, named=True, absent="").digest
    rule = msgspec.to_builtins(gates.rules[0])
    assert (rule["subgroup"], rule["compare"]) == ("question_type=isfake", "value")
    assert rule["tolerance"] == 0.01


def test_a_manifest_has_the_keys_of_today() -> None:
    """``routes``, ``judge.audit`` and ``why`` are renamed; what a key held is kept."""
    table = make_manifest_table(
        routes=[{"path": "plain", "why": "It is a test.", "device": "cpu"}],
        judge={"audit": {"passed": False, "why": "it broke"}},
    )
    manifest = msgspec.convert(rename_manifest(table), Manifest)
    (info,) = manifest.inference
    assert info == InferenceInfo(path="plain", reason="It is a test.", device="cpu")
    assert manifest.judge.calibration == ManifestCalibration(passed=False, reason="it broke")
    table_again = msgspec.to_builtins(manifest)
    assert rename_manifest(table_again) == table_again


@pytest.mark.parametrize(
    ("adapter", "backend"), [("huggingface", "transformers"), ("scripted", "scripted")]
)
def test_the_adapter_of_a_card_is_its_backend(adapter: str, backend: str) -> None:
    """An old run differs in its card by nothing but what was changed in it."""

    def read(card: dict[str, object]) -> Manifest:
        card = IDENTITY["card"] | card
        table = make_manifest_table(identity={"card": card}, model={"card": card})
        return msgspec.convert(rename_manifest(table), Manifest)

    old, new = read({"adapter": adapter}), read({"backend": backend, "options": {}})
    assert old == new


def test_a_run_of_an_old_version_is_written_as_one_of_today(tmp_path: Path) -> None:
    """What is read can be written, and says the same when it is read again."""
    manifest = read_manifest(OLD_RUN)
    assert (manifest.manifest_version, manifest.status) == (MANIFEST_VERSION, RunStatus.FINISHED)
    assert manifest.identity
    assert manifest.identity.card["backend"] == "scripted"
    RunWriter(tmp_path).write_manifest(manifest)
    assert read_manifest(tmp_path) == manifest


def test_a_gate_over_a_benchmark_has_its_new_name() -> None:
    """A gate in a manifest names the benchmark as the gate file does today."""
    assert rename_gate({"kind": "latency", "benchmark": "slice"})["benchmark"] == "work unit"


def test_values_of_other_shapes_are_returned_unchanged() -> None:
    """The decoder reports them."""
    for value in (None, 3, "x", [3], {"gates": 3}, {"results": 3}):
        assert rename_result(value) == value
