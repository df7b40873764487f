"""Whether there is a GPU, without torch."""

from pathlib import Path

import pytest

from fakebench_suite.backends import gpu_detection
from fakebench_suite.backends.cards import find_card
from fakebench_suite.backends.gpu_detection import has_gpu, is_on_gpu, list_builds, read_builds


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only driver there may be; it is not there yet."""
    path = tmp_path / "nvidiactl"
    monkeypatch.setattr(gpu_detection, "DRIVERS", {"cuda": (path,), "hip": (tmp_path / "kfd",)})
    monkeypatch.setattr(gpu_detection, "list_builds", lambda: {"cuda"})
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return path


def test_a_driver_says_that_there_is_a_gpu(driver: Path) -> None:
    """Of the maker that torch is built for; without one there is none."""
    driver.with_name("kfd").touch()
    assert not has_gpu()
    driver.touch()
    assert has_gpu()


@pytest.mark.parametrize(
    ("text", "builds"),
    [
        ("cuda: Optional[str] = '12.8'\nhip: Optional[str] = None\n", {"cuda"}),
        ("cuda: str | None = None\nhip = '6.4'\n", {"hip"}),
        ("__version__ = '2.15.0'\ncuda: Optional[str] = None\nhip: Optional[str] = None\n", set()),
    ],
)
def test_torch_says_what_it_is_built_for(tmp_path: Path, text: str, builds: set[str]) -> None:
    """In a file that is read without torch."""
    (tmp_path / "version.py").write_text(text, encoding="utf-8")
    assert read_builds(tmp_path / "version.py") == builds
    assert read_builds(tmp_path / "absent.py") == frozenset()


def test_the_installed_torch_is_read_right() -> None:
    """As it tells itself."""
    import torch

    versions = {"cuda": torch.version.cuda, "hip": torch.version.hip}
    assert list_builds() == {name for name, version in versions.items() if version is not None}


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
