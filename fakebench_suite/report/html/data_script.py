"""Data as scripts: the one way a page from the file system can read them, and never as code.

A file holds one call with one string, and the string is JSON. Whatever a model or a file name
said is inside that string, so it cannot become anything else.
"""

import json
from pathlib import Path

import msgspec


def write_data_script(path: Path, name: str, value: object) -> None:
    """Write ``value`` so that the page's script gets it under ``name``."""
    try:
        content = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 cannot carry
        content = json.dumps(msgspec.to_builtins(value))
    call = f"fakebench.take({json.dumps(name)}, {msgspec.json.encode(content).decode()});\n"
    path.write_text(call, encoding="utf-8")
