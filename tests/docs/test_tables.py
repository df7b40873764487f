"""The tables of the documents hold what the package has: no more and no less."""

import json
import re
import tomllib
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from fakebench_suite.backends.cards import Card, list_cards
from fakebench_suite.datasets.jsonl import Line
from fakebench_suite.gates.rules import Gate, GateBase
from fakebench_suite.gates.status import INCONCLUSIVE
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.metrics.names import METRICS
from fakebench_suite.runs import store
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.tasks.registry import list_tasks
from fakebench_suite.types import Outcome
from tests.docs.conftest import Call
from tests.docs.markdown import ROOT, list_blocks, list_code_spans, list_table_words

DOCS = ROOT / "docs"


def list_fields(kind: type[msgspec.Struct]) -> set[str]:
    """The fields of a struct as they are written."""
    return {field.encode_name for field in msgspec.structs.fields(kind)}


def test_metrics() -> None:
    """The page of metrics names all of them, in tables or in the list of rates."""
    documented = set(list_table_words(DOCS / "metrics.md", "metric", "definition"))
    rates = {name for name in list_code_spans(DOCS / "metrics.md") if name in METRICS}
    assert documented | rates == set(METRICS)
    assert documented <= set(METRICS)


def test_tasks_and_outcomes() -> None:
    """The page of concepts has both tables whole."""
    assert list_table_words(DOCS / "concepts.md", "task") == list(list_tasks())
    assert set(list_table_words(DOCS / "concepts.md", "outcome")) == set(Outcome)


def test_fields_of_gates() -> None:
    """Each kind of gate with its fields."""
    common = list_fields(GateBase) | {"kind"}
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", (DOCS / "gates.md").read_text("utf-8"), re.M)
    documented = {kind: set(re.findall(r"`(\w+)`", text)) for kind, text in rows}
    kinds = {kind.__struct_config__.tag: kind for kind in get_args(Gate)}
    assert set(documented) == set(kinds)
    for tag, kind in kinds.items():
        assert list_fields(kind) - common <= documented[str(tag)], tag


def test_fields_of_cards_and_cases() -> None:
    """A card's fields and tables, and a JSON line's fields."""
    documented = {
        word.strip("[]") for word in list_table_words(DOCS / "models.md", "field", "meaning")
    }
    assert documented == list_fields(Card) - {"name", "adapter"}
    assert set(list_table_words(DOCS / "data.md", "field", "meaning")) == list_fields(Line)


def test_cards() -> None:
    """The table of shipped cards has each of them."""
    assert set(list_table_words(DOCS / "models.md", "card")) == set(list_cards())


def test_commands() -> None:
    """The README has every command in its table; those of docs/cli.md are the program's own."""
    documented = set(list_table_words(ROOT / "README.md", "command"))
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"^## (fakebench .+)$", page, re.MULTILINE))
    assert len(commands) >= 10
    assert documented - {"pytest", "make latency"} == commands


def test_extras() -> None:
    """The quickstart has each of them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    documented = list_table_words(DOCS / "quickstart.md", "extra", "for")
    assert set(documented) == set(project["optional-dependencies"])


def test_files_of_a_run() -> None:
    """The directory in the page of reports names every file that a run may write."""
    block = next(list_blocks(DOCS / "report.md"))
    names = {value for name, value in vars(store).items() if name.isupper()}
    files = {name for name in map(str, names) if re.fullmatch(r"\w+\.(json|jsonl|md)", name)}
    assert len(files) >= 9
    assert {name for name in files if name not in block.text} == set()


def test_fields_of_a_manifest(call: Call, workplace: Path) -> None:
    """The page of reports has every field of a run's manifest and of its identity."""
    call(["pytest", "--model=coin", "--data=path/to/FakeBench", "--run=documented"], {0, 6})
    folder = workplace / "reports" / "documented"
    manifest = json.loads((folder / "manifest.json").read_bytes())
    documented = set(list_table_words(DOCS / "report.md", "field", "content"))
    values = {"running", "finished", "interrupted", "--answers", "--sample", "--shard", "-k", "-m"}
    assert documented - set(manifest) <= values
    assert set(manifest) <= documented
    documented_parts = set(list_table_words(DOCS / "report.md", "part", "of"))
    assert set(manifest["identity"]) == documented_parts


def test_words_of_the_glossary() -> None:
    """Criteria, verdicts, tasks and backends are those of the package."""
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([\w ]+) \| (.*) \|$", text, re.MULTILINE))
    assert set(rows["criterion"].removeprefix("one of the 14: ").split(", ")) == set(CRITERIA)
    assert set(re.findall(r"`(\w+)`", rows["verdict"])) == set(Outcome)
    assert set(re.findall(r"`(\w+)`", rows["task"])) == set(list_tasks())
    modules = ROOT / "fakebench_suite" / "backends"
    for name in re.findall(r"`(\w+)`", rows["backend"]):
        assert (modules / name).is_dir() or (modules / f"{name}.py").is_file(), name


def test_ways_of_reading() -> None:
    """The page of grading has each."""
    assert list_table_words(DOCS / "grading.md", "`--reading=`")[0:3] == list(ReplyParserKind)


def test_exit_statuses() -> None:
    """The README and the page about CI have the same ones."""
    for page in (ROOT / "README.md", DOCS / "ci.md"):
        text = page.read_text(encoding="utf-8")
        documented = {int(number) for row in re.findall(r"^\| ([\d, ]+) \|", text, re.M)
                for number in row.split(",")}  # fmt: skip
        assert documented == {*map(int, pytest.ExitCode), INCONCLUSIVE}, page
