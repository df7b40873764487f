"""What the tests of text judges share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakebench_suite.endpoints import retries
from fakebench_suite.grading.judges.cache import RatingCache
from fakebench_suite.grading.judges.endpoint import EndpointJudge
from tests.endpoint_server import Endpoint, serve


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between attempts are milliseconds."""
    monkeypatch.setattr(retries, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(retries, "LONGEST_WAIT_S", 0.01)


@pytest.fixture(autouse=True)
def closed_judges(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every judge behind an endpoint is closed after its test."""
    judges: list[EndpointJudge] = []
    begin = EndpointJudge.__init__

    def begin_and_keep(judge: EndpointJudge, *arguments: Any, **options: Any) -> None:
        begin(judge, *arguments, **options)
        judges.append(judge)

    monkeypatch.setattr(EndpointJudge, "__init__", begin_and_keep)
    yield
    for judge in judges:
        judge.close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A well-behaved endpoint; tests change what it does."""
    with serve(Endpoint()) as running_endpoint:
        yield running_endpoint


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[RatingCache]:
    """An empty cache."""
    rating_cache = RatingCache(tmp_path / "marks.sqlite")
    yield rating_cache
    rating_cache.close()
