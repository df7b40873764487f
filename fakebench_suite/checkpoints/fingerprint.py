"""What a checkpoint is by content: its weights, and every other file that loading reads."""

import hashlib
import json
import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import fakebench_suite

_WEIGHT_SUFFIXES = (".safetensors", ".bin")
"""Endings of weight files; transformers reads the first kind that is there."""
_TRAINING_STATE = re.compile(r"(training_args|optimizer|scheduler|rng_state|scaler).*")
_READ_SUFFIXES = (".json", ".jinja", ".model", ".tiktoken", ".spm", ".bpe", ".vocab")
"""Endings of the files beside the weights that transformers or a tokenizer reads."""
_VOCABULARY = re.compile(r"(?i).*(vocab|merges|token|bpe|dict).*\.txt")
_TRAINING_LOGS = re.compile(r"trainer_state\.json|.*results\.json")
_TEMPLATE_FOLDERS = ("additional_chat_templates", "chat_templates")
"""Folders of a checkpoint in which transformers looks for further templates."""
_TOKENIZER_FOLDERS = "*tokenizer*"
"""Folders in which a processor of several tokenizers has all but the first, as InstructBLIP's has
``qformer_tokenizer``."""
_PATH_FIELDS = frozenset({"_name_or_path", "name_or_path"})
"""Fields that save_pretrained fills with the place a checkpoint was loaded from."""
_BLOB = re.compile(r"[0-9a-f]{64}")
_SAMPLE_BYTES = 2**20
"""Bytes that are read at the start, the middle and the end of a file."""


def digest_code() -> str:
    """SHA-256 over the suite's own modules and tables: the same in a wheel and in its checkout.

    A wheel holds cases, cards and gates as well, which are no part of the code.
    """
    root, digest = Path(fakebench_suite.__file__).parent, hashlib.sha256()
    bundled = {root / name for name in ("cases", "models", "gates.toml")}
    for path in sorted(root.rglob("*")):
        if path.suffix in (".py", ".toml") and bundled.isdisjoint((path, *path.parents)):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def list_weight_files(folder: Path) -> list[Path]:
    """The weight files of a checkpoint, by name: those of the first kind that is there."""
    for suffix in _WEIGHT_SUFFIXES:
        found = [path for path in folder.glob(f"*{suffix}") if not _TRAINING_STATE.match(path.name)]
        if found:
            return sorted(found)
    return []


def list_files(folder: Path, *, code: bool) -> list[Path]:
    """The files beside the weights that loading reads; modules only where ``code`` is trusted."""
    places = [
        folder,
        *(folder / name for name in _TEMPLATE_FOLDERS),
        *folder.glob(_TOKENIZER_FOLDERS),
    ]
    found = [path for place in places if place.is_dir() for path in place.iterdir()]
    kept = {path for path in found if _is_read(path) and path.is_file()}
    return sorted(kept | {*folder.rglob("*.py")} if code else kept)


def _is_read(path: Path) -> bool:
    if _TRAINING_LOGS.fullmatch(path.name):
        return False
    return path.suffix in _READ_SUFFIXES or _VOCABULARY.fullmatch(path.name) is not None


def digest_weights(folder: Path) -> str:
    """SHA-256 over the weight files; a hub cache names its blobs by digest, so none is read."""
    digest = hashlib.sha256()
    for path in list_weight_files(folder):
        blob = path.resolve().name
        if path.is_symlink() and _BLOB.fullmatch(blob):
            digest.update(bytes.fromhex(blob))
            continue
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def digest_files(folder: Path, *, code: bool) -> dict[str, str]:
    """SHA-256 of every file beside the weights that loading reads, by name below the folder.

    Of the fields of configurations, those that name a place are left out.
    """
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(_read_content(path)).hexdigest()
        for path in list_files(folder, code=code)
    }


def _read_content(path: Path) -> bytes:
    content = path.read_bytes()
    if not path.name.endswith("config.json"):
        return content
    try:
        settings: Any = json.loads(content)
    except (ValueError, RecursionError):
        return content
    if not isinstance(settings, dict) or not _PATH_FIELDS & settings.keys():
        return content
    kept = {name: value for name, value in settings.items() if name not in _PATH_FIELDS}
    return json.dumps(kept, sort_keys=True).encode()


def compute_fingerprint(folder: Path, *, code: bool = False) -> str:
    """SHA-256 over names, sizes and three stretches of each file of a checkpoint.

    Training moves nearly all weights, so that another state of the same model differs in it.
    """
    digest = hashlib.sha256()
    for path in [*list_weight_files(folder), *list_files(folder, code=code)]:
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder)}:{size}\n".encode())
        with path.open("rb") as stream:
            for start in (0, size // 2, max(0, size - _SAMPLE_BYTES)):
                stream.seek(start)
                digest.update(stream.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def load_package_versions(packages: Iterable[str]) -> dict[str, str]:
    """The version of each package here; ``absent`` where it is not installed."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found
