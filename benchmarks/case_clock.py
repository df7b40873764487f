"""A pytest plugin, ``-p benchmarks.case_clock``: when the model was loaded and the last case ended.

Ends standard error with a line ``CLOCK {...}``: both in seconds since the epoch, and, where a model
was loaded, the processor time between them and torch's threads.
"""

import json
import sys
import time
from collections.abc import Generator
from typing import Any

import pytest

_CLOCK = pytest.StashKey[dict[str, float]]()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Note when the suite's fixture ``model`` is there: nothing was asked before."""
    value = yield
    if fixturedef.argname == "model":
        times = {"loaded": time.time(), "cpu": time.process_time()}
        request.config.stash[_CLOCK] = times
    return value


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell, before scores, gates and report are made; workers of xdist are silent."""
    if not hasattr(session.config, "workerinput"):
        times = session.config.stash.get(_CLOCK, {}) | {"last": time.time()}
        if "cpu" in times:
            times["cpu"] = time.process_time() - times["cpu"]
        if "torch" in sys.modules:
            times["threads"] = sys.modules["torch"].get_num_threads()
        print(f"CLOCK {json.dumps(times)}", file=sys.stderr)
