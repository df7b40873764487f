"""What the tests of text judges share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakebench_suite.grading.judges.cache import RatingCache
from tests.endpoint_server import Endpoint, serve


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
