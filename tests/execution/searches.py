"""Searches about cases that all show the same picture of noise."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from fakebench_suite.backends.base import Request
from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.perturbed import perturb_dataset
from fakebench_suite.execution.flip_search import FlipSearchInput
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.tasks.prompts import DETECTION, build_prompt
from fakebench_suite.tasks.robustness import FAMILIES
from fakebench_suite.types import QuestionType
from tests.factories import CASE

FAMILIES_OF_PICTURES = tuple(name for name, family in FAMILIES.items() if family.searched)
SIDE = 128
PROMPTS = 100


def make_noise() -> Image.Image:
    """A picture of noise, whose sharpness every lossy coding lowers."""
    pixels = np.random.default_rng(0).normal(128, 25, (256, 256, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


NOISE = make_noise()


def make_searches(
    cases: int, families: Sequence[str] = FAMILIES_OF_PICTURES, prompts: int = PROMPTS
) -> tuple[list[Request], dict[str, FlipSearchInput]]:
    """The requests and searches of some cases that all show the same picture of noise."""
    question = DETECTION[QuestionType.WHAT]
    rows = [
        replace(CASE, id=f"{number}.png:what", image=f"{number}.png", question=question)
        for number in range(cases)
    ]
    dataset = Dataset(
        name="noise", kind="jsonl", digest="d", cases=tuple(rows), image_side=SIDE,
        open_image=lambda _: NOISE, has_images=lambda: True,
    )  # fmt: skip
    perturbed = perturb_dataset(dataset, None, search=True)
    searched = [case for case in perturbed.cases if case.perturbation == "search"]
    images = {case.image: perturbed.open_image(case) for case in searched}
    requests = [Request(prompt=build_prompt(case), images=images) for case in searched]
    return requests, {
        case.id: FlipSearchInput(
            case=case, families=tuple(families), prompts=prompts, seed=0,
            parser=ReplyParserKind.GRAMMAR,
        )
        for case in searched
    }  # fmt: skip
