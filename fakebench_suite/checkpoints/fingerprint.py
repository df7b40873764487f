"""Digests of a checkpoint's content: its weights, and the other files that loading reads."""

import glob
import hashlib
import json
import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import fakebench_suite

_WEIGHT_SUFFIXES = (".safetensors", ".bin")
"""Suffixes of weight files; transformers reads the first kind that exists."""
_TRAINING_STATE = re.compile(r"(training_args|optimizer|scheduler|rng_state|scaler).*")
_READ_SUFFIXES = (".json", ".jinja", ".model", ".tiktoken", ".spm", ".bpe", ".vocab")
"""Suffixes of the other files that transformers or a tokenizer reads."""
_VOCABULARY = re.compile(r"(?i).*(vocab|merges|token|bpe|dict).*\.txt")
_TRAINING_LOGS = re.compile(r"trainer_state\.json|.*results\.json")
_TEMPLATE_FOLDERS = ("additional_chat_templates", "chat_templates")
"""Folders of a checkpoint in which transformers looks for further chat templates."""
_TOKENIZER_FOLDERS = "*tokenizer*"
"""Pattern of folders for the further tokenizers of a processor, such as InstructBLIP's
``qformer_tokenizer``."""
_BESIDE_ONNX = ("config.json", "preprocessor_config.json", "processor_config.json")
"""Files that an ONNX file is read with."""
_PATH_FIELDS = frozenset({"_name_or_path", "name_or_path"})
"""Fields in which save_pretrained stores the path that a checkpoint was loaded from."""
_BLOB = re.compile(r"[0-9a-f]{64}")
_SAMPLE_BYTES = 2**20
"""Bytes read at the start, the middle and the end of a file."""


@cache
def digest_code() -> str:
    """Return the SHA-256 over the suite's modules and tables, the same in a wheel and a checkout.

    Cases, cards and gates, which a wheel holds inside the package, are excluded. The files are read
    once a process.
    """
    root, digest = Path(fakebench_suite.__file__).parent, hashlib.sha256()
    bundled = {root / name for name in ("cases", "models", "gates.toml")}
    for path in sorted(root.rglob("*")):
        if path.suffix in (".py", ".toml") and bundled.isdisjoint((path, *path.parents)):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def list_weight_files(folder: Path) -> list[Path]:
    """Return the weight files of a checkpoint by name: those of the first kind that exists.

    Of an ONNX file these are the file itself and those beside it that begin with its name, in which
    exporters put weights of more than two gigabytes.
    """
    if folder.is_file():
        return sorted({folder, *folder.parent.glob(f"{glob.escape(folder.name)}[._]*")})
    for suffix in _WEIGHT_SUFFIXES:
        paths = [path for path in folder.glob(f"*{suffix}") if not _TRAINING_STATE.match(path.name)]
        if paths:
            return sorted(paths)
    return []


def list_files(folder: Path, *, code: bool) -> list[Path]:
    """Return the files besides the weights that loading reads.

    ``code`` includes Python modules, which are read only when they are trusted. Beside an ONNX file
    these are the configurations of its labels and of its image processor.
    """
    if folder.is_file():
        return sorted(path for name in _BESIDE_ONNX if (path := folder.parent / name).is_file())
    folders = [
        folder,
        *(folder / name for name in _TEMPLATE_FOLDERS),
        *folder.glob(_TOKENIZER_FOLDERS),
    ]
    paths = [
        path for folder_path in folders if folder_path.is_dir() for path in folder_path.iterdir()
    ]
    files = {path for path in paths if _is_read(path) and path.is_file()}
    return sorted(files | {*folder.rglob("*.py")} if code else files)


def _is_read(path: Path) -> bool:
    if _TRAINING_LOGS.fullmatch(path.name):
        return False
    return path.suffix in _READ_SUFFIXES or _VOCABULARY.fullmatch(path.name) is not None


def digest_weights(folder: Path) -> str:
    """Return the SHA-256 over the weight files.

    Files of a hub cache are named by their digest, so they need not be read.
    """
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
    """Return the SHA-256 of every file besides the weights that loading reads, by relative path.

    Fields of configurations that hold a path are left out of the digest.
    """
    root = folder.parent if folder.is_file() else folder
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(_read_content(path)).hexdigest()
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
    fields = {name: value for name, value in settings.items() if name not in _PATH_FIELDS}
    return json.dumps(fields, sort_keys=True).encode()


def compute_fingerprint(folder: Path, *, code: bool = False) -> str:
    """Return the SHA-256 over names, sizes and samples of all files of a checkpoint.

    Three samples of each file are enough: training changes nearly all weights.
    """
    digest = hashlib.sha256()
    root = folder.parent if folder.is_file() else folder
    for path in [*list_weight_files(folder), *list_files(folder, code=code)]:
        size = path.stat().st_size
        digest.update(f"{path.relative_to(root)}:{size}\n".encode())
        with path.open("rb") as stream:
            for start in (0, size // 2, max(0, size - _SAMPLE_BYTES)):
                stream.seek(start)
                digest.update(stream.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def load_package_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the installed version of each package, or ``absent``."""
    versions = {}
    for name in packages:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "absent"
    return versions
