"""The embedded data set: pairs of a photograph's crop and the same crop with a planted forgery.

Because the suite planted the forgery itself, label, criterion, place and answers are known
exactly. Scores of probes are never FakeBench scores.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fakebench_suite.datasets.dataset import Dataset, digest_contents
from fakebench_suite.datasets.probes.draws import PAIRS, replay_draw, select_forgery
from fakebench_suite.datasets.probes.forgeries import Box, Forgery
from fakebench_suite.datasets.probes.reference_texts import describe_forged, describe_intact
from fakebench_suite.tasks import prompts
from fakebench_suite.types import Authenticity, Case, Clue, QuestionType, Task

GENERATOR = "planted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePair:
    """A forged crop, its untouched twin (both SIDE x SIDE x 3, uint8) and what was planted."""

    name: str
    forged: NDArray[np.uint8]
    untouched: NDArray[np.uint8]
    forgery: Forgery
    box: Box


def load_probes(pairs: int = PAIRS) -> Dataset:
    """The embedded probes of the test photographs."""
    drawn = list(sample_pairs(pairs))
    pictures = {pair.name: pair.untouched for pair in drawn}
    pictures |= {f"{pair.name}-forged": pair.forged for pair in drawn}
    return Dataset(
        name="probes",
        kind="probes",
        digest=digest_contents(picture.tobytes() for picture in pictures.values()),
        cases=tuple(case for pair in drawn for case in build_cases(pair)),
        open_image=lambda case: Image.fromarray(pictures[case.image]),
        has_images=lambda: True,
    )


def sample_pairs(count: int) -> Iterator[ProbePair]:
    """``count`` pairs, cycling through the test photographs and the criteria, seeded one by one."""
    for index in range(count):
        photograph, forgery = select_forgery(index)
        planted = replay_draw(index)
        yield ProbePair(
            name=f"{photograph.partition('.')[0]}-{index:03}",
            forged=_to_bytes(planted.forged),
            untouched=_to_bytes(planted.crop),
            forgery=forgery,
            box=planted.box,
        )


def build_cases(pair: ProbePair) -> Iterator[Case]:
    """Both pictures are asked all three detection forms; the forged one everything else too."""
    criterion = pair.forgery.criterion
    forged = Case(
        id=f"{pair.name}-forged:",
        task=Task.DETECTION,
        image=f"{pair.name}-forged",
        question="",
        question_type=QuestionType.WHAT,
        label=Authenticity.FAKE,
        generator=GENERATOR,
        criterion=criterion,
        paired_image=pair.name,
        forged_region=(pair.box.left, pair.box.top, pair.box.right, pair.box.bottom),
    )
    untouched = replace(
        forged,
        id=f"{pair.name}:",
        image=pair.name,
        label=Authenticity.REAL,
        generator=None,
        criterion=None,
        paired_image=forged.image,
        forged_region=None,
    )
    clue = Clue(
        text=describe_forged(criterion, pair.forgery.clue, pair.box.place), criterion=criterion
    )
    for twin in (forged, untouched):
        for question_type, question in prompts.DETECTION.items():
            yield replace(
                twin, id=f"{twin.id}{question_type}", question_type=question_type, question=question
            )
    yield _build_text_case(
        forged, Task.INTERPRETATION, QuestionType.FAULTFINDING, prompts.FAULTFINDING, clue
    )
    yield _build_text_case(forged, Task.REASONING, QuestionType.INFERENCE, prompts.INFERENCE, clue)
    for asked in (criterion, *pair.forgery.spares):
        answer = clue if asked == criterion else Clue(text=describe_intact(asked))
        question = prompts.format_analysis_question(asked)
        case = _build_text_case(forged, Task.ANALYSIS, QuestionType.CRITERION, question, answer)
        slug = asked.replace(" & ", "-").replace(" ", "-")
        yield replace(case, id=f"{forged.id}Q-{slug}", criterion=asked)


def _build_text_case(
    forged: Case, task: Task, question_type: QuestionType, question: str, answer: Clue
) -> Case:
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
