"""The TOML, JSON and YAML of the documents is accepted by the suite."""

import json
import re
from pathlib import Path

import pytest
import yaml
from PIL import Image

from fakebench_suite.backends.cards import read_card
from fakebench_suite.datasets import open_dataset
from fakebench_suite.gates.config import read_gates
from tests.docs.markdown import GUIDES, ROOT, Block, list_blocks

TOML = [block for page in GUIDES for block in list_blocks(page, "toml")]
ROWS = [block for page in GUIDES for block in list_blocks(page, "json")]


@pytest.mark.parametrize("block", TOML, ids=lambda block: block.place)
def test_toml_is_a_gates_file_or_a_card(block: Block, tmp_path: Path) -> None:
    """Each block is a whole file."""
    path = tmp_path / "example.toml"
    path.write_text(block.text, encoding="utf-8")
    if "[[gate]]" in block.text:
        assert read_gates(path)
    else:
        assert read_card(path, name="example").name == "example"


@pytest.mark.parametrize("block", ROWS, ids=lambda block: block.place)
def test_json_lines_are_cases(block: Block, tmp_path: Path) -> None:
    """With the pictures that they name beside them."""
    rows = [json.loads(line) for line in block.text.splitlines()]
    for row in rows:
        image_path = tmp_path / row["image"]
        image_path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(image_path)
    path = tmp_path / "cases.jsonl"
    path.write_text(block.text, encoding="utf-8")
    assert len(open_dataset(path).cases) == len(rows)


def test_the_workflow_merges_the_shards_that_its_matrix_asks() -> None:
    """Each shard of N is asked by one job, under the name that is uploaded and merged."""
    (block,) = list_blocks(ROOT / "docs" / "ci.md", "yaml")
    jobs = yaml.safe_load(block.text)["jobs"]
    script = next(step["run"] for step in jobs["ask"]["steps"] if "--shard" in step.get("run", ""))
    total = re.search(r"--shard=\$\{\{ matrix\.shard \}\}/(\d+)", script)
    assert total
    assert jobs["ask"]["strategy"]["matrix"]["shard"] == list(range(1, int(total[1]) + 1))
    uploads = (s["with"]["path"] for s in jobs["ask"]["steps"] if "upload" in s.get("uses", ""))
    assert next(uploads) == "reports/shard-${{ matrix.shard }}"
    assert "--run=shard-${{ matrix.shard }}" in script
    assert jobs["rule"]["needs"] == "ask"
    commands = [step.get("run", "") for step in jobs["rule"]["steps"]]
    assert any("merge reports/shard-* --into=reports/candidate" in line for line in commands)


def test_yaml_of_the_repository_is_sound() -> None:
    """Issue templates and pre-commit's configuration."""
    paths = [*(ROOT / ".github").rglob("*.yml"), ROOT / ".pre-commit-config.yaml"]
    assert len(paths) >= 3
    for path in paths:
        assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


def test_the_citation_is_that_of_the_paper() -> None:
    """The README and ``CITATION.cff`` name one paper."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert citation["preferred-citation"]["title"] in " ".join(readme.split())
    assert citation["license"] == "MIT"
