"""The cases of robustness: which there are, and what each of them shows and asks."""

from collections import Counter
from dataclasses import replace

import pytest
from PIL import Image

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.perturbations import normalize, perturb
from fakebench_suite.datasets.perturbed import perturb_dataset
from fakebench_suite.tasks.prompts import DETECTION
from fakebench_suite.tasks.robustness import list_ladder, parse_chain
from fakebench_suite.types import Authenticity, Case, QuestionType, Task
from tests.factories import CASE

IMAGE = Image.linear_gradient("L").convert("RGB").rotate(30)


@pytest.fixture
def dataset() -> Dataset:
    """A fake asked two questions, a real image asked one, a text, and a case without a label."""
    fake = replace(CASE, question=DETECTION[QuestionType.WHAT])
    yes_no = {"question": DETECTION[QuestionType.ISFAKE], "question_type": QuestionType.ISFAKE}
    real = {"image": "real.png", "label": Authenticity.REAL, "generator": None}
    cases = (
        fake,
        replace(fake, id="sd-1.png:isfake", **yes_no),  # type: ignore[arg-type]
        replace(fake, id="real.png:isfake", **yes_no, **real),  # type: ignore[arg-type]
        replace(fake, id="sd-1.png:clue", task=Task.INTERPRETATION),
        replace(fake, id="unknown.png:what", image="unknown.png", label=None),
    )
    return Dataset(
        name="own", kind="jsonl", digest="d", cases=cases,
        open_image=lambda case: IMAGE if case.label is Authenticity.FAKE else IMAGE.rotate(90),
        has_images=lambda: True,
    )  # fmt: skip


def list_derived(dataset: Dataset) -> list[Case]:
    """The cases of robustness alone."""
    return [case for case in dataset.cases if case.task == Task.ROBUSTNESS]


def test_every_labelled_detection_case_is_perturbed(dataset: Dataset) -> None:
    """By each level that its question allows, beside original and identity."""
    ladder = list(list_ladder(["jpeg", "opposite-polarity"]))
    perturbed = perturb_dataset(dataset, ladder, search=False)
    assert perturbed.cases[: len(dataset.cases)] == dataset.cases
    derived = list_derived(perturbed)
    assert Counter(case.original_case for case in derived) == {
        "sd-1.png:what": 7, "sd-1.png:isfake": 8, "real.png:isfake": 8,
    }  # fmt: skip
    for case in derived:
        assert case.id == f"{case.original_case}@{case.perturbation}"
        assert case.base_image == case.original_image == str(case.original_case).partition(":")[0]
    turned = [case for case in derived if case.perturbation == "opposite-polarity"]
    assert {case.question_type for case in turned} == {QuestionType.ISREAL}
    assert {case.image for case in turned} == {"sd-1.png@original", "real.png@original"}


def test_a_case_shows_the_normalised_picture_perturbed(dataset: Dataset) -> None:
    """Original, identity and search show the same pixels; a case of the data set its own."""
    perturbed = perturb_dataset(dataset, list(list_ladder(["jpeg"])), search=True)
    normalized = normalize(IMAGE)
    pictures = {
        case.perturbation: perturbed.open_image(case).tobytes()
        for case in perturbed.cases
        if case.image.startswith("sd-1.png")
    }
    assert pictures[None] == IMAGE.tobytes()
    for name in ("original", "identity", "search"):
        assert pictures[name] == normalized.tobytes()
    assert pictures["jpeg:30"] == perturb(normalized, parse_chain("jpeg:30")).tobytes()


def test_identity_has_an_image_group_of_its_own(dataset: Dataset) -> None:
    """So nothing that was computed for the original is taken for it."""
    derived = list_derived(perturb_dataset(dataset, [], search=False))
    images = {case.perturbation: case.image for case in derived if case.label == "real"}
    assert images == {"original": "real.png@original", "identity": "real.png@identity"}


def test_images_of_one_size_keep_it(dataset: Dataset) -> None:
    """Nothing is scaled where a data set says that all images are squares of one size."""
    small = replace(dataset, image_side=64)
    perturbed = perturb_dataset(small, [], search=False)
    assert perturbed.open_image(list_derived(perturbed)[0]).size == (64, 64)
