"""Check the files of a checkpoint before torch and transformers are imported."""

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from fakebench_suite.errors import CardError, FormatError
from fakebench_suite.files.contents import open_file, read_file
from fakebench_suite.files.parsing import decode_json

_OBJECT = msgspec.json.Decoder(dict[str, Any])

_WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
"""Names of weight files, in the order in which transformers looks for them or for their index."""
_PROCESSOR_FILES = ("processor_config.json", "preprocessor_config.json")
_HEADER_LENGTH_BYTES = 8
"""Bytes at the start of a safetensors file that hold the length of its header."""
_MAX_HEADER_BYTES = 100_000_000
"""Longest header that the safetensors library reads."""
_LFS_POINTER_START = b"version https://git-lfs"
_DOWNLOAD_AGAIN = "Download the checkpoint again."
_PICKLE_START = b"\x80"
"""First byte of ``torch.save`` files in the format before zip archives."""


def read_json(path: Path) -> Mapping[str, Any]:
    """Return the object in a JSON file of a checkpoint; empty if the file does not exist.

    Raises CardError if it cannot be read or does not hold an object.
    """
    try:
        return decode_json(read_file(path), _OBJECT)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CardError(f"{path} cannot be read: {error.strerror}.") from error
    except FormatError as error:
        raise CardError(f"{path} is no JSON object: {error}. {_DOWNLOAD_AGAIN}") from error


def check_files(folder: Path) -> None:
    """Raise CardError if weights are missing, truncated, or those of an adapter (LoRA) only."""
    config = read_json(folder / "config.json")
    if (folder / "adapter_config.json").is_file():
        raise CardError(
            f"{folder} holds an adapter (adapter_config.json), such as LoRA's. Merge it into its "
            "base model with merge_and_unload of PEFT, and point --model at what save_pretrained "
            "then writes."
        )
    if "transformers_weights" not in config:
        for path in list_weights(folder):
            _check_file(path)


def list_weights(folder: Path) -> list[Path]:
    """Return the files that transformers loads weights from; raises CardError if one is missing."""
    for name in _WEIGHT_FILES:
        path, index = folder / name, folder / f"{name}.index.json"
        if path.is_file():
            return [path]
        if index.is_file():
            return _list_shards(index)
    raise CardError(
        f"{folder} holds no weights: neither {_WEIGHT_FILES[0]} nor {_WEIGHT_FILES[1]}, nor an "
        "index of either. Download the checkpoint again, or save it with save_pretrained."
    )


def _list_shards(index: Path) -> list[Path]:
    """Return the files that an index names."""
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not all(
        isinstance(name, str) for name in weight_map.values()
    ):
        raise CardError(f"{index} has no weight_map of names. Download the checkpoint again.")
    shard_names = sorted(set(weight_map.values()))
    absent = [name for name in shard_names if not (index.parent / name).is_file()]
    if absent:
        raise CardError(
            f"{index.parent} lacks {len(absent)} of the {len(shard_names)} files of weights that "
            f"{index.name} names ({join_names(absent)}). Download the checkpoint again."
        )
    return [index.parent / name for name in shard_names]


def _check_file(path: Path) -> None:
    """Raise CardError if a weight file is incomplete."""
    try:
        _check_content(path)
    except OSError as error:
        raise CardError(f"{path} cannot be read: {error.strerror}. {_DOWNLOAD_AGAIN}") from error


def _check_content(path: Path) -> None:
    """Raise CardError if a weight file is a Git LFS pointer, of another format, or truncated.

    For safetensors, the size must be the one that the header's offsets imply.
    """
    with open_file(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        start = stream.read(len(_LFS_POINTER_START))
        if start == _LFS_POINTER_START:
            raise CardError(
                f"{path} is a pointer of Git LFS and holds no weights. Run 'git lfs pull', or "
                "download the checkpoint again."
            )
        if path.suffix == ".bin":
            if not (zipfile.is_zipfile(path) or start.startswith(_PICKLE_START)):
                raise CardError(
                    f"{path} holds no weights of PyTorch, or is cut short. {_DOWNLOAD_AGAIN}"
                )
            return
        length = int.from_bytes(start[:_HEADER_LENGTH_BYTES], "little")
        if size < _HEADER_LENGTH_BYTES or length > min(
            size - _HEADER_LENGTH_BYTES, _MAX_HEADER_BYTES
        ):
            raise CardError(
                f"{path} holds no weights of safetensors, or is cut short. {_DOWNLOAD_AGAIN}"
            )
        stream.seek(_HEADER_LENGTH_BYTES)
        header = stream.read(length)
    try:
        entries = json.loads(header)
        ends = [
            entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__"
        ]
        needed = _HEADER_LENGTH_BYTES + length + max(ends, default=0)
    except (ValueError, RecursionError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise CardError(f"{path} holds no weights of safetensors. {_DOWNLOAD_AGAIN}") from error
    if size != needed:
        raise CardError(
            f"{path} has {size:,} bytes, and its header speaks of {needed:,}. {_DOWNLOAD_AGAIN}"
        )


def brings_code(folder: Path) -> bool:
    """Return whether a configuration of the checkpoint names custom code (``auto_map``)."""
    names = ("config.json", "tokenizer_config.json", *_PROCESSOR_FILES)
    return any(read_json(folder / name).get("auto_map") for name in names)


def has_chat_template(folder: Path) -> bool:
    """Return whether the folder has a chat template, in a file of its own or in a configuration."""
    if any((folder / "chat_templates").glob("*.jinja")):
        return True
    if any((folder / name).is_file() for name in ("chat_template.jinja", "chat_template.json")):
        return True
    names = ("tokenizer_config.json", *_PROCESSOR_FILES)
    return any(read_json(folder / name).get("chat_template") for name in names)


def join_names(names: list[str], most: int = 3) -> str:
    """Return the first ``most`` names and the number of others."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
