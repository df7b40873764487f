"""Probes at several strengths: from hardly visible to the forgery of the probes.

At strength s every pixel goes the share s of the way from the photograph to the forged image, so
that one scale fits all operations; 1 is the forgery of the probes itself, on the same photographs
and in the same box. Each image is asked one question of detection.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from fakebench_suite.datasets.dataset import Dataset, digest_cases, digest_contents
from fakebench_suite.datasets.probes.dataset import (
    build_cases,
    load_probes,
    render_pair,
    select_pair,
)
from fakebench_suite.datasets.probes.draws import PAIRS
from fakebench_suite.errors import DataError
from fakebench_suite.types import Authenticity, Case, QuestionType, Task

KIND = "probes-graded"
STRENGTHS = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
"""Shares of the way to the forged pixels; about evenly spaced on a logarithmic scale."""


def load(path: Path | None) -> Dataset:
    """The data set, for the registry; raises DataError where a path is given."""
    if path is not None:
        raise DataError(f"--data={KIND} takes no path: the probes are part of the suite.")
    return load_graded()


def load_graded(count: int = PAIRS) -> Dataset:
    """Load ``count`` untouched probes, and the forged one of each at every strength."""
    probes = load_probes(count)
    pairs = [select_pair(index) for index in range(count)]
    cases = tuple(case for pair in pairs for case in _grade(list(build_cases(pair))))
    indices = {pair.name: pair.index for pair in pairs}
    render = cache(render_pair)

    def open_image(case: Case) -> Image.Image:
        name = case.image if case.label is Authenticity.REAL else str(case.paired_image)
        untouched, forged = render(indices[name])
        strength = case.strength or 0.0
        mixed = untouched + strength * (forged.astype(np.float64) - untouched)
        return Image.fromarray(np.rint(mixed).astype(np.uint8))

    return replace(
        probes,
        name=KIND,
        kind=KIND,
        digest=digest_contents([probes.digest.encode(), digest_cases(cases).encode()]),
        cases=cases,
        open_image=open_image,
    )


def _grade(cases: list[Case]) -> Iterator[Case]:
    """Yield what is asked about the untouched image, and about each strength of the forged one."""
    for case in cases:
        if case.task != Task.DETECTION or case.question_type is not QuestionType.WHAT:
            continue
        if case.label is Authenticity.REAL:
            yield replace(case, strength=0.0, paired_image=_name(str(case.paired_image), 1.0))
            continue
        for strength in STRENGTHS:
            image = _name(case.image, strength)
            name = f"{image}:{case.question_type}"
            yield replace(case, id=name, image=image, strength=strength)


def _name(image: str, strength: float) -> str:
    return f"{image}-{round(100 * strength):03}"
