"""The order of cases, samples and shards: functions of the seed and of image names alone."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain

from fakebench_suite.tasks.registry import list_tasks
from fakebench_suite.types import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The ``number``-th of ``total`` shards, counted from 1."""

    number: int
    total: int

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"


Group = list[Case]
"""All cases on one image."""


def order_cases(cases: Sequence[Case], *, seed: int, sample: int | None = None) -> list[Case]:
    """Return all cases, or those of about ``sample`` images, shuffled by image group.

    The sample is stratified by the tasks that an image serves, its authenticity and its generator
    (for probes, also by the planted criterion). Image groups stay whole, and so do pairs of a probe
    and its untouched image, which are adjacent. The result does not depend on the order of
    ``cases``.
    """
    tasks = list_tasks()
    units: dict[str, dict[str, Group]] = defaultdict(lambda: defaultdict(list))
    for case in sorted(cases, key=lambda case: (tasks.index(case.task), _view(case), case.id)):
        units[case.pair][case.base_image].append(case)
    shuffled = [list(units[name].values()) for name in sorted(units)]
    # String seeds hash to the same state on every platform and Python version.
    random.Random(f"fakebench-suite {seed}").shuffle(shuffled)
    if sample is not None:
        shuffled = _sample_units(shuffled, sample)
    return list(chain.from_iterable(chain.from_iterable(shuffled)))


def select_shard(cases: Sequence[Case], shard: Shard) -> list[Case]:
    """Return the cases of one shard, in their order.

    The shard of an image is a hash of its name (for paired images, of the first of both names), so
    it does not depend on seed, sample or other images. A perturbed case goes with its original.
    Sizes are equal on average only: 6,000 images in eight shards make 750 each, with a standard
    deviation of 26.
    """

    def compute_shard(case: Case) -> int:
        digest = sha256(case.pair.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8]) % shard.total + 1

    return [case for case in cases if compute_shard(case) == shard.number]


def _view(case: Case) -> str:
    """The perturbed image, whose cases lie side by side; empty where there is one image only."""
    return "" if case.original_image is None else case.image


def _stratum_key(unit: list[Group]) -> str:
    """Return the tasks, labels, generators and planted criteria of a unit, as one text."""
    facts = {
        f"{case.task} {case.label} {case.generator} {case.criterion if case.paired_image else ''}"
        for group in unit
        for case in group
        if case.perturbation is None  # A sample is the same with and without robustness.
    }
    return "\n".join(sorted(facts))


def _sample_units(units: list[list[Group]], images: int) -> list[list[Group]]:
    """Sample units for ``images`` images by largest-remainder quotas per stratum.

    Units keep their shuffled order.
    """
    strata: dict[str, list[int]] = defaultdict(list)
    for index, unit in enumerate(units):
        strata[_stratum_key(unit)].append(index)
    total = sum(len(unit) for unit in units)
    share = min(1.0, images / max(1, total))
    sizes = {name: len(units[members[0]]) for name, members in strata.items()}
    quotas = {name: share * len(members) for name, members in strata.items()}
    counts = {name: int(quota + 1e-9) for name, quota in quotas.items()}
    remaining = images - sum(counts[name] * sizes[name] for name in strata)
    # Ties go to the stratum whose first unit is first in the shuffled order.
    by_remainder = sorted(strata, key=lambda name: (counts[name] - quotas[name], strata[name][0]))
    for name in by_remainder:
        if remaining <= 0:
            break
        if counts[name] < len(strata[name]):
            counts[name] += 1
            remaining -= sizes[name]
    chosen = sorted(chain.from_iterable(strata[name][: counts[name]] for name in strata))
    return [units[index] for index in chosen]
