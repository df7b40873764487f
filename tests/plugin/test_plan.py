"""``fakebench plan``: a sample is asked, the whole predicted, and no answer paid for twice."""

from pathlib import Path
from typing import Any

import pytest

from tests.endpoint_server import Endpoint, serve
from tests.plugin.sandbox import Command

CARD = """
backend = "openai"
[endpoint]
url = "{url}"
model = "tiny"
prices = {{input = 100.0, output = 1000.0}}
"""


def count_tokens(completion: dict[str, Any]) -> dict[str, Any]:
    """A reply of 90 and 3 tokens."""
    return completion | {"usage": {"prompt_tokens": 90, "completion_tokens": 3}}


@pytest.mark.parametrize("mode", [("-n0",), ("-n2",)], ids=" ".join)
def test_tokens_and_cost_of_the_whole_are_predicted(
    fakebench: Command, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """From the prompts of some images; a run that takes their answers over asks the rest."""
    with serve(Endpoint(change=count_tokens)) as endpoint:
        card = project / "priced.toml"
        card.write_text(CARD.format(url=endpoint.url), encoding="utf-8")
        floor = '[[gate]]\nname = "no errors"\nkind = "errors"\n'
        (project / "gates.toml").write_text(floor, encoding="utf-8")
        options = [f"--model={card}", f"--data={data}", "--run", "own", *mode]
        result = fakebench("plan", "--images", "8", *options, cwd=project)
        assert result.returncode == 0, result.stdout + result.stderr
        asked = len(endpoint.asked)
        assert "plan of 48 cases, from 24 cases about 8 images:" in result.stdout
        assert "prompts     4,320 tokens (4,320 tokens to 4,320 tokens)" in result.stdout
        assert "replies     144 tokens (144 tokens to 144 tokens)" in result.stdout
        assert "cost        0.576 (0.576 to 0.576)" in result.stdout
        assert "GB at most in one process" in result.stdout
        (line,) = [
            line for line in result.stdout.splitlines() if line.startswith("to ask the rest")
        ]
        whole = fakebench(*line.partition("fakebench ")[2].split(), cwd=project)
        assert whole.returncode == 0, whole.stdout + whole.stderr
        assert "gates: gates.toml (1)" in whole.stdout
        assert len(endpoint.asked) == asked + 1 + 24


@pytest.mark.parametrize("option", ["--sample=3", "--shard=1/2", "--gates=none", "--collect-only"])
def test_a_plan_draws_its_own_sample(
    fakebench: Command, data: Path, project: Path, option: str
) -> None:
    """What says how much is asked does not go with it."""
    words = ["--model=scripted.toml", f"--data={data}", option]
    result = fakebench("plan", *words, cwd=project)
    assert result.returncode == 2
    assert f"leave {option.partition('=')[0]} out" in result.stderr
    assert not (project / "reports").exists()


def test_a_run_that_cannot_be_is_no_plan(fakebench: Command, project: Path) -> None:
    """Its status and its sentence are those of the run."""
    result = fakebench("plan", "--model=no-such-model", cwd=project)
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "There is no model 'no-such-model'" in result.stderr
    assert "plan of" not in result.stdout


def test_a_filter_is_no_part_of_a_plan(fakebench: Command, data: Path, project: Path) -> None:
    """Whole tasks are predicted, and the plan says so."""
    options = ["--model=scripted.toml", f"--data={data}", "-k", "glide", "-n0"]
    result = fakebench("plan", "--images", "8", *options, cwd=project)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "those of whole tasks: what" in result.stdout
