"""Shards: disjoint, whole, and where an image goes hangs on its name alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.datasets.probes.dataset import load_probes
from fakebench_suite.datasets.sampling import Shard, order_cases, select_shard
from fakebench_suite.types import Case
from tests.factories import CASE

names = st.lists(st.text(min_size=1), unique=True, max_size=20)


def make_cases(images: list[str]) -> list[Case]:
    """Two cases an image."""
    return [
        replace(CASE, id=f"{image}:{question_type}", image=image)
        for image in images
        for question_type in ("what", "isfake")
    ]


@given(images=names, total=st.integers(1, 9))
def test_every_case_is_in_one_shard(images: list[str], total: int) -> None:
    """The shards are disjoint, together they are everything, and each keeps the order."""
    cases = make_cases(images)
    shards = [select_shard(cases, Shard(number=k + 1, total=total)) for k in range(total)]
    assert sorted(case.id for shard in shards for case in shard) == sorted(c.id for c in cases)
    assert all(shard == [case for case in cases if case in shard] for shard in shards)


@given(images=names, others=names, total=st.integers(1, 9))
def test_an_image_stays_in_its_shard(images: list[str], others: list[str], total: int) -> None:
    """Whatever other images there are, and all cases of an image go together."""
    shard = Shard(number=1, total=total)
    selected = {case.image for case in select_shard(make_cases(images), shard)}
    combined = select_shard(make_cases([*others, *(i for i in images if i not in others)]), shard)
    assert {case.image for case in combined if case.image in images} == selected
    assert all(sum(case.image == image for case in combined) == 2 for image in selected)


def test_twins_share_a_shard_whatever_the_seed() -> None:
    """A probe and its untouched twin are compared with each other, so they are asked together."""
    cases = load_probes(20).cases
    shards = {
        seed: select_shard(order_cases(cases, seed=seed), Shard(number=2, total=3))
        for seed in (0, 1)
    }
    assert {case.id for case in shards[0]} == {case.id for case in shards[1]}
    images = {case.image for case in shards[0]}
    assert all(case.paired_image in images for case in shards[0])


def test_parts_are_even_on_average() -> None:
    """Of 6,000 images none of eight parts is further than five deviations from 750."""
    cases = make_cases([f"{number:05}.png" for number in range(6000)])
    sizes = [len(select_shard(cases, Shard(number=k, total=8))) / 2 for k in range(1, 9)]
    assert sizes == pytest.approx([750] * 8, abs=5 * 26)
