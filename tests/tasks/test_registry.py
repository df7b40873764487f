"""The tasks by name, and a fifth one that another package adds."""

import ast
import json
import re
from pathlib import Path

import msgspec
import pytest

from fakebench_suite.datasets.jsonl import load_jsonl
from fakebench_suite.errors import DataError, UserError
from fakebench_suite.gates.config_errors import list_mistakes
from fakebench_suite.gates.rules import Gate
from fakebench_suite.metrics.names import METRICS
from fakebench_suite.metrics.paper_tables import compare, load_table
from fakebench_suite.metrics.scores import score_records
from fakebench_suite.report.markdown import list_scores
from fakebench_suite.report.submission import write_submission
from fakebench_suite.runs.store import RECORDS, read_records
from fakebench_suite.tasks.registry import TASKS, get_task, list_tasks
from fakebench_suite.types import Outcome, QuestionType, Record
from tests.factories import make_record
from tests.helpers import install_package

BUILT_IN = (
    "detection", "interpretation", "reasoning", "analysis", "comparison", "robustness", "pointing",
)  # fmt: skip
"""FakeBench's four, and others."""
PACKAGE = """
from fakebench_suite.tasks.registry import Grader, TaskSpec
from fakebench_suite.types import QuestionType

SPEC = TaskSpec(
    title="Sharpness",
    question_types=(QuestionType.ISFAKE, QuestionType.ISREAL),
    grader=Grader.LABEL,
    headlines=("accuracy", "balanced_accuracy"),
    subgroups=("label", "question_type"),
    colour="#b5566c",
)
"""


@pytest.fixture
def sharpness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package with the task ``sharpness``."""
    folder = tmp_path / "site"
    entry_points = "[fakebench_suite.tasks]\nsharpness = fakepkg:SPEC\n"
    install_package(folder, "fakepkg", source=PACKAGE, entry_points=entry_points)
    monkeypatch.syspath_prepend(folder)


def make_records() -> list[Record]:
    """Two fake and two real images, each with the outcome correct."""
    return [
        make_record(f"{n}.png", Outcome.CORRECT, fake=n % 2 == 0, task="sharpness")
        for n in range(4)
    ]


def test_every_built_in_task_is_described_whole() -> None:
    """Its headlines are scores that it has, and each question type belongs to one task."""
    assert list_tasks() == BUILT_IN
    specs = list(map(get_task, list_tasks()))
    for spec in specs:
        assert all(spec.grader in METRICS[name].graders for name in spec.headlines)
    kinds = [kind for spec in specs for kind in spec.question_types]
    assert sorted(kinds) == sorted(QuestionType)
    assert len({spec.colour for spec in specs}) == len(specs)


@pytest.mark.usefixtures("sharpness")
def test_a_task_of_another_package_comes_after_those_of_fakebench() -> None:
    """It is found as soon as its package is there."""
    assert list_tasks() == (*BUILT_IN, "sharpness")
    assert get_task("sharpness").title == "Sharpness"
    assert TASKS.get("detection") is get_task("detection")


def test_a_task_is_gone_with_its_package() -> None:
    """What was found for another sys.path does not stay."""
    assert list_tasks() == BUILT_IN
    with pytest.raises(UserError, match="There is no task 'sharpness'; allowed: detection"):
        get_task("sharpness")


@pytest.mark.usefixtures("sharpness")
def test_what_a_task_lacks_is_skipped(tmp_path: Path) -> None:
    """It has scores, and neither a published table nor a submission file."""
    scores = score_records(make_records())
    listed = {(score.metric, score.subgroup) for score in list_scores(scores)}
    assert {("accuracy", "all"), ("balanced_accuracy", "all"), ("accuracy", "label=fake")} <= listed
    assert {score.task for score in scores} == {"sharpness"}
    assert load_table("sharpness") == ()
    assert compare("sharpness", "mine", scores) == ()
    cases = [record.case for record in make_records()]
    assert write_submission(tmp_path, cases, make_records()) == []
    assert json.loads((tmp_path / "submission" / "FakeClass_fake.json").read_bytes()) == []


@pytest.mark.usefixtures("sharpness")
def test_a_data_set_may_hold_only_question_types_of_its_task(tmp_path: Path) -> None:
    """The wording decides among them; another type is refused."""
    row = {"id": "a", "task": "sharpness", "image": "a.png", "label": "fake"}
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(row | {"question": "Sharp. Is this a real image, yes or no?"}))
    assert [case.question_type for case in load_jsonl(path).cases] == ["isreal"]
    path.write_text(json.dumps(row | {"question": "Sharp?", "question_type": "what"}))
    with pytest.raises(DataError, match="type what does not belong to the task sharpness"):
        load_jsonl(path)


def test_a_record_of_an_unknown_task_is_refused(tmp_path: Path) -> None:
    """Its package may have gone: the message says which tasks there are."""
    lines = b"".join(msgspec.json.encode(record) + b"\n" for record in make_records())
    (tmp_path / RECORDS).write_bytes(lines)
    with pytest.raises(UserError, match=r"Line 1 .* there is no task 'sharpness'; allowed: det"):
        list(read_records(tmp_path))


def test_a_gate_over_an_unknown_task_is_refused() -> None:
    """In every kind of gate, with the tasks that there are."""
    kinds: dict[str, dict[str, object]] = {
        "threshold": {"metric": "accuracy", "at_least": 0.5},
        "regression": {},
        "latency": {"at_most": 2.0},
        "errors": {},
    }
    for kind, fields in kinds.items():
        gate = {"name": "floor", "kind": kind, "task": "sharpness", **fields}
        with pytest.raises(msgspec.ValidationError, match="there is no task 'sharpness'"):
            msgspec.convert(gate, Gate)
        assert "has task = 'sharpness'; allowed: detection" in next(list_mistakes({"gate": [gate]}))


@pytest.mark.usefixtures("sharpness")
def test_a_gate_may_be_over_a_task_of_another_package() -> None:
    """It may name the metrics that the task's grader gives, and no others."""
    gate = {"name": "floor", "kind": "threshold", "task": "sharpness", "at_least": 0.5}
    assert msgspec.convert(gate | {"metric": "balanced_accuracy"}, Gate).task == "sharpness"
    with pytest.raises(msgspec.ValidationError, match="judged_score is no score of sharpness"):
        msgspec.convert(gate | {"metric": "judged_score"}, Gate)


def list_identities(source: str) -> list[str]:
    """The comparisons by ``is`` in which a side is a task."""
    comparisons: list[str] = []
    if not re.search(r"\b(task|Task\.\w+) is\b|\bis (not )?([\w.]+\.)?(task|Task)\b", source):
        return comparisons  # To parse every module takes seconds.
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Is | ast.IsNot):
            operands = [ast.unparse(operand) for operand in (node.left, *node.comparators)]
            if "None" not in operands and any(
                operand.startswith("Task.") or operand.rpartition(".")[2] == "task"
                for operand in operands
            ):
                comparisons.append(ast.unparse(node))
    return comparisons


def test_tasks_are_compared_as_texts() -> None:
    """A task that was read from a file is equal to a name, and not the same object."""
    assert list_identities("case.task is Task.DETECTION or a.task is not b") == [
        "case.task is Task.DETECTION",
        "a.task is not b",
    ]
    root = Path(__file__).parents[2]
    paths = [
        path
        for folder in ("fakebench_suite", "cases", "tests", "models", "benchmarks")
        for path in (root / folder).rglob("*.py")
    ]
    comparisons = [text for path in paths for text in list_identities(path.read_text("utf-8"))]
    assert comparisons == []
