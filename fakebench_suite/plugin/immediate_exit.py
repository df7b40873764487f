"""Processes that multiprocessing started in this one, such as vLLM's engine."""

import os
import sys
from contextlib import suppress
from typing import NoReturn


def exit_at_once(status: int) -> NoReturn:
    """End this process without unwinding, and its children, which nothing else would end then."""
    multiprocessing = sys.modules.get("multiprocessing")
    for process in multiprocessing.active_children() if multiprocessing is not None else ():
        with suppress(OSError, ValueError):
            process.kill()
    os._exit(status)
