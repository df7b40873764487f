"""Latency of loading, of a first token, of one reply, and of batches.

Cold is the first answer after loading; warm is any later answer.
"""

from collections.abc import Callable

import pytest

from fakebench_suite.plugin.latency.fixtures import BenchmarkInput, Measure

pytestmark = pytest.mark.latency


def test_load(measure_loading: Callable[[], None]) -> None:
    measure_loading()


def test_first_token(measure: Measure, work: BenchmarkInput) -> None:
    measure(lambda model: model.begin(work.prompt, work.images))


def test_prompt(measure: Measure, work: BenchmarkInput) -> None:
    measure(lambda model: model.answer(work.prompt, work.images))


def test_group(measure: Measure, work: BenchmarkInput) -> None:
    measure(lambda model: model.answer(work.group, work.images))


def test_work_unit(measure: Measure, work: BenchmarkInput) -> None:
    measure(lambda model: model.answer(work.work_unit, work.images))
