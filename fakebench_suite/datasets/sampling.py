"""The order of cases and the sample: functions of the seed alone."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain

from fakebench_suite.types import Case, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The ``number``-th of ``total`` parts, counted from 1."""

    number: int
    total: int

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"


Group = list[Case]
_TASKS = list(Task)


def order_cases(cases: Sequence[Case], *, seed: int, sample: int | None = None) -> list[Case]:
    """All cases, or those of about ``sample`` images, shuffled by image group.

    The sample is stratified by which tasks an image serves, its authenticity and its generator
    (and, for probes, what was planted); image groups stay whole, and so do pairs of twins, which
    lie next to each other. The result does not depend on the order of ``cases``.
    """
    units: dict[str, dict[str, Group]] = defaultdict(lambda: defaultdict(list))
    for case in sorted(cases, key=lambda case: (_TASKS.index(case.task), case.id)):
        first = min(case.image, case.paired_image or case.image)
        units[first][case.image].append(case)
    shuffled = [list(units[name].values()) for name in sorted(units)]
    # String seeds hash to the same state on every platform and Python version.
    random.Random(f"fakebench-suite {seed}").shuffle(shuffled)
    if sample is not None:
        shuffled = _sample_units(shuffled, sample)
    return list(chain.from_iterable(chain.from_iterable(shuffled)))


def select_shard(cases: Sequence[Case], shard: Shard) -> list[Case]:
    """The cases of one shard, in their order.

    An image's shard hangs on its name alone, or with a twin on the first of both names: whatever
    the seed, the sample or the other images, it stays where it is. Parts are even on average
    only; 6,000 images in eight parts make 750 each, give or take 26 (one standard deviation).
    """

    def find_shard(case: Case) -> int:
        first = min(case.image, case.paired_image or case.image)
        digest = sha256(first.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8]) % shard.total + 1

    return [case for case in cases if find_shard(case) == shard.number]


def _stratum_key(unit: list[Group]) -> str:
    facts = {
        f"{case.task} {case.label} {case.generator} {case.criterion if case.paired_image else ''}"
        for group in unit
        for case in group
    }
    return "\n".join(sorted(facts))


def _sample_units(units: list[list[Group]], images: int) -> list[list[Group]]:
    """Largest-remainder quotas per stratum, in images; units keep their shuffled order."""
    strata: dict[str, list[int]] = defaultdict(list)
    for index, unit in enumerate(units):
        strata[_stratum_key(unit)].append(index)
    total = sum(len(unit) for unit in units)
    share = min(1.0, images / max(1, total))
    sizes = {name: len(units[members[0]]) for name, members in strata.items()}
    quotas = {name: share * len(members) for name, members in strata.items()}
    taken = {name: int(quota + 1e-9) for name, quota in quotas.items()}
    left = images - sum(taken[name] * sizes[name] for name in strata)
    # Ties fall to the stratum whose first unit comes first in the shuffled order.
    by_remainder = sorted(strata, key=lambda name: (taken[name] - quotas[name], strata[name][0]))
    for name in by_remainder:
        if left <= 0:
            break
        if taken[name] < len(strata[name]):
            taken[name] += 1
            left -= sizes[name]
    chosen = sorted(chain.from_iterable(strata[name][: taken[name]] for name in strata))
    return [units[index] for index in chosen]
