"""Read files of unknown origin: regular files only, and no more than memory holds.

Opening a named pipe may block forever, a device never ends, and a sparse file may claim any size.
"""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MAX_FILE_BYTES = 256 << 20
"""Largest file that is read whole; the largest of FakeBench has 11 million bytes."""
MAX_LINE_BYTES = 16 << 20
"""Longest line; the record of a case has a few thousand bytes."""
_MIN_READ_BYTES = 1 << 16
"""Bytes to read from a file of size 0, which files in /proc report."""


def open_file(path: Path) -> BinaryIO:
    """Open a file for reading; raises OSError if it is absent or not a regular file."""
    try:
        mode = path.stat().st_mode
    except ValueError as error:  # a name with a NUL, or with half a surrogate pair
        raise OSError(errno.EINVAL, "no file can have this name", str(path)) from error
    if not stat.S_ISREG(mode):
        reason = "it is a directory" if stat.S_ISDIR(mode) else "it is not a regular file"
        raise OSError(errno.EINVAL, reason, str(path))
    return path.open("rb")


def read_file(path: Path) -> bytes:
    """Return the content; raises OSError as :func:`open_file`, or if it exceeds MAX_FILE_BYTES."""
    with open_file(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > MAX_FILE_BYTES:
            raise OSError(errno.EFBIG, f"it is larger than {MAX_FILE_BYTES >> 20} MB", str(path))
        return stream.read(max(size, _MIN_READ_BYTES))


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines with their line ends.

    Raises OSError as :func:`open_file`, or if a line exceeds MAX_LINE_BYTES.
    """
    with open_file(path) as stream:
        while line := stream.readline(MAX_LINE_BYTES + 1):
            if len(line) > MAX_LINE_BYTES:
                reason = f"a line of it is longer than {MAX_LINE_BYTES >> 20} MB"
                raise OSError(errno.EFBIG, reason, str(path))
            yield line
