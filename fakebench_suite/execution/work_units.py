"""Work units: whole image groups that are answered together and stay on one worker."""

from collections.abc import Iterable

MIN_UNIT_PROMPTS = 64
"""Prompts of a work unit, unless it is the last: enough to fill a batch."""


def assign_work_units(images: Iterable[str]) -> list[int]:
    """The number of the work unit of each case, given the image of each case in order.

    A unit is a run of whole image groups, at least MIN_UNIT_PROMPTS cases long. The numbers depend
    on the order alone, so that xdist's controller and workers agree without a message.
    """
    numbers: list[int] = []
    number, size, current = 0, 0, ""
    for image in images:
        if image != current and size >= MIN_UNIT_PROMPTS:
            number, size = number + 1, 0
        current, size = image, size + 1
        numbers.append(number)
    return numbers
