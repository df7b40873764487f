"""Create a directory atomically: readers see all of it or nothing."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from fakebench_suite.errors import MachineError, describe_unwritable


@contextmanager
def write_directory(into: Path) -> Generator[Path, None, None]:
    """Yield a new directory that is renamed to ``into`` when the block succeeds.

    If the block raises, the directory is deleted. It has the same parent as ``into``, so relative
    links stay valid. Raises MachineError if it cannot be created, filled or renamed.
    """
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(mkdtemp(prefix=f".{into.name[:100]}.", suffix=".draft", dir=into.parent))
    except OSError as error:
        raise describe_unwritable(into, error, advice="Choose another.") from error
    try:
        yield draft
        draft.chmod(into.parent.stat().st_mode & 0o777)  # mkdtemp makes it for its owner only
        draft.replace(into)
    except (MachineError, OSError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        # When records could not be written, the cause has the reason.
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        reason = (isinstance(cause, OSError) and cause.strerror) or str(cause).rstrip(".")
        raise MachineError(
            f"{into} cannot be written: {reason}. Nothing was kept; the parts are as they were."
        ) from error
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
