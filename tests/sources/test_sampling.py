"""Order and sample are functions of the seed alone."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakebench_suite.sources.probes import load_probes
from fakebench_suite.sources.sampling import order_cases
from fakebench_suite.types import Authenticity, Case, Form, Task


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
            form=Form.WHAT,
            label=Authenticity.FAKE,
            generator=generator,
        )
        clue = Case(
            id=f"{image}:inference",
            task=Task.REASONING,
            image=image,
            question="?",
            form=Form.INFERENCE,
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
                form=Form.WHAT,
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
    places = [case.image for case in sample]
    assert len([i for i, name in enumerate(places) if name != places[i - 1]]) <= len(images)
    if fakes + reals:
        share = min(1.0, size / (fakes + reals))
        drawn = sum(not image.startswith("g") for image in images)
        assert abs(drawn - share * reals) < 1


def test_seeds_give_different_orders() -> None:
    """Two seeds shuffle differently; no seed loses a case."""
    cases = make_cases(30, 30)
    one, two = order_cases(cases, seed=1), order_cases(cases, seed=2)
    assert one != two
    assert sorted(case.id for case in one) == sorted(case.id for case in cases)


@pytest.mark.parametrize("size", [10, 20, 60])
def test_probes_are_drawn_in_pairs_over_all_criteria(size: int) -> None:
    """A sample of probes keeps twins together, side by side, and spreads over what was planted."""
    sample = order_cases(load_probes(40).cases, seed=0, sample=size)
    images = list(dict.fromkeys(case.image for case in sample))
    twins = {case.image: case.twin for case in sample}
    assert len(images) == size
    assert all(
        twins[first] == second for first, second in zip(images[::2], images[1::2], strict=True)
    )
    planted = Counter(case.criterion for case in sample if case.form is Form.FAULTFINDING)
    assert max(planted.values()) - min(planted.values()) <= 1
