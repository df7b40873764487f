"""What stands beside Python: the README's workflow, and the Makefile."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_matrix_is_all_shards_and_merge_takes_what_they_leave() -> None:
    """Each shard of N is asked by one job, under the name that is uploaded and merged."""
    (text,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    jobs = yaml.safe_load(text)["jobs"]
    asked = next(step["run"] for step in jobs["ask"]["steps"] if "pytest" in step.get("run", ""))
    total = re.search(r"--shard=\$\{\{ matrix\.shard \}\}/(\d+)", asked)
    assert total
    assert jobs["ask"]["strategy"]["matrix"]["shard"] == list(range(1, int(total[1]) + 1))
    uploaded = next(
        s["with"]["path"] for s in jobs["ask"]["steps"] if "upload" in s.get("uses", "")
    )
    assert uploaded == "reports/shard-${{ matrix.shard }}"
    assert "--run=shard-${{ matrix.shard }}" in asked
    assert jobs["rule"]["needs"] == "ask"
    commands = [step.get("run", "") for step in jobs["rule"]["steps"]]
    assert any("merge reports/shard-* --into=reports/candidate" in one for one in commands)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("qwen2.5-vl", "qwen2.5-vl"),
        ("./release-1.2", "release-1.2"),
        ("./candidate/", "candidate"),
        ("cards/mine-1.5.toml", "mine-1.5"),
    ],
)
def test_latency_is_stored_under_the_name_of_the_model(model: str, name: str) -> None:
    """Whatever dots and slashes are in what was asked for."""
    command = ["make", "-n", "-o", ".venv/ready", "latency", f"MODEL={model}"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert re.findall(r"--benchmark-save=(\S*)", done.stdout) == [name]
