"""States of the random number generator from which each probe is made.

Most random forgeries are rejected because they would not be visible. Searching for the visible ones
takes 20 seconds, replaying them half a second. The states of NumPy's PCG64 generator at the
accepted crops and boxes are stored in ``draws.json``; a test repeats the search, and
``python -m fakebench_suite.datasets.probes.draws`` writes that file.
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
    ForgeryKind,
    apply_forgery,
    sample_box,
)
from fakebench_suite.datasets.probes.photographs import TEST_PHOTOGRAPHS, Pixels, sample_square

PAIRS = 120
"""Number of probe pairs."""
SEED = 20240413
"""The probes are a fixed set; ``--seed`` changes their order and sample, not their pixels."""
DRAWS_FILE = Path(__file__).with_suffix(".json")


class GeneratorState(msgspec.Struct, frozen=True, array_like=True):
    """State of a PCG64 generator without its increment, which follows from the seed."""

    state: str
    """128 bits in hexadecimal."""
    has_uint32: int
    uinteger: int


class RandomStates(msgspec.Struct, frozen=True, array_like=True):
    """The states before the accepted crop and before the accepted box."""

    crop: GeneratorState
    box: GeneratorState


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgedCrop:
    """A crop of a photograph, and the same crop with a forgery in a box."""

    crop: Pixels
    forged: Pixels
    box: Box


@cache
def load_draws() -> tuple[RandomStates, ...]:
    """Load the draws of the first ``PAIRS`` pairs, in order."""
    return msgspec.json.decode(DRAWS_FILE.read_bytes(), type=tuple[RandomStates, ...])


def select_forgery(index: int) -> tuple[str, ForgeryKind]:
    """Return photograph and forgery of pair ``index``: photographs vary first, then forgeries."""
    photographs, forgeries = sorted(TEST_PHOTOGRAPHS), list(FORGERIES.values())
    forgery_index = index // len(photographs) % len(forgeries)
    return photographs[index % len(photographs)], forgeries[forgery_index]


def search_draw(index: int) -> RandomStates:
    """Return the first draw of pair ``index`` whose forgery is visible."""
    photograph, forgery = select_forgery(index)
    rng = np.random.default_rng([SEED, index])
    while True:
        crop_state = _read_state(rng)
        crop = sample_square(photograph, rng)
        for _ in range(MAX_ATTEMPTS):
            box_state = _read_state(rng)
            if apply_forgery(crop, forgery, rng, tries=1) is not None:
                return RandomStates(crop=crop_state, box=box_state)


def replay_box(index: int) -> Box:
    """Return the box of pair ``index``, for which no pixel is needed."""
    _, forgery = select_forgery(index)
    rng = np.random.default_rng([SEED, index])
    _write_state(rng, _find_draw(index).box)
    return sample_box(forgery, rng)


def replay_draw(index: int) -> ForgedCrop:
    """Return the pixels of pair ``index``."""
    draw = _find_draw(index)
    photograph, forgery = select_forgery(index)
    rng = np.random.default_rng([SEED, index])
    _write_state(rng, draw.crop)
    crop = sample_square(photograph, rng)
    _write_state(rng, draw.box)
    result = apply_forgery(crop, forgery, rng, tries=1)
    assert result is not None, "draws.json is not of these photographs and forgeries"
    forged, box = result
    return ForgedCrop(crop=crop, forged=forged, box=box)


def _find_draw(index: int) -> RandomStates:
    """Return the draw of pair ``index``; one that is not in ``draws.json`` is searched for."""
    draws = load_draws()
    return draws[index] if index < len(draws) else search_draw(index)


def _read_state(rng: np.random.Generator) -> GeneratorState:
    current = rng.bit_generator.state
    return GeneratorState(
        f"{current['state']['state']:x}", current["has_uint32"], current["uinteger"]
    )


def _write_state(rng: np.random.Generator, state: GeneratorState) -> None:
    current = rng.bit_generator.state
    rng.bit_generator.state = {
        **current,
        "state": {**current["state"], "state": int(state.state, 16)},
        "has_uint32": state.has_uint32,
        "uinteger": state.uinteger,
    }


if __name__ == "__main__":
    lines = ",\n".join(msgspec.json.encode(search_draw(index)).decode() for index in range(PAIRS))
    DRAWS_FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    sys.stdout.write(f"{DRAWS_FILE}\n")
