"""The embedded data set: pairs of a photograph's crop and the same crop with a planted forgery.

The suite plants the forgery itself, so label, criterion, position and answers are known exactly.
Scores of probes are never FakeBench scores.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fakebench_suite.datasets.dataset import Dataset, digest_cases, digest_contents
from fakebench_suite.datasets.probes.draws import (
    DRAWS_FILE,
    PAIRS,
    replay_box,
    replay_draw,
    select_forgery,
)
from fakebench_suite.datasets.probes.forgeries import Box, ForgeryKind
from fakebench_suite.datasets.probes.photographs import (
    PROBE_SIZE,
    TEST_PHOTOGRAPHS,
    locate_photograph,
)
from fakebench_suite.datasets.probes.reference_texts import describe_forged, describe_intact
from fakebench_suite.errors import DataError
from fakebench_suite.tasks import prompts
from fakebench_suite.types import Authenticity, Case, Clue, QuestionType, Region, Task

GENERATOR = "planted"
"""The generator of all forged probes."""
_FORGED = "-forged"
"""What the name of a forged crop adds to that of the untouched one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePair:
    """A photograph's crop and the same crop with a forgery; the pixels are rendered when needed."""

    index: int
    name: str
    forgery: ForgeryKind
    box: Box


def load(path: Path | None) -> Dataset:
    """The embedded probes, for the registry; raises DataError where a path is given."""
    if path is not None:
        raise DataError("--data=probes takes no path: the probes are part of the suite.")
    return load_probes()


def load_probes(count: int = PAIRS) -> Dataset:
    """Load the probes of the test photographs, ``count`` pairs of images.

    The digest is that of the cases, the photographs and the draws. Pixels depend on libraries, too;
    they are compared image by image, by their own digests.
    """
    pairs = [select_pair(index) for index in range(count)]
    cases = tuple(case for pair in pairs for case in build_cases(pair))
    indices = {pair.name: pair.index for pair in pairs}
    render = cache(render_pair)  # An image is opened when its model is asked, and for the report.

    def open_image(case: Case) -> Image.Image:
        name = case.image.removesuffix(_FORGED)
        untouched, forged = render(indices[name])
        return Image.fromarray(untouched if name == case.image else forged)

    return Dataset(
        name="probes",
        kind="probes",
        digest=digest_contents([digest_cases(cases).encode(), *_read_sources()]),
        cases=cases,
        open_image=open_image,
        has_images=_import_operations,
        image_side=PROBE_SIZE,
    )


def _read_sources() -> Iterator[bytes]:
    """Yield the files that pixels are made of; raises DataError where one is absent."""
    for path in (*map(locate_photograph, sorted(TEST_PHOTOGRAPHS)), DRAWS_FILE):
        try:
            yield path.read_bytes()
        except OSError as error:
            raise DataError(
                f"The probes need {path.name}, which cannot be read: {error.strerror}. Install "
                "scikit-image and scikit-learn again."
            ) from error


def _import_operations() -> bool:
    """Import what renders images, before there are threads, and say that there are images.

    scikit-image changes Python's warning filters, which all threads share, as it is imported.
    """
    import skimage.color
    import skimage.filters
    import skimage.transform  # noqa: F401

    return True


def select_pair(index: int) -> ProbePair:
    """Return pair ``index``: photographs and criteria are taken in turn, places are random."""
    photograph, forgery = select_forgery(index)
    name = f"{photograph.partition('.')[0]}-{index:03}"
    return ProbePair(index=index, name=name, forgery=forgery, box=replay_box(index))


def render_pair(index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the untouched and the forged crop, both PROBE_SIZE x PROBE_SIZE x 3."""
    crops = replay_draw(index)
    return _to_bytes(crops.crop), _to_bytes(crops.forged)


def build_cases(pair: ProbePair) -> Iterator[Case]:
    """Yield the cases of a pair.

    Both images are asked the three detection questions, the forged one all other tasks too.
    """
    criterion = pair.forgery.criterion
    box = pair.box
    region = Region(
        box=(box.left, box.top, box.right, box.bottom),
        criterion=criterion,
        description=pair.forgery.clue,
    )
    forged = Case(
        id=f"{pair.name}{_FORGED}:",
        task=Task.DETECTION,
        image=f"{pair.name}{_FORGED}",
        question="",
        question_type=QuestionType.WHAT,
        label=Authenticity.FAKE,
        generator=GENERATOR,
        criterion=criterion,
        paired_image=pair.name,
        regions=(region,),
        intact_criteria=pair.forgery.unaffected_criteria,
    )
    untouched = replace(
        forged,
        id=f"{pair.name}:",
        image=pair.name,
        label=Authenticity.REAL,
        generator=None,
        criterion=None,
        paired_image=forged.image,
        regions=(),
        intact_criteria=(),
    )
    clue = Clue(
        text=describe_forged(criterion, pair.forgery.clue, pair.box.position_name),
        criterion=criterion,
    )
    for base in (forged, untouched):
        for question_type, question in prompts.DETECTION.items():
            yield replace(
                base, id=f"{base.id}{question_type}", question_type=question_type, question=question
            )
    yield _build_text_case(
        forged, Task.INTERPRETATION, QuestionType.FAULTFINDING, prompts.FAULTFINDING, clue
    )
    yield _build_text_case(forged, Task.REASONING, QuestionType.INFERENCE, prompts.INFERENCE, clue)
    for criterion_asked in (criterion, *pair.forgery.unaffected_criteria):
        answer = (
            clue if criterion_asked == criterion else Clue(text=describe_intact(criterion_asked))
        )
        question = prompts.format_analysis_question(criterion_asked)
        case = _build_text_case(forged, Task.ANALYSIS, QuestionType.CRITERION, question, answer)
        suffix = criterion_asked.replace(" & ", "-").replace(" ", "-")
        yield replace(case, id=f"{forged.id}Q-{suffix}", criterion=criterion_asked)


def _build_text_case(
    forged: Case, task: str, question_type: QuestionType, question: str, answer: Clue
) -> Case:
    """Return a case on the forged image that asks for a text."""
    return replace(
        forged,
        id=f"{forged.id}{question_type}",
        task=task,
        question_type=question_type,
        question=question,
        expected=(answer,),
    )


def _to_bytes(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(image * 255).astype(np.uint8)
