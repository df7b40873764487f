"""Whether there is a GPU, without torch."""

from pathlib import Path

import pytest

from fakebench_suite.backends import gpus
from fakebench_suite.backends.cards import find_card
from fakebench_suite.backends.gpus import has_gpu, is_on_gpu


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only driver there may be; it is not there yet."""
    path = tmp_path / "nvidiactl"
    monkeypatch.setattr(gpus, "DRIVERS", (tmp_path / "kfd", path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return path


def test_a_driver_says_that_there_is_a_gpu(driver: Path) -> None:
    """Of any maker; without one there is none."""
    assert not has_gpu()
    driver.touch()
    assert has_gpu()


@pytest.mark.parametrize(
    ("visible", "expected"), [("0", True), ("GPU-5e", True), ("", False), ("-1", False)]
)
def test_hidden_gpus_are_none(
    driver: Path, monkeypatch: pytest.MonkeyPatch, visible: str, expected: bool
) -> None:
    """As torch has it."""
    driver.touch()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert has_gpu() is expected


def test_only_checkpoints_that_transformers_loads_are_on_it(driver: Path) -> None:
    """What a server, a script or an ONNX file computes is not."""
    driver.touch()
    assert is_on_gpu(find_card("pocket"))
    assert not is_on_gpu(find_card("coin"))
