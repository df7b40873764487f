"""The question where an image shows that it is fake, for data sets that know it.

One case for each image with regions, with the regions of all cases on it, and one for its untouched
twin, where the right answer is no box. They are asked where ``--tasks`` names ``pointing``.
"""

from collections.abc import Iterable, Iterator

from fakebench_suite.tasks.prompts import POINTING
from fakebench_suite.types import Authenticity, Case, QuestionType, Region, Task


def add_pointing(cases: Iterable[Case]) -> tuple[Case, ...]:
    """The cases, and after them one that asks for boxes of each image whose regions are known."""
    present = tuple(cases)
    return (*present, *_make_cases(present))


def _make_cases(cases: tuple[Case, ...]) -> Iterator[Case]:
    examples: dict[str, Case] = {}
    regions: dict[str, dict[Region, None]] = {}
    for case in cases:
        if case.second_image is None:
            examples.setdefault(case.image, case)
            regions.setdefault(case.image, {}).update(dict.fromkeys(case.regions))
    for image, case in examples.items():
        is_twin = case.label is Authenticity.REAL and bool(regions.get(case.paired_image or ""))
        if regions[image] or is_twin:
            yield make_pointing_case(case, tuple(regions[image]))


def make_pointing_case(case: Case, regions: tuple[Region, ...]) -> Case:
    """The pointing case of the image of ``case``; a criterion is named where there is one only."""
    criteria = {region.criterion for region in regions}
    return Case(
        id=f"{case.image}:{QuestionType.POINT}",
        task=Task.POINTING,
        image=case.image,
        question=POINTING,
        question_type=QuestionType.POINT,
        label=case.label,
        generator=case.generator,
        criterion=criteria.pop() if len(criteria) == 1 else None,
        content_categories=case.content_categories,
        paired_image=case.paired_image,
        regions=regions,
        intact_criteria=case.intact_criteria,
    )
