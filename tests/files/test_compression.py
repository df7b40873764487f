"""What is compressed fast is what every reader of zlib and gzip reads."""

import gzip
import importlib.util
import sys
import zlib
from types import ModuleType

import numpy as np
import pytest

from fakebench_suite.files import compression


def load_anew() -> ModuleType:
    """The module as it is where isal can, or cannot, be imported now."""
    assert compression.__spec__ is not None
    module = importlib.util.module_from_spec(compression.__spec__)
    assert compression.__spec__.loader is not None
    compression.__spec__.loader.exec_module(module)
    return module


@pytest.mark.parametrize("installed", [True, False])
def test_streams_are_read_by_the_standard_library(
    monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    """Also those of machines for which there is no isal; the same at every call."""
    if not installed:
        monkeypatch.setitem(sys.modules, "isal", None)
    module = load_anew()
    content = b"The texture repeats. " * 999
    for data in (content, b""):
        assert zlib.decompress(module.compress_zlib(data)) == data
        assert gzip.decompress(module.compress_gzip(data)) == data
    assert len(module.compress_gzip(content)) < len(content) / 20
    assert module.compress_gzip(content) == module.compress_gzip(content)
    pixels = np.arange(600, dtype=np.uint8).reshape(20, 30)
    assert zlib.decompress(module.compress_zlib(pixels.data)) == pixels.tobytes()
