"""The workflow in the README is one that GitHub would take, and asks every shard once."""

import re
from pathlib import Path

import yaml

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


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
