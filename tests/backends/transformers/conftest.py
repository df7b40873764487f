"""Tiny checkpoints of every architecture, each made once for all modules that read it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tests.backends.transformers.architectures.checkpoints import save_checkpoint


@pytest.fixture(scope="session")
def find_checkpoint(shared_folder: Path) -> Callable[[str], Path]:
    """A tiny checkpoint by the name of its card; whoever changes it copies it first."""

    def find(name: str) -> Path:
        folder = shared_folder / "checkpoints" / name
        folder.parent.mkdir(exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                draft = save_checkpoint(name, folder.with_name(f"{name}.draft"))
                draft.rename(folder)
        return folder

    return find
