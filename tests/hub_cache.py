"""A cache of the Hugging Face hub, as downloads leave it."""

import shutil
from pathlib import Path

from fakebench_suite.backends.cards import MODELS

_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_LEFT_OUT = shutil.ignore_patterns("*.py", "card.toml", "training.log", "__pycache__")


def fill_hub_cache(cache: Path, repository: str) -> Path:
    """Put the checkpoint of pocket into ``cache`` as ``repository``; return its directory there."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    snapshot = folder / "snapshots" / _COMMIT
    shutil.copytree(MODELS / "pocket", snapshot, ignore=_LEFT_OUT)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(_COMMIT, encoding="utf-8")
    return folder
