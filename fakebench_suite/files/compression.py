"""Fast compression: by ISA-L, or by zlib on machines that ISA-L has no build for.

ISA-L is several times as fast as zlib at its fastest level, and its streams are hardly larger;
benchmarks/endpoint.py measures the PNG of a photograph.
"""

import gzip
import zlib

_LEVEL = 1
"""Of ISA-L's four and of zlib's ten the one that takes least time for its size."""

try:
    from isal import igzip, isal_zlib
except ImportError:

    def compress_zlib(content: bytes | memoryview) -> bytes:
        """Return the content as a zlib stream, such as PNG holds."""
        return zlib.compress(content, _LEVEL)

    def compress_gzip(content: bytes) -> bytes:
        """Return the content as a gzip file without name and time."""
        return gzip.compress(content, _LEVEL, mtime=0)

else:

    def compress_zlib(content: bytes | memoryview) -> bytes:
        """Return the content as a zlib stream, such as PNG holds."""
        return isal_zlib.compress(content, _LEVEL)

    def compress_gzip(content: bytes) -> bytes:
        """Return the content as a gzip file without name and time."""
        return igzip.compress(content, _LEVEL, mtime=0)
