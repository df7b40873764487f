"""Distribution: which scheduler, what it tells a new worker, and what ``-n auto`` means."""

import shlex
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from fakebench_suite.extras import Extra, has_extra
from fakebench_suite.plugin.collection import will_run_cases
from fakebench_suite.plugin.engines import find_unit_size

if TYPE_CHECKING:
    from fakebench_suite.plugin.xdist.scheduler import WorkUnitScheduler

_SCHEDULING = pytest.StashKey["WorkUnitScheduler"]()
_SUSPECTS = "fakebench_suspects"
_ASKING_SINCE = pytest.StashKey[float]()
_BEGAN = "fakebench_began"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config) -> "WorkUnitScheduler | None":
    """Schedule cases by unit, unless another ``--dist`` was asked for."""
    if config.getoption("dist") != "load" or not will_run_cases(config):
        return None
    from fakebench_suite.plugin.xdist.scheduler import WorkUnitScheduler
    from fakebench_suite.plugin.xdist.sick_workers import SickWorkerWatch

    scheduling = WorkUnitScheduler(len(config.option.tx), partial(find_unit_size, config))
    config.stash[_SCHEDULING] = scheduling
    config.pluginmanager.register(SickWorkerWatch(config, scheduling), "fakebench-watch")
    return scheduling


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """Let workers import nothing from the directory that pytest is called in."""
    for spec in specs:
        if spec.popen and not spec.python:
            spec.python = f"{shlex.quote(sys.executable)} -P"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker that takes a dead one's place what was being asked when it died."""
    scheduling = node.config.stash.get(_SCHEDULING, None)
    node.workerinput[_BEGAN] = node.config.stash.get(_ASKING_SINCE, None)
    if scheduling is not None:
        node.workerinput[_SUSPECTS] = scheduling.tell_suspects(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any) -> None:
    """Know when the first worker could begin, for those that take its place."""
    node.config.stash.setdefault(_ASKING_SINCE, time.time())


def find_seconds_left(config: pytest.Config, limit: float | None) -> float | None:
    """What is left of a limit of time: a worker in the place of another has no more than it."""
    since = getattr(config, "workerinput", {}).get(_BEGAN)
    return limit if limit is None or since is None else limit - (time.time() - since)


def crashed_units(config: pytest.Config) -> frozenset[int]:
    """Work units whose cases this process asks one by one, because a worker died over them."""
    return frozenset(getattr(config, "workerinput", {}).get(_SUSPECTS, ()))


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One worker per visible GPU, and one without: on a CPU a model takes all cores itself.

    An engine of vLLM may take several.
    """
    if not will_run_cases(config):
        return None
    if not has_extra(Extra.LOCAL):
        return 1
    from fakebench_suite.backends.transformers.devices import count_gpus

    option = config.option
    return max(
        1, count_gpus() // ((option.tensor_parallel_size or 1) * (option.data_parallel_size or 1))
    )
