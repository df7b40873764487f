"""Work units: whole image groups that are answered together and stay on one worker."""

from collections.abc import Iterable

MIN_UNIT_PROMPTS = 64
"""Prompts of a work unit, unless it is the last: enough to fill a batch."""


MAX_UNIT_PROMPTS = 1_024
"""Most prompts by which a unit is filled for a GPU: as many as a large one computes together."""
MAX_GPU_UNIT_PROMPTS = 256
"""Most prompts by which a unit is filled for transformers on a GPU: so many answers a run loses
that is stopped, and by so many a limit of time is multiplied."""
_UNITS_PER_WORKER = 4
"""Work units that each worker gets at least, so that none is idle for long at the end."""
_GPU_UNITS = 8
"""Work units of a model on a GPU, at least, so that eight GPUs have one each, and the images of one
are opened while another is answered."""


def choose_unit_size(cases: int, workers: int) -> int:
    """Least prompts of a unit where workers look ahead to no other, and engines want thousands.

    It depends on numbers that xdist's controller and workers both know.
    """
    share = cases // (workers * _UNITS_PER_WORKER)
    return max(MIN_UNIT_PROMPTS, min(MAX_UNIT_PROMPTS, share))


def choose_gpu_unit_size(cases: int) -> int:
    """Least prompts of a unit where a GPU answers it, whose memory has room for hundreds of rows.

    It depends on the number of cases alone: in 16 bits an answer depends on its batch, so the
    workers must not decide what is answered together.
    """
    return max(MIN_UNIT_PROMPTS, min(MAX_GPU_UNIT_PROMPTS, cases // _GPU_UNITS))


def assign_work_units(images: Iterable[str], *, least: int | None = None) -> list[int]:
    """The number of the work unit of each case, given the image of each case in order.

    A unit is a run of whole image groups, at least ``least`` cases long (default: as
    MIN_UNIT_PROMPTS). The numbers depend on the order alone, so that xdist's controller and workers
    agree without a message.
    """
    least = MIN_UNIT_PROMPTS if least is None else least
    numbers: list[int] = []
    number, size, current = 0, 0, ""
    for image in images:
        if image != current and size >= least:
            number, size = number + 1, 0
        current, size = image, size + 1
        numbers.append(number)
    return numbers
