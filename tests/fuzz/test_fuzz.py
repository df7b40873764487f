"""5,000 broken inputs: each is taken, or ends in a sentence; none hangs, writes elsewhere or runs.

An input is known by its kind and number. What fails names both, and
``FAKEBENCH_FUZZ="manifest 61" pytest tests/fuzz`` tries that one alone; ``FAKEBENCH_FUZZ_SEED``
draws others.
"""

import os
import random
import shutil
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS, Sound, Trial, write_sound

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits are set as Linux has them")

SEED = os.environ.get("FAKEBENCH_FUZZ_SEED", "0")
_BLOCK = 50
"""Inputs that one test tries."""
_FEW = {"server": 1, "manifest": 10, "records": 10, "image": 10}
"""Inputs of a kind that are tried in every test run, where they are not 7."""
_KIND, _, _NUMBER = os.environ.get("FAKEBENCH_FUZZ", "").rpartition(" ")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    """Sound inputs, which nothing may change."""
    return write_sound(tmp_path_factory.mktemp("sound") / "inputs")


def try_inputs(kind: str, numbers: range, sound: Sound, folder: Path) -> None:
    """Try inputs one by one; all that fail are named, with how they failed."""
    work, _ = TARGETS[kind]
    failures: list[BaseException] = []
    for number in numbers:
        box = folder / "box"
        box.mkdir()
        rng = random.Random(f"{SEED}/{kind}/{number}")
        try:
            work(Trial(rng=rng, box=box, sound=sound))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            error.add_note(f'FAKEBENCH_FUZZ_SEED={SEED} FAKEBENCH_FUZZ="{kind} {number}"')
            failures.append(error)
        shutil.rmtree(box)
    if failures:
        raise BaseExceptionGroup(f"{len(failures)} of {len(numbers)} inputs", failures)


@pytest.mark.parametrize("kind", TARGETS)
def test_a_few_broken_inputs(kind: str, sound: Sound, tmp_path: Path) -> None:
    """About a hundred in all, in every test run."""
    try_inputs(kind, range(_FEW.get(kind, 7)), sound, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "start"),
    [(kind, start) for kind, (_, count) in TARGETS.items() for start in range(0, count, _BLOCK)],
)
def test_broken_inputs(kind: str, start: int, sound: Sound, tmp_path: Path) -> None:
    """All of them, by blocks."""
    _, count = TARGETS[kind]
    try_inputs(kind, range(start, min(start + _BLOCK, count)), sound, tmp_path)


@pytest.mark.skipif(not _KIND, reason="FAKEBENCH_FUZZ names no input")
def test_the_named_input(sound: Sound, tmp_path: Path) -> None:
    """One input again, by what a failure says of it."""
    number = int(_NUMBER)
    try_inputs(_KIND, range(number, number + 1), sound, tmp_path)


def test_there_are_as_many_as_there_should_be() -> None:
    """5,000 in this process; those of the commands are beside them."""
    assert sum(count for _, count in TARGETS.values()) == 5_000
