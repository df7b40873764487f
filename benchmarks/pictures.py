"""Pictures that are noise, and sets of cases with pictures that no other set has."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.questions import Row, write_cases

SIDE = 448
"""Pixels; Qwen2-VL makes 256 tokens of such a square and does not resize it."""


def draw_pictures(count: int, *, seed: int = 0) -> dict[str, Image.Image]:
    """Squares of noise by name; no two of a seed, nor of any two seeds, are equal."""
    rng = np.random.default_rng(seed)
    return {
        name: Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))
        for name in name_images(count)
    }


def name_images(count: int) -> list[str]:
    """Names of so many images."""
    return [f"{number}.png" for number in range(count)]


def write_sets(
    folder: Path, rows: Mapping[str, Sequence[Row]], *, seeds: Sequence[int]
) -> dict[str, Path]:
    """Write each set of cases, and beside it the pictures of one seed; the files by set."""
    paths = {}
    for (name, questions), seed in zip(rows.items(), seeds, strict=True):
        paths[name] = folder / name / "cases.jsonl"
        paths[name].parent.mkdir(parents=True)
        images = list(dict.fromkeys(row["image"] for row in questions))
        pictures = draw_pictures(len(images), seed=seed).values()
        for image, picture in zip(images, pictures, strict=True):
            picture.save(folder / name / image)
        write_cases(paths[name], questions)
    return paths
