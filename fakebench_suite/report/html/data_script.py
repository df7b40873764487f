"""Write data as scripts, the only way in which a page from the file system can load data.

A file holds one call with one string: JSON, or JSON compressed by gzip in base64. Texts of models
and file names are inside that string, so they are never executed.
"""

import base64
import json
from pathlib import Path

import msgspec
from isal import igzip

_LEVEL = 2
"""Of ISA-L's four the one that compresses records best for its time: to an eighth, at 300 MB/s."""


def write_data_script(path: Path, name: str, value: object, *, compress: bool = False) -> None:
    """Write ``value`` so that the page's script receives it under ``name``."""
    try:
        content = msgspec.json.encode(value)
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 cannot carry
        content = json.dumps(msgspec.to_builtins(value)).encode()
    if compress:
        function = "receiveCompressed"
        text = base64.b64encode(igzip.compress(content, _LEVEL, mtime=0)).decode()
    else:
        function, text = "receive", content.decode()
    arguments = ", ".join(msgspec.json.encode(argument).decode() for argument in (name, text))
    path.write_text(f"fakebench.{function}({arguments});\n", encoding="utf-8")
