"""The cases of robustness: every detection case of a data set, perturbed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.perturbations import SIDE, normalize, perturb
from fakebench_suite.tasks.rewording import reword
from fakebench_suite.tasks.robustness import (
    IDENTITY,
    ORIGINAL,
    SEARCH,
    Perturbation,
    name_image,
    parse_chain,
)
from fakebench_suite.types import Case, Task

if TYPE_CHECKING:
    from PIL import Image

_HELD = 64
"""Normalised pictures that are kept: those of a work unit, each of which has dozens of cases."""


def perturb_dataset(
    dataset: Dataset, ladder: Sequence[Perturbation] | None, *, search: bool
) -> Dataset:
    """The data set with the cases of robustness behind its own.

    Every detection case with a label is asked ``original`` and ``identity``, and once for each
    perturbation of the ladder that its question allows; with ``search`` there is one case more for
    each. ``ladder`` is None for none. Pictures are normalised first, see
    :func:`~fakebench_suite.datasets.perturbations.normalize`.
    """
    firsts: dict[str, Case] = {}
    derived: list[Case] = []
    for case in dataset.cases:
        if case.task == Task.DETECTION and case.label is not None:
            firsts.setdefault(case.image, case)
            if ladder is not None:
                derived += derive_ladder(case, ladder)
            if search:
                derived.append(derive_case(case, SEARCH, image=ORIGINAL))
    side = dataset.image_side or SIDE

    @lru_cache(maxsize=_HELD)
    def open_normalized(image: str) -> "Image.Image":
        return normalize(dataset.open_image(firsts[image]), side)

    def open_image(case: Case) -> "Image.Image":
        if case.perturbation is None:
            return dataset.open_image(case)
        text = ORIGINAL if case.perturbation == SEARCH else case.perturbation
        return perturb(open_normalized(case.base_image), parse_chain(text))

    def find_image(case: Case) -> Path:
        assert dataset.find_image is not None
        return dataset.find_image(case if case.perturbation is None else firsts[case.base_image])

    return replace(
        dataset,
        cases=(*dataset.cases, *derived),
        open_image=open_image,
        find_image=None if dataset.find_image is None else find_image,
    )


def derive_ladder(case: Case, ladder: Iterable[Perturbation]) -> Iterator[Case]:
    """The original, identity and each perturbation of a detection case that its question allows."""
    yield derive_case(case, ORIGINAL, image=ORIGINAL)
    yield derive_case(case, IDENTITY, image=IDENTITY)
    for perturbation in ladder:
        if not perturbation.changes_prompt:
            yield derive_case(case, str(perturbation), image=str(perturbation))
        elif (reworded := reword(case, perturbation)) is not None:
            yield derive_case(reworded, str(perturbation), image=ORIGINAL)


def derive_case(case: Case, perturbation: str, *, image: str) -> Case:
    """The robustness case of a detection case; ``image`` says what is done to the picture."""
    return replace(
        case,
        id=f"{case.id}@{perturbation}",
        task=Task.ROBUSTNESS,
        image=name_image(case.image, image),
        original_case=case.id,
        original_image=case.image,
        perturbation=perturbation,
        regions=(),
    )
