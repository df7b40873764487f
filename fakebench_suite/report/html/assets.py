"""Scripts and styles of the page: the suite's own, and those of installed libraries."""

import re
import shutil
from importlib.resources import files
from pathlib import Path

_EMPTY_STYLE = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
_MAP_STYLE = "sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o="
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        # Plotly fills an empty style element through the object model, and brings one for maps.
        f"style-src 'self' '{_EMPTY_STYLE}' '{_MAP_STYLE}'",
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
    own = files("fakebench_suite.report.html") / "static"
    for asset in own.iterdir():
        (folder / asset.name).write_bytes(asset.read_bytes())
    table = (files("itables") / "html" / "dt_bundle.js").read_text(encoding="utf-8")
    (folder / "datatables.js").write_text(unwrap_module(table, "datatables"), encoding="utf-8")
    plotly = files("plotly") / "package_data" / "plotly.min.js"
    with plotly.open("rb") as source, (folder / "plotly.js").open("wb") as target:
        shutil.copyfileobj(source, target)


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
