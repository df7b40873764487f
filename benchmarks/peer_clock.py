"""What answered a set of cases, and what that took: the line ``CLOCK {...}`` of a peer.

Imports nothing but Python's own, because peers' environments run it too.
"""

import hashlib
import json
import os
import sys
import time
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.process_tree import read_cpu_seconds


class Stopwatch:
    """Runs from when it is made: by the clock, and in processor time of all that this started."""

    def __init__(self) -> None:
        self._cpu, self._started = read_cpu_seconds(os.getpid()), time.perf_counter()

    def read(self) -> dict[str, float]:
        """Seconds so far."""
        seconds = time.perf_counter() - self._started
        return {"seconds": seconds, "cpu": read_cpu_seconds(os.getpid()) - self._cpu}


def describe_work(prompts: Sequence[Sequence[int]], new_tokens: Iterable[int]) -> dict[str, Any]:
    """Counts of prompts, of their tokens and of new ones, and a digest of all prompts.

    ``prompts`` are the ids of their tokens, the image's among them and padding not.
    """
    return {
        "prompts": len(prompts),
        "prompt_tokens": sum(map(len, prompts)),
        "new_tokens": sum(new_tokens),
        "digest": combine_digests(map(digest_prompt, prompts)),
    }


def digest_prompt(tokens: Iterable[int]) -> str:
    """The suite's digest of a prompt (``provenance.digest_tokens``)."""
    part = hashlib.sha256(array("q", tokens).tobytes()).digest()
    return hashlib.sha256(part).hexdigest()[:32]


def combine_digests(digests: Iterable[str]) -> str:
    """One digest of all prompts, whatever their order."""
    return hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()[:16]


def print_clock(values: dict[str, Any]) -> None:
    """End standard error with them, on a line of its own."""
    print(f"\nCLOCK {json.dumps(values)}", file=sys.stderr, flush=True)
