"""Garbage collection: what lives as long as the session is not searched again and again.

Python looks through all its objects whenever their number has grown by a quarter. With 54,000 cases
that took a quarter of the time of a run whose model takes none (benchmarks/harness.py).
"""

import gc
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Make items undisturbed, and never again look for garbage among what is there by then.

    While cases run, garbage collection goes on as usual, since what a model leaves may hold a GPU's
    memory. Collecting 54,000 cases leaves ten objects of garbage, which are kept.
    """
    result = yield from _gc_disabled()
    gc.freeze()
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish() -> Generator[None, object, object]:
    """Score and write the run undisturbed: records live until it is written."""
    return (yield from _gc_disabled())


def _gc_disabled() -> Generator[None, object, object]:
    collects = gc.isenabled()
    gc.disable()
    try:
        return (yield)
    finally:
        if collects:
            gc.enable()
