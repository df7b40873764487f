"""How prompts were answered travels from the model's process to the manifest."""

from pathlib import Path

import pytest

from tests.helpers import read_run, use_model
from tests.plugin.sandbox import MODES, ROOT, Run


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_the_manifest_says_how_prompts_were_answered(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Route and reason are recorded once, whether the model lives here or in workers."""
    use_model(project, "FakeModel()")
    assert run(f"--data={data}", "-m", "detection", "--gates=none", *mode).ret == 0
    manifest = read_run(project).manifest
    assert manifest["inference"] == [{"path": "plain", "reason": "It is a test."}]


def test_a_checkpoint_reports_its_route_and_keeps_to_its_tokens(
    run: Run, data: Path, project: Path
) -> None:
    """Under --batch-tokens=1 every prompt is a batch, and the manifest has the adapter's words."""
    pocket = ROOT / "models" / "pocket"
    options = (f"--data={data}", f"--model={pocket}", "-m", "analysis", "--gates=none")
    assert run(*options, "--batch-tokens=1").ret == 0
    assert {line["answer"]["batch_size"] for line in read_run(project).records} == {1}
    manifest = read_run(project).manifest
    (route,) = manifest["inference"]
    assert (route["path"], route["batch_tokens"]) == ("prefix", 1)


def test_batch_tokens_are_a_number(run: Run, data: Path) -> None:
    """Anything else is a usage error."""
    result = run(f"--data={data}", "--batch-tokens=few")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*'few' is not a number, 1 or more*"])
