"""Whether models in this process compute on a GPU, as it shows without torch.

Work units depend on it, in processes that load no model: pytest-xdist's controller is one. Where
the answer is wrong, as with a driver that is too old, units are larger than they need be.
"""

import os
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from fakebench_suite.backends.cards import Card

DRIVERS = {
    "cuda": (
        Path("/dev/nvidiactl"),
        Path("/usr/lib/wsl/lib/libcuda.so.1"),
        Path(os.environ.get("SYSTEMROOT", "C:/Windows"), "System32", "nvcuda.dll"),
    ),
    "hip": (Path("/dev/kfd"),),
}
"""Files of the drivers of NVIDIA (on Linux, under WSL and on Windows) and of AMD, by what torch has
to be built for."""
_NONE = ("", "-1", "NoDevFiles")
"""Values of CUDA_VISIBLE_DEVICES that hide every GPU."""


_BUILT_FOR = re.compile(r"^(cuda|hip)\b[^=\n]*= *['\"]", re.MULTILINE)
"""In torch's ``version.py``: a version where the build has kernels for it, else None."""


@cache
def list_builds() -> frozenset[str]:
    """What the installed torch is built for: ``cuda``, ``hip``, or nothing."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return frozenset()
    return read_builds(Path(spec.origin).with_name("version.py"))


def read_builds(version: Path) -> frozenset[str]:
    """What a torch with this ``version.py`` is built for; nothing where it cannot be read."""
    try:
        return frozenset(_BUILT_FOR.findall(version.read_text(encoding="utf-8")))
    except OSError:
        return frozenset()


def has_gpu() -> bool:
    """Whether a GPU that torch is built for has its driver here, and is not hidden.

    The environment may hide all of them.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in _NONE:
        return False
    return any(driver.exists() for build in list_builds() for driver in DRIVERS[build])


def is_on_gpu(card: Card) -> bool:
    """Whether transformers will compute the answers of this card's model on a GPU."""
    return card.backend == "transformers" and has_gpu()
