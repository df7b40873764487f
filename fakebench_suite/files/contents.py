"""The content of a file that somebody handed in: of a regular file, and no more than memory holds.

A named pipe would be waited for, a device never ends, and a sparse file claims any size.
"""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MAX_FILE_BYTES = 256 << 20
"""Bytes of a file that is read whole; the largest of FakeBench's has 11 million."""
MAX_LINE_BYTES = 16 << 20
"""Bytes of one line; the record of a case has some thousand."""
_MIN_READ_BYTES = 1 << 16
"""Bytes that are read of a file that says it has none, as those of /proc do."""


def open_file(path: Path) -> BinaryIO:
    """The file, to be read; raises OSError where it is not there, or is not a regular file."""
    try:
        mode = path.stat().st_mode
    except ValueError as error:  # a name with a NUL, or with half a surrogate pair
        raise OSError(errno.EINVAL, "no file can have this name", str(path)) from error
    if not stat.S_ISREG(mode):
        kind = "it is a directory" if stat.S_ISDIR(mode) else "it is not a regular file"
        raise OSError(errno.EINVAL, kind, str(path))
    return path.open("rb")


def read_file(path: Path) -> bytes:
    """The whole content; raises OSError as :func:`open_file`, and where there is too much of it."""
    with open_file(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > MAX_FILE_BYTES:
            raise OSError(errno.EFBIG, f"it is larger than {MAX_FILE_BYTES >> 20} MB", str(path))
        return stream.read(max(size, _MIN_READ_BYTES))


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines with their ends; raises OSError as :func:`open_file`, and over a line too long."""
    with open_file(path) as stream:
        while line := stream.readline(MAX_LINE_BYTES + 1):
            if len(line) > MAX_LINE_BYTES:
                reason = f"a line of it is longer than {MAX_LINE_BYTES >> 20} MB"
                raise OSError(errno.EFBIG, reason, str(path))
            yield line
