"""Small data sets in the official layout, written anew for every test."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fakebench_suite.tasks.prompts import DETECTION, FAULTFINDING, INFERENCE
from fakebench_suite.types import QuestionType

Write = Callable[..., Path]


@pytest.fixture
def rows() -> dict[str, list[dict[str, Any]]]:
    """One fake and one real image, with every kind of question."""
    what, isreal = DETECTION[QuestionType.WHAT], DETECTION[QuestionType.ISREAL]
    clue = {
        "image_id": "sd-1.png",
        "content_categories": "scenery, photo",
        "telltale_clues": "",
        "telltale_categories": "",
        "faultfinding_mode": FAULTFINDING,
        "inference_mode": INFERENCE,
    }
    questions = {"Q1": "How is the edge?", "A1": "", "Q2": "Is anything unrealistic?", "A2": ""}
    return {
        "FakeClass": [
            {"image_id": "sd-1.png", "question": what, "answer": "fake", "authenticity": 0},
            {"image_id": "7.png", "question": isreal, "answer": "yes", "authenticity": 1},
        ],
        "FakeClue": [clue],
        "FakeQA": [{"image_id": "sd-1.png", **questions}],
    }


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """``write(rows, below="Evaluation")`` puts the files where official data has them."""

    def write_files(rows: dict[str, list[dict[str, Any]]], below: str = "Evaluation") -> Path:
        folder = tmp_path / below
        folder.mkdir(parents=True, exist_ok=True)
        for stem, content in rows.items():
            (folder / f"{stem}.json").write_text(json.dumps(content), encoding="utf-8")
        for subfolder, name, grey in (
            ("fake_images", "sd-1.png", 10),
            ("real_images", "7.png", 200),
        ):
            (tmp_path / "FakeBench_images" / subfolder).mkdir(parents=True, exist_ok=True)
            path = tmp_path / "FakeBench_images" / subfolder / name
            Image.new("RGB", (8, 6), (grey, grey, grey)).save(path)
        return tmp_path

    return write_files


def find_shared(variable: str) -> Path:
    """The directory an environment variable names; skips the test where it is unset."""
    if variable not in os.environ:
        pytest.skip(f"{variable} is not set")
    return Path(os.environ[variable])


@pytest.fixture
def published() -> Path:
    """FakeBench's published query files."""
    return find_shared("FAKEBENCH_DATA")


@pytest.fixture
def samples() -> Path:
    """Small sets of real photographs and real AI-generated images."""
    return find_shared("FAKEBENCH_SAMPLES")
