"""A detector for all tests of this folder."""

from pathlib import Path

import pytest

from tests.backends.classifier.detectors import train_detector


@pytest.fixture(scope="session")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that tells noise (artificial) from smooth images (human)."""
    return train_detector(tmp_path_factory.mktemp("detectors") / "trained")
