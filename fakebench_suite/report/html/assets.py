"""Scripts and styles of the page: the suite's own, and those of installed libraries."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

_EMPTY_STYLE = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        # Plotly fills an empty style element through the object model.
        f"style-src 'self' '{_EMPTY_STYLE}'",
        # Plotly draws heat maps as inline pictures.
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""Content-Security-Policy: no inline scripts, no eval, no other origins."""

_EXPORTS = re.compile(r"export\{([^}]*)\};?")


def copy_assets(folder: Path) -> None:
    """Copy all scripts and styles of the page into ``folder``."""
    for name, content in _load_assets().items():
        (folder / name).write_bytes(content)


@cache
def _load_assets() -> Mapping[str, bytes]:
    """The files by name, read once a process.

    Of plotly.js it is the distribution for charts with axes, a third of the size of the whole that
    the package plotly has (``make plotly``).
    """
    own = files("fakebench_suite.report.html")
    assets = {asset.name: asset.read_bytes() for asset in (own / "static").iterdir()}
    table = (files("itables") / "html" / "dt_bundle.js").read_text(encoding="utf-8")
    assets["datatables.js"] = unwrap_module(table, "datatables").encode()
    assets["plotly.js"] = (own / "vendor" / "plotly-cartesian.min.js").read_bytes()
    return assets


def unwrap_module(source: str, name: str) -> str:
    """A module as a plain script that leaves its exports in ``window[name]``.

    Browsers load no module from the file system.
    """
    matches = list(_EXPORTS.finditer(source))
    if not matches:
        raise ValueError(f"the bundle for {name} exports nothing")
    last = matches[-1]
    pairs = (pair.strip().partition(" as ") for pair in last.group(1).split(","))
    exports = ",".join(f"{alias or local}:{local}" for local, _, alias in pairs)
    body = f"{source[: last.start()]};window.{name}={{{exports}}};{source[last.end() :]}"
    return f"(()=>{{{body}\n}})();\n"
