"""A pytest plugin, ``-p benchmarks.case_clock``: when the model was loaded and the last case ended.

Ends standard error with a line ``CLOCK {...}`` of seconds since the epoch.
"""

import json
import sys
import time
from collections.abc import Generator
from typing import Any

import pytest

_TOLD = pytest.StashKey[dict[str, float]]()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Note when the suite's fixture ``model`` is there: nothing was asked before."""
    made = yield
    if fixturedef.argname == "model":
        request.config.stash.setdefault(_TOLD, {})["loaded"] = time.time()
    return made


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell, before scores, gates and report are made; workers of xdist are silent."""
    if not hasattr(session.config, "workerinput"):
        told = session.config.stash.setdefault(_TOLD, {}) | {"last": time.time()}
        print(f"CLOCK {json.dumps(told)}", file=sys.stderr)
