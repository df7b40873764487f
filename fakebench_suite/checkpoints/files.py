"""The files of a checkpoint, checked before anything heavy is imported."""

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from fakebench_suite.errors import CardError, FormatError
from fakebench_suite.files.contents import open_file, read_file
from fakebench_suite.files.formats import decode_json

_OBJECT = msgspec.json.Decoder(dict[str, Any])

_WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
"""Files of weights, in the order in which transformers looks for them or for their index."""
_PROCESSOR_FILES = ("processor_config.json", "preprocessor_config.json")
_HEADER_LENGTH_BYTES = 8
"""Bytes that say how long the header of a safetensors file is."""
_MAX_HEADER_BYTES = 100_000_000
"""Bytes of the longest header that the safetensors library reads."""
_LFS_POINTER_START = b"version https://git-lfs"
_DOWNLOAD_AGAIN = "Download the checkpoint again."
_PICKLE_START = b"\x80"
"""What files of ``torch.save`` begin with that are no archives."""


def read_json(path: Path) -> Mapping[str, Any]:
    """The object in a JSON file of a checkpoint; empty where there is no such file.

    Raises CardError where it holds anything else.
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
    """Raise CardError where weights are absent, cut short, or those of an adapter only."""
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
    """The files that transformers loads weights from; raises CardError where one is absent."""
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
    """The files that an index names."""
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(one, str) for one in places.values()):
        raise CardError(f"{index} has no weight_map of names. Download the checkpoint again.")
    names = sorted(set(places.values()))
    absent = [name for name in names if not (index.parent / name).is_file()]
    if absent:
        raise CardError(
            f"{index.parent} lacks {len(absent)} of the {len(names)} files of weights that "
            f"{index.name} names ({join_names(absent)}). Download the checkpoint again."
        )
    return [index.parent / name for name in names]


def _check_file(path: Path) -> None:
    """Raise CardError where a file of weights is not whole."""
    try:
        _check_content(path)
    except OSError as error:
        raise CardError(f"{path} cannot be read: {error.strerror}. {_DOWNLOAD_AGAIN}") from error


def _check_content(path: Path) -> None:
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
    """Whether a checkpoint names code of its own that is to load it."""
    names = ("config.json", "tokenizer_config.json", *_PROCESSOR_FILES)
    return any(read_json(folder / name).get("auto_map") for name in names)


def has_chat_template(folder: Path) -> bool:
    """Whether a processor or tokenizer saved in the folder brings a chat template."""
    if any((folder / "chat_templates").glob("*.jinja")):
        return True
    if any((folder / name).is_file() for name in ("chat_template.jinja", "chat_template.json")):
        return True
    names = ("tokenizer_config.json", *_PROCESSOR_FILES)
    return any(read_json(folder / name).get("chat_template") for name in names)


def join_names(names: list[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
