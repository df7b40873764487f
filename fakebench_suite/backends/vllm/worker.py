"""What the suite adds to vLLM's workers, which compute in processes of their own.

It is imported there, and imports neither vllm nor torch.
"""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

_POLL_S = 1.0


class WorkerExtension:
    """Methods that the engine calls in each worker, by ``collective_rpc``."""

    model_runner: Any
    """Of the worker that this extends."""

    def attach_to_run(self, process: int) -> list[str]:
        """End this worker when the run's process is gone, and name its kinds of attention.

        A run that is killed cannot end its engine, which would keep the GPU. Where vLLM keeps its
        kinds of attention elsewhere than it did in 0.32, there are no names.
        """
        threading.Thread(target=_end_with, args=(process,), daemon=True).start()
        with suppress(AttributeError, TypeError):
            groups = [group for groups in self.model_runner.attn_groups for group in groups]
            return sorted({str(group.backend.get_name()) for group in groups})
        return []


def _end_with(process: int) -> None:
    """Wait for the end of a process, and end this one; vLLM's engine ends with its workers."""
    while not has_ended(process):
        time.sleep(_POLL_S)
    os._exit(1)


def has_ended(process: int) -> bool:
    """Whether a process is gone, or was ended and nobody has taken note of it.

    In a container the processes of a cluster's node may be left to one that takes no note.
    """
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # It lives.
        return False
    with suppress(OSError):  # Only Linux has this file.
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        return status.rpartition(")")[2].split()[0] in {"Z", "X"}
    return False
