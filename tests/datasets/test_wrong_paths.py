"""Places that are no data set: the error says what they are, or where the data set is."""

from pathlib import Path

import pytest

from fakebench_suite.datasets import open_dataset
from fakebench_suite.datasets.wrong_paths import find_images_above
from fakebench_suite.errors import DataError


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A data set in a directory of its own, beside other things."""
    for folder in ("FakeBench/Evaluation", "FakeBench/fake_images", "pictures/fake", "own", "none"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "FakeBench/Evaluation/FakeQA.json").write_text("[]", encoding="utf-8")
    (tmp_path / "pictures/fake/a.png").write_bytes(b"")
    (tmp_path / "own/mine.jsonl").write_text("", encoding="utf-8")
    for name in ("FakeBench.zip", "rows.csv", "FakeBench.tar.gz"):
        (tmp_path / name).write_bytes(b"PK")
    return tmp_path


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (".", "{place}/FakeBench: point --data there"),
        ("FakeBench/fake_images", "{place}/FakeBench: point --data there"),
        ("pictures", "1 fake image and no real one"),
        ("pictures/fake", "1 image and nothing that says what is fake"),
        ("pictures/fake/a.png", "is an image"),
        ("own", "mine.jsonl: point --data at that file"),
        ("FakeBench.zip", "is an archive"),
        ("FakeBench.tar.gz", "is an archive"),
        ("rows.csv", "is a table"),
        ("FakeBnech", "Did you mean {place}/FakeBench"),
        ("none", "Point --data at the directory that holds Evaluation/"),
    ],
)
def test_the_error_says_where_to_point(place: Path, data: str, message: str) -> None:
    """One level too high or too low, rows beside, pictures without rows, and packed data."""
    with pytest.raises(DataError) as exc_info:
        open_dataset(place / data)
    assert message.format(place=place) in str(exc_info.value)


def test_images_above_are_found(place: Path) -> None:
    """--data=FakeBench/Evaluation has the rows, and its images lie one level higher."""
    assert find_images_above(place / "FakeBench/Evaluation") == place / "FakeBench"
    assert find_images_above(place / "own") is None
