"""Garbage collection: what lives as long as the session is not searched again and again.

Python looks through all its objects whenever their number has grown by a quarter. With 54,000 cases
that took a quarter of the time of a run whose model takes none (benchmarks/harness.py).
"""

import gc
import sys
from collections.abc import Generator

import pytest

_FRAMEWORKS = frozenset({"jax", "mlx", "torch"})
"""What models compute with. Of objects that are not freed at the end, libraries bound by nanobind,
such as those of Triton, which comes with PyTorch, print a line each."""


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
    """Score and write the run undisturbed, and look for no garbage in what is left by then.

    pytest and Python would look through all records, reports and items again and again before the
    process ends, and then take them apart: seconds, with 54,000 cases (benchmarks/harness.py).
    """
    result = yield from _gc_disabled()
    gc.freeze()
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """After all that pytest cleans up, which looks for garbage twice, let a model go.

    It may hold a GPU's memory, and libraries complain at the end of the process of objects that
    were not taken apart. What has to be done last is registered first.
    """
    config.add_cleanup(_unfreeze_after_a_model)


def _unfreeze_after_a_model() -> None:
    if not _FRAMEWORKS.isdisjoint(sys.modules):
        gc.unfreeze()


def _gc_disabled() -> Generator[None, object, object]:
    collects = gc.isenabled()
    gc.disable()
    try:
        return (yield)
    finally:
        if collects:
            gc.enable()
