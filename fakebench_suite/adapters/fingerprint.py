"""Whether two machines hold the same versions, code and checkpoint, without reading all of it."""

import hashlib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import fakebench_suite

_READ = (".json", ".jinja", ".model", ".safetensors", ".bin")
"""Endings of the files that answers hang on."""
_STRETCH = 2**20
"""Bytes that are read at the start, the middle and the end of a file."""


def digest_code() -> str:
    """SHA-256 over the suite's own modules and tables."""
    root, digest = Path(fakebench_suite.__file__).parent, hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.suffix in (".py", ".toml"):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def take_fingerprint(folder: Path) -> str:
    """SHA-256 over names, sizes and three stretches of each file of a checkpoint.

    Training moves nearly all weights, so that another state of the same model differs in it.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in _READ):
        size = path.stat().st_size
        digest.update(f"{path.name}:{size}\n".encode())
        with path.open("rb") as stream:
            for start in (0, size // 2, max(0, size - _STRETCH)):
                stream.seek(start)
                digest.update(stream.read(_STRETCH))
    return digest.hexdigest()


def find_versions(packages: Iterable[str]) -> dict[str, str]:
    """The version of each package here; ``absent`` where it is not installed."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found
