"""How the threads of a matrix product wait for each other."""

import os

_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
"""What says so already: the variable of the OpenMP specification, and that of GCC's library."""


def wait_without_spinning() -> None:
    """Let threads of OpenMP sleep while they wait; call it before torch is imported.

    By default GCC's OpenMP, which torch brings, lets them spin. On busy cores the thread that all
    others wait for then gets no time: a run of pocket at two threads took two to three times as
    long, and twice the CPU, as one at a single thread. A setting of the user's stays.
    """
    if not any(name in os.environ for name in _WAITING):
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
