"""``transformers serve`` answers what it is asked as the checkpoint does in this process."""

import re
from pathlib import Path

import pytest

from tests.helpers import call_apart, read_run
from tests.vllm.server import PYTHON, start_transformers


def _normalize(text: str) -> str:
    """A reply without special tokens, which the server spells out, and half a character."""
    return re.sub(r"<\|\w+\|>", "", text).rstrip("\ufffd").strip()


def test_a_run_is_answered_as_in_process(checkpoint: Path, tmp_path: Path) -> None:
    """The same texts in float32; it ignores logprobs, which the test request finds out."""
    if not PYTHON.exists():
        pytest.skip("There is no .venv-vllm, which make test-vllm installs.")
    options = ("--sample=2", "--gates=none", "-n0")
    card = tmp_path / "local.toml"
    card.write_text(
        f'path = "{checkpoint}"\ndtype = "float32"\n[generation]\nmax_new_tokens = 16\n',
        encoding="utf-8",
    )
    with start_transformers(checkpoint, tmp_path / "log") as url:
        served = tmp_path / "served.toml"
        served.write_text(
            f'backend = "openai"\n[endpoint]\nurl = "{url}"\nmodel = "{checkpoint}"\n'
            "[generation]\nmax_new_tokens = 16\n",
            encoding="utf-8",
        )
        over_http = call_apart("run", f"--model={served}", "--run=http", *options, cwd=tmp_path)
        assert over_http.returncode == 0, over_http.stdout + over_http.stderr
        weighed = call_apart(
            "run", f"--model={served}", "--reading=likelihood", *options, cwd=tmp_path
        )
        assert weighed.returncode == pytest.ExitCode.USAGE_ERROR
        assert "gives no log-probabilities" in weighed.stderr
    local = call_apart("run", f"--model={card}", "--run=local", *options, cwd=tmp_path)
    assert local.returncode == 0, local.stdout + local.stderr
    texts = [
        {
            record["case"]["id"]: _normalize(record["answer"]["text"])
            for record in read_run(tmp_path, run).records
        }
        for run in ("http", "local")
    ]
    assert texts[0] == texts[1]
    assert len(set(texts[0].values())) > 2
