"""Distribution: which scheduler, and how many workers ``-n auto`` means."""

from typing import TYPE_CHECKING

import pytest

from fakebench_suite.plugin.collection import asks_cases

if TYPE_CHECKING:
    from fakebench_suite.plugin.scheduling import SliceScheduling


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config) -> "SliceScheduling | None":
    """Schedule cases by slice, unless another ``--dist`` was asked for."""
    if config.getoption("dist") != "load" or not asks_cases(config):
        return None
    from fakebench_suite.plugin.scheduling import SliceScheduling

    return SliceScheduling(workers=len(config.option.tx))


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One worker per visible GPU, and one without: on a CPU a model takes all cores itself."""
    if not asks_cases(config):
        return None
    from fakebench_suite.adapters.devices import count_gpus

    return max(1, count_gpus())
