"""Where the random numbers of each probe begin, so that a run need not search for its forgeries.

Most draws are thrown away because nobody would see the forgery; to find those that are kept takes
20 seconds, and to repeat them one. They are kept as states of NumPy's PCG64 generator in
``draws.json``; ``python -m fakebench_suite.datasets.probes.draws`` writes that file, and a test
searches again.
"""

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from fakebench_suite.datasets.probes.forgeries import (
    FORGERIES,
    MAX_ATTEMPTS,
    Box,
    Forgery,
    apply_forgery,
)
from fakebench_suite.datasets.probes.photographs import TEST_PHOTOGRAPHS, Pixels, sample_square

PAIRS = 120
SEED = 20240413
"""The probes are one fixed set; ``--seed`` changes their order and sample, not the pictures."""
DRAWS_FILE = Path(__file__).with_suffix(".json")


class GeneratorState(msgspec.Struct, frozen=True, array_like=True):
    """A PCG64 generator but for its increment, which is the seed's."""

    state: str
    """128 bits in hexadecimal."""
    has_uint32: int
    uinteger: int


class Draw(msgspec.Struct, frozen=True, array_like=True):
    """The states before the crop and before the box that are kept."""

    crop: GeneratorState
    box: GeneratorState


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgedCrop:
    """A crop of a photograph, and the same with a forgery in a box."""

    crop: Pixels
    forged: Pixels
    box: Box


@cache
def load_draws() -> tuple[Draw, ...]:
    """The draws of the first ``PAIRS`` pairs, in order."""
    return msgspec.json.decode(DRAWS_FILE.read_bytes(), type=tuple[Draw, ...])


def select_forgery(index: int) -> tuple[str, Forgery]:
    """The photograph and the forgery of a pair: in turn, the photographs first."""
    photographs, forgeries = sorted(TEST_PHOTOGRAPHS), list(FORGERIES.values())
    turn = index // len(photographs) % len(forgeries)
    return photographs[index % len(photographs)], forgeries[turn]


def search_draw(index: int) -> Draw:
    """The first draw of a pair whose forgery can be seen."""
    photograph, forgery = select_forgery(index)
    rng = np.random.default_rng([SEED, index])
    while True:
        start = _read_state(rng)
        crop = sample_square(photograph, rng)
        for _ in range(MAX_ATTEMPTS):
            box = _read_state(rng)
            if apply_forgery(crop, forgery, rng, tries=1) is not None:
                return Draw(crop=start, box=box)


def replay_draw(index: int) -> ForgedCrop:
    """The pixels of a pair; one that ``draws.json`` does not hold is searched for."""
    draws = load_draws()
    draw = draws[index] if index < len(draws) else search_draw(index)
    photograph, forgery = select_forgery(index)
    rng = np.random.default_rng([SEED, index])
    _write_state(rng, draw.crop)
    crop = sample_square(photograph, rng)
    _write_state(rng, draw.box)
    planted = apply_forgery(crop, forgery, rng)
    assert planted is not None, "draws.json is not of these photographs and forgeries"
    forged, box = planted
    return ForgedCrop(crop=crop, forged=forged, box=box)


def _read_state(rng: np.random.Generator) -> GeneratorState:
    now = rng.bit_generator.state
    return GeneratorState(f"{now['state']['state']:x}", now["has_uint32"], now["uinteger"])


def _write_state(rng: np.random.Generator, state: GeneratorState) -> None:
    before = rng.bit_generator.state
    rng.bit_generator.state = {
        **before,
        "state": {**before["state"], "state": int(state.state, 16)},
        "has_uint32": state.has_uint32,
        "uinteger": state.uinteger,
    }


if __name__ == "__main__":
    lines = ",\n".join(msgspec.json.encode(search_draw(index)).decode() for index in range(PAIRS))
    DRAWS_FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    sys.stdout.write(f"{DRAWS_FILE}\n")
