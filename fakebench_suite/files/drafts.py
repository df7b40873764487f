"""A directory that is seen whole or not at all."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from fakebench_suite.errors import MachineError, describe_unwritable


@contextmanager
def write_directory(into: Path) -> Generator[Path, None, None]:
    """A new directory that gets the name ``into`` when the block is through, or is gone.

    It lies beside that place, so that addresses relative to it stay as they are.
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
        # Where records could not be written, the error behind that says why.
        why = error.__cause__ if isinstance(error.__cause__, OSError) else error
        reason = (isinstance(why, OSError) and why.strerror) or str(why).rstrip(".")
        raise MachineError(
            f"{into} cannot be written: {reason}. Nothing was kept; the parts are as they were."
        ) from error
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
