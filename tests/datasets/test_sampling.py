"""Order and sample are functions of the seed alone."""

import random
from collections import Counter
from dataclasses import replace
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakebench_suite.datasets.probes.dataset import load_probes
from fakebench_suite.datasets.sampling import order_cases
from fakebench_suite.types import Authenticity, Case, QuestionType, Task


def make_cases(fakes: int, reals: int) -> list[Case]:
    """Fakes of three generators with two cases each, reals with one."""
    cases = []
    for number in range(fakes):
        image, generator = f"g{number % 3}-{number}.png", f"g{number % 3}"
        fake = Case(
            id=f"{image}:what",
            task=Task.DETECTION,
            image=image,
            question="?",
            question_type=QuestionType.WHAT,
            label=Authenticity.FAKE,
            generator=generator,
        )
        clue = Case(
            id=f"{image}:inference",
            task=Task.REASONING,
            image=image,
            question="?",
            question_type=QuestionType.INFERENCE,
            label=Authenticity.FAKE,
            generator=generator,
        )
        cases += [fake, clue]
    for number in range(reals):
        image = f"{number}.jpg"
        cases.append(
            Case(
                id=f"{image}:what",
                task=Task.DETECTION,
                image=image,
                question="?",
                question_type=QuestionType.WHAT,
                label=Authenticity.REAL,
            )
        )
    return cases


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 50), st.integers(0, 9), st.randoms())
def test_samples_are_whole_balanced_and_free_of_input_order(
    fakes: int, reals: int, size: int, seed: int, shuffler: random.Random
) -> None:
    """A sample has the size asked for, keeps groups whole and each stratum's share."""
    cases = make_cases(fakes, reals)
    sample = order_cases(cases, seed=seed, sample=size)
    shuffled = cases[:]
    shuffler.shuffle(shuffled)
    assert order_cases(shuffled, seed=seed, sample=size) == sample
    images = Counter(case.image for case in sample)
    assert len(images) == min(size, fakes + reals)
    assert all(count == (2 if image.startswith("g") else 1) for image, count in images.items())
    names = [case.image for case in sample]
    assert len([i for i, name in enumerate(names) if name != names[i - 1]]) <= len(images)
    if fakes + reals:
        share = min(1.0, size / (fakes + reals))
        real_count = sum(not image.startswith("g") for image in images)
        assert abs(real_count - share * reals) < 1


def test_seeds_give_different_orders() -> None:
    """Two seeds shuffle differently; no seed loses a case."""
    cases = make_cases(30, 30)
    first, second = order_cases(cases, seed=1), order_cases(cases, seed=2)
    assert first != second
    assert sorted(case.id for case in first) == sorted(case.id for case in cases)


@pytest.mark.parametrize("size", [10, 20, 60])
def test_probes_are_drawn_in_pairs_over_all_criteria(size: int) -> None:
    """A sample of probes keeps twins together, side by side, and spreads over what was planted."""
    sample = order_cases(load_probes(40).cases, seed=0, sample=size)
    images = list(dict.fromkeys(case.image for case in sample))
    twins = {case.image: case.paired_image for case in sample}
    assert len(images) == size
    assert all(
        twins[first] == second for first, second in zip(images[::2], images[1::2], strict=True)
    )
    counts = Counter(
        case.criterion for case in sample if case.question_type is QuestionType.FAULTFINDING
    )
    assert max(counts.values()) - min(counts.values()) <= 1


def make_twins(pairs: int) -> list[Case]:
    """Pairs of a forged image with two cases and its untouched twin with one."""
    cases = []
    for number in range(pairs):
        forged = Case(
            id=f"{number}-forged:what",
            task=Task.DETECTION,
            image=f"{number}-forged",
            question="?",
            question_type=QuestionType.WHAT,
            label=Authenticity.FAKE,
            generator="planted",
            criterion=("edge", "theme", "shape")[number % 3],
            paired_image=f"{number}",
        )
        real = replace(
            forged,
            id=f"{number}:what",
            image=f"{number}",
            label=Authenticity.REAL,
            generator=None,
            criterion=None,
            paired_image=forged.image,
        )
        cases += [
            forged,
            real,
            replace(forged, id=f"{forged.image}:isreal", question_type=QuestionType.ISREAL),
        ]
    return cases


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 15), st.integers(0, 9), st.integers(1, 45), st.integers(0, 9), st.randoms())
def test_twins_are_drawn_together_and_lie_together(
    pairs: int, others: int, size: int, seed: int, shuffler: random.Random
) -> None:
    """Pairs come whole and side by side, at most one image over the size asked for."""
    cases = make_twins(pairs) + make_cases(others, others)
    shuffler.shuffle(cases)
    sample = order_cases(cases, seed=seed, sample=size)
    runs = [image for image, _ in groupby(sample, key=lambda case: case.image)]
    assert len(runs) == len(set(runs))
    total = 2 * pairs + 2 * others
    assert min(size, total) <= len(runs) <= min(size + 1, total)
    twins = {case.image: case.paired_image for case in sample if case.paired_image}
    for image, twin in twins.items():
        assert twin in twins
        assert abs(runs.index(image) - runs.index(twin)) == 1
    sampled = Counter(
        case.criterion
        for case in sample
        if case.question_type is QuestionType.ISREAL and case.paired_image
    )
    available = Counter(
        case.criterion
        for case in cases
        if case.question_type is QuestionType.ISREAL and case.paired_image
    )
    share = min(1.0, size / total)
    assert all(abs(sampled[name] - share * count) <= 1 for name, count in available.items())


def test_a_sample_keeps_the_order_of_the_whole() -> None:
    """What is drawn keeps the order the whole set would have under the same seed."""
    cases = make_cases(20, 20)
    all_cases = order_cases(cases, seed=3)
    sampled = order_cases(cases, seed=3, sample=11)
    assert sampled == [case for case in all_cases if case in sampled]


def test_no_cases_are_no_error() -> None:
    """Nothing sampled from nothing is nothing."""
    assert order_cases([], seed=0) == order_cases([], seed=0, sample=5) == []
