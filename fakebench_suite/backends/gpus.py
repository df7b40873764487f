"""Whether models in this process compute on a GPU, as it shows without torch.

Work units depend on it, in processes that load no model: pytest-xdist's controller is one. Where
the answer is wrong (a torch without CUDA on a machine with a GPU), units are larger than they need
be, and equally large in all processes.
"""

import os
from pathlib import Path

from fakebench_suite.backends.cards import Card

DRIVERS = (
    Path("/dev/nvidiactl"),
    Path("/dev/kfd"),
    Path("/usr/lib/wsl/lib/libcuda.so.1"),
    Path(os.environ.get("SYSTEMROOT", "C:/Windows"), "System32", "nvcuda.dll"),
)
"""Files of the drivers of NVIDIA and AMD on Linux, and of NVIDIA under WSL and on Windows."""
_NONE = ("", "-1", "NoDevFiles")
"""Values of CUDA_VISIBLE_DEVICES that hide every GPU."""


def has_gpu() -> bool:
    """Whether this machine has the driver of a GPU, and the environment does not hide them all."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in _NONE:
        return False
    return any(driver.exists() for driver in DRIVERS)


def is_on_gpu(card: Card) -> bool:
    """Whether transformers will compute the answers of this card's model on a GPU."""
    return card.backend == "transformers" and has_gpu()
