"""Look-ahead: threads open the pictures of one slice while the model answers another."""

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fakebench_suite.errors import ImageError
from fakebench_suite.sources.images import quiet_decoders
from fakebench_suite.types import Case

if TYPE_CHECKING:
    from PIL import Image

    Picture = Image.Image | ImageError

MOST_THREADS = 4
"""Pillow decodes outside Python's lock; the model needs the other cores."""


class Opening:
    """The pictures of some cases on their way, each opened once."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        cases: Sequence[Case],
        open_image: "Callable[[Case], Image.Image]",
    ) -> None:
        first = {case.image: case for case in reversed(cases)}
        self._pictures: dict[str, Future[Picture]] = {
            image: pool.submit(_open, open_image, case) for image, case in first.items()
        }

    def finish(self) -> "tuple[Mapping[str, Image.Image], Mapping[str, ImageError]]":
        """The pictures by image, and the errors of those that have none."""
        opened, broken = {}, {}
        for image, future in self._pictures.items():
            picture = future.result()
            if isinstance(picture, ImageError):
                broken[image] = picture
            else:
                opened[image] = picture
        return opened, broken


@contextmanager
def decode_beside() -> Generator[ThreadPoolExecutor, None, None]:
    """Threads for opening pictures while the block runs, none of them alive after it.

    So it is one thread, this one, that changes warning filters, and in order: silence before the
    first picture, whatever the model does to them in between, and all back after the last one.
    """
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    with quiet_decoders():
        pool = ThreadPoolExecutor(threads, thread_name_prefix="fakebench-decoder")
        try:
            yield pool
        except Exception:
            pool.shutdown()
            raise
        except BaseException:  # Ctrl-C: what has not begun is not begun.
            pool.shutdown(cancel_futures=True)
            raise
        pool.shutdown()


def _open(open_image: "Callable[[Case], Image.Image]", case: Case) -> "Picture":
    """The picture, or the error in its place: it is raised when its cases' turn comes."""
    try:
        return open_image(case)
    except ImageError as error:
        return error
