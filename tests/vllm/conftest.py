"""One server for all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.tasks.prompts import format_analysis_question
from tests.vllm.server import PYTHON, VllmServer, start_server

BLOCK, BLOCKS = 32, 64
"""Tokens of a block of the server's cache of keys and values, and its blocks: a real server holds
some of the images of a benchmark, and this one some of a test's."""


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Qwen2-VL whose tokens all have a text."""
    from benchmarks.checkpoint import save_model

    folder = tmp_path_factory.mktemp("checkpoint")
    save_model(folder, map(format_analysis_question, CRITERIA), vocabulary=None)
    return folder


@pytest.fixture(scope="session")
def server(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    """A vLLM server of the checkpoint, as its users start it but for the size of its cache."""
    if not PYTHON.exists():
        pytest.skip("There is no .venv-vllm, which make test-vllm installs.")
    log = tmp_path_factory.mktemp("server") / "log"
    cache = (f"--block-size={BLOCK}", f"--num-gpu-blocks-override={BLOCKS}")
    with start_server(checkpoint, log, "--enable-prompt-tokens-details", *cache) as running_server:
        yield running_server
