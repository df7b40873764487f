"""What lives as long as the session is not searched for garbage; what a model leaves is."""

from pathlib import Path

import pytest

from tests.plugin.sandbox import MODES, Run

LITTER = """
import gc
import weakref
import pytest
from fakebench_suite.types import Answer

class Tensor:
    pass

class Littering:
    def answer(self, prompts, images):
        assert gc.isenabled()
        assert gc.get_freeze_count() > 10_000
        one = Tensor()
        one.itself = one
        seen = weakref.ref(one)
        del one
        gc.collect()
        assert seen() is None
        return [Answer(text="fake", tokens=1, seconds=0.1, batch_size=1) for _ in prompts]

@pytest.fixture(scope="session")
def model():
    return Littering()
"""


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_only_what_a_model_leaves_is_garbage(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Collected cases are out of the collector's sight, and cycles made later are collected."""
    (project / "cases" / "conftest.py").write_text(LITTER, encoding="utf-8")
    result = run(f"--data={data}", "-m", "detection", "--gates=none", *mode)
    assert result.ret == 0, result.stdout.str()
