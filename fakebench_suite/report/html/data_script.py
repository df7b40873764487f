"""Write data as scripts, the only way in which a page from the file system can load data.

A file holds one call with one string: JSON, or JSON compressed by gzip in base64. Texts of models
and file names are inside that string, so they are never executed.
"""

import base64
import json
from pathlib import Path

import msgspec

from fakebench_suite.files.compression import compress_gzip


def write_data_script(path: Path, name: str, value: object, *, compress: bool = False) -> None:
    """Write ``value`` so that the page's script receives it under ``name``."""
    try:
        content = msgspec.json.encode(value)
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 cannot carry
        content = json.dumps(msgspec.to_builtins(value)).encode()
    if compress:
        function = "receiveCompressed"
        text = base64.b64encode(compress_gzip(content)).decode()
    else:
        function, text = "receive", content.decode()
    arguments = ", ".join(msgspec.json.encode(argument).decode() for argument in (name, text))
    path.write_text(f"fakebench.{function}({arguments});\n", encoding="utf-8")
