"""Write pixels as PNG, five times as fast as Pillow and a tenth larger (benchmarks/endpoint.py).

Pillow tries five filters on every row, and compresses slowly. Here every row is stored as its
difference from the row above, which NumPy subtracts and ISA-L compresses.
"""

import struct
import zlib
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from fakebench_suite.files.compression import compress_zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">IIBBBBB")
"""Width, height, bits of a sample, colour type, and three methods of which there is one each."""
_SAMPLE_BITS, _RGB = 8, 2
_UP = 2
"""The filter that subtracts the row above (PNG, third edition, section 9.2)."""


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Return height x width x 3 samples as the content of a PNG file without metadata."""
    height, width, channels = pixels.shape
    samples = pixels.reshape(height, width * channels)
    rows = np.empty((height, 1 + width * channels), np.uint8)
    rows[:, 0] = _UP
    rows[0, 1:] = samples[0]
    np.subtract(samples[1:], samples[:-1], out=rows[1:, 1:])  # modulo 256, as PNG wants it
    header = _HEADER.pack(width, height, _SAMPLE_BITS, _RGB, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"IDAT", compress_zlib(rows.data)),
        (b"IEND", b""),
    )
    return b"".join((_SIGNATURE, *chain.from_iterable(_build_chunk(*chunk) for chunk in chunks)))


def _build_chunk(kind: bytes, content: bytes) -> tuple[bytes, ...]:
    """Return the parts of a chunk: its length, its kind, its content and their checksum."""
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)
