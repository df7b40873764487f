"""What the wheel holds beside the package: an editable install finds it in the checkout."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLED = ("cases", "gates.toml", "models")
"""Copied into the package, where ``fakebench_suite.files.bundled`` finds them."""


class BundledFiles(BuildHookInterface):  # type: ignore[type-arg]  # generic in its stub alone
    """Adds the bundled files to a wheel, and to no editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a build of the kind ``version``: ``standard`` or ``editable``."""
        if version != "editable":
            build_data["force_include"] |= {name: f"fakebench_suite/{name}" for name in BUNDLED}
