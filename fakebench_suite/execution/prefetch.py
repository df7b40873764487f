"""Look-ahead: threads open the pictures of one unit while the model answers another."""

import os
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fakebench_suite.datasets.images import silence_decoder_warnings
from fakebench_suite.errors import ImageError, MachineError
from fakebench_suite.execution.engine import MAX_IMAGE_BYTES
from fakebench_suite.provenance import digest_pixels
from fakebench_suite.types import Case, PixelDigest, list_image_cases

if TYPE_CHECKING:
    from PIL import Image

MOST_THREADS = 4
"""Pillow decodes outside Python's lock; the model needs the other cores."""


class ImageBuffer(Mapping[str, "Image.Image"]):
    """The images of a work unit by name: held while there is room, others opened when asked for.

    Every picture has been opened once, so that a broken one is known before the model is asked.
    """

    def __init__(self, open_image: "Callable[[str], Image.Image]") -> None:
        self._open_image, self._room, self._lock = open_image, MAX_IMAGE_BYTES, threading.Lock()
        self._held: dict[str, Image.Image] = {}
        self._last: tuple[str, Image.Image] | None = None
        self.sizes: dict[str, int] = {}
        """Bytes that each picture takes: Pillow stores four for a pixel."""
        self.digests: dict[str, PixelDigest] = {}
        """What each picture showed."""

    def offer(self, name: str, picture: "Image.Image") -> None:
        """Take note of an opened picture, and hold it if there is room; from any thread."""
        size, digest = 4 * picture.width * picture.height, digest_pixels(picture)
        with self._lock:
            self.sizes[name], self.digests[name] = size, digest
            if size <= self._room:
                self._room -= size
                self._held[name] = picture

    def __getitem__(self, name: str) -> "Image.Image":
        if name in self._held or name not in self.sizes:
            return self._held[name]
        if self._last is None or self._last[0] != name:
            self._last = None  # Two of them need not be there at once.
            self._last = name, self._open_image(name)
        return self._last[1]

    def __iter__(self) -> Iterator[str]:
        return iter(self.sizes)

    def __len__(self) -> int:
        return len(self.sizes)


class PrefetchedImages:
    """The pictures of some cases on their way, each opened once."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        cases: Sequence[Case],
        open_image: "Callable[[Case], Image.Image]",
    ) -> None:
        first = {case.image: case for case in reversed(list(list_image_cases(cases)))}
        self._open_image = open_image
        self._opened = ImageBuffer(lambda image: open_image(first[image]))
        self._errors: dict[str, Future[ImageError | MachineError | None]] = {
            image: pool.submit(self._open, case) for image, case in first.items()
        }

    def _open(self, case: Case) -> ImageError | MachineError | None:
        """The error in the place of a picture: it is raised when its cases' turn comes."""
        try:
            self._opened.offer(case.image, self._open_image(case))
        except (ImageError, MachineError) as error:
            return error
        except MemoryError:
            return MachineError(f"There is no memory left to open {case.image}.")
        except Exception as error:  # The data set of another package may raise anything.
            return ImageError(f"{case.image} cannot be opened: {type(error).__name__}: {error}")
        return None

    def finish(self) -> tuple[ImageBuffer, Mapping[str, ImageError | MachineError]]:
        """The pictures by image, and the errors of those that have none."""
        errors = {image: future.result() for image, future in self._errors.items()}
        return self._opened, {image: error for image, error in errors.items() if error is not None}


@contextmanager
def decoder_pool() -> Generator[ThreadPoolExecutor, None, None]:
    """Threads for opening pictures while the block runs, none of them alive after it.

    So it is one thread, this one, that changes warning filters, and in order: silence before the
    first picture, whatever the model does to them in between, and all back after the last one.
    """
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    with silence_decoder_warnings():
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
