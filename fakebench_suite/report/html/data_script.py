"""Write data as scripts, the only way in which a page from the file system can load data.

A file holds one call with one string of JSON. Texts of models and file names are inside that
string, so they are never executed.
"""

import json
from pathlib import Path

import msgspec


def write_data_script(path: Path, name: str, value: object) -> None:
    """Write ``value`` so that the page's script receives it under ``name``."""
    try:
        content = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 cannot carry
        content = json.dumps(msgspec.to_builtins(value))
    call = f"fakebench.receive({json.dumps(name)}, {msgspec.json.encode(content).decode()});\n"
    path.write_text(call, encoding="utf-8")
