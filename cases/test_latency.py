"""Latency of loading, of a first token, of one reply, and of batches.

Cold is the first answer after loading; warm is any later answer.
"""

from collections.abc import Callable

import pytest

from fakebench_suite.backends.base import Capability
from fakebench_suite.plugin.latency.fixtures import BenchmarkInput, Measure

pytestmark = pytest.mark.latency


def test_load(measure_loading: Callable[[], None]) -> None:
    measure_loading()


@pytest.mark.asks(Capability.FIRST_TOKEN)
def test_first_token(measure: Measure, work: BenchmarkInput) -> None:
    measure(lambda model: model.run(work.first_token))


@pytest.mark.asks(Capability.TEXT)
def test_prompt(measure: Measure, work: BenchmarkInput) -> None:
    measure(lambda model: model.run(work.prompt))


@pytest.mark.asks(Capability.TEXT)
def test_group(measure: Measure, work: BenchmarkInput) -> None:
    measure(lambda model: model.run(work.group))


@pytest.mark.asks(Capability.TEXT)
def test_work_unit(measure: Measure, work: BenchmarkInput) -> None:
    measure(lambda model: model.run(work.work_unit))
