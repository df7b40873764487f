"""Small data sets in FakeBench's layout, sound until a test plants something."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fakebench_suite.datasets import open_dataset
from fakebench_suite.datasets.validation import validate_dataset
from fakebench_suite.datasets.validation.issues import Issue, LeakageResult, ValidationResult
from fakebench_suite.tasks.prompts import DETECTION
from fakebench_suite.types import QuestionType

Row = dict[str, Any]
COUNT = 24
"""Images of a sound set: the even ones are fake."""
FEW = 8
"""Images of a set without a rule for leaks, which are too few to validate one."""


def make_picture(seed: int, size: tuple[int, int] = (16, 12)) -> Image.Image:
    """Noise of that size; another seed is another picture."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def is_fake(number: int) -> bool:
    """Whether the image of that number is a fake one in a sound set."""
    return number % 2 == 0


def write_rows(root: Path, rows: Sequence[Row], stem: str = "FakeClass") -> None:
    """One of the official files."""
    folder = root / "Evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stem}.json").write_text(json.dumps(rows), encoding="utf-8")


def make_row(name: str, *, fake: bool, question_type: QuestionType = QuestionType.WHAT) -> Row:
    """A row of FakeClass."""
    return {"image_id": name, "question": DETECTION[question_type], "authenticity": int(not fake)}


def write_sound(root: Path, count: int = COUNT) -> list[Row]:
    """A data set nothing is wrong with: PNG files of one size, numbered, in one folder."""
    rows = [make_row(f"{number}.png", fake=is_fake(number)) for number in range(count)]
    write_rows(root, rows)
    (root / "images").mkdir()
    for number, row in enumerate(rows):
        make_picture(number).save(root / "images" / row["image_id"])
    return rows


def write_lines(path: Path, *lines: Mapping[str, object]) -> Path:
    """A file of JSON lines."""
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def inspect(path: Path | None) -> ValidationResult:
    """The inspection of what ``--data`` takes."""
    return validate_dataset(open_dataset(path))


def find(result: ValidationResult, words: str) -> Issue:
    """The one finding whose name holds the words."""
    (finding,) = (finding for finding in result.findings if words in finding.name)
    return finding


def find_leak(result: ValidationResult, feature: str) -> LeakageResult:
    """What was measured of a feature."""
    (leak,) = (leak for leak in result.leaks if leak.feature == feature)
    return leak
