"""A folder of images: one balanced question each, the same in every run."""

from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from fakebench_suite.datasets import DataSource, open_dataset, parse_data
from fakebench_suite.datasets.folder import load_folder
from fakebench_suite.datasets.sampling import order_cases
from fakebench_suite.errors import DataError
from fakebench_suite.types import Authenticity, QuestionType
from tests.helpers import call


def fill(root: Path, **counts: int) -> Path:
    """Directories with so many images each; ``__`` in a name is a step down."""
    for number, (folder, count) in enumerate(counts.items()):
        place = root / folder.replace("__", "/")
        place.mkdir(parents=True)
        for index in range(count):
            Image.new("RGB", (8, 6), (number * 40, index, 0)).save(place / f"{index:03}.png")
    return root


def count_questions(root: Path, label: Authenticity) -> dict[str, int]:
    """How many images of a label are asked each question type."""
    cases = load_folder(root).cases
    return dict(Counter(str(case.question_type) for case in cases if case.label is label))


def test_question_types_are_in_the_proportions_of_fakeclass(tmp_path: Path) -> None:
    """Within each label, with the remainders of both labels on opposite polarities."""
    root = fill(tmp_path, fake__sd=7, fake__mj=3, real=10)
    assert count_questions(root, Authenticity.FAKE) == {"what": 5, "isfake": 3, "isreal": 2}
    assert count_questions(root, Authenticity.REAL) == {"what": 5, "isreal": 3, "isfake": 2}


def test_question_types_are_balanced_within_generators(tmp_path: Path) -> None:
    """So that an accuracy by generator is not one by question type."""
    cases = load_folder(fill(tmp_path, fake__sd=8, fake__mj=8, real=4)).cases
    counts = Counter((case.generator, case.question_type) for case in cases if case.generator)
    assert set(counts.values()) == {2, 4}
    assert {kind for (_, kind), count in counts.items() if count == 4} == {QuestionType.WHAT}


def test_cases_are_those_of_the_names_alone(tmp_path: Path) -> None:
    """Another place, and files made in another order, have the same cases and the same digest."""
    first = load_folder(fill(tmp_path / "a", fake=6, real=6))
    second = load_folder(fill(tmp_path / "b", real=6, fake=6))
    assert first.cases == second.cases
    assert first.digest == second.digest
    assert (first.name, first.kind) == ("a", "folder")
    case = next(case for case in first.cases if case.image == "fake/002.png")
    assert case.id == f"fake/002.png:{case.question_type}"
    drawn = [order_cases(data.cases, seed=1, sample=4) for data in (first, second)]
    assert drawn[0] == drawn[1]
    assert Counter(case.label for case in drawn[0]) == {"fake": 2, "real": 2}


def test_the_digest_is_of_names_and_labels(tmp_path: Path) -> None:
    """One image more, or a directory that is called real, makes other data."""
    root = fill(tmp_path / "a", fake=2, x=2, real=2).rename(tmp_path / "set")
    (root / "fake").rename(root / "y")
    before = load_folder(root).digest
    (root / "real").rename(root / "z")
    assert load_folder(Path(f"{root}:real=z")).digest != before
    Image.new("RGB", (8, 6)).save(root / "x" / "new.png")
    assert load_folder(Path(f"{root}:real=z")).digest != before


def test_the_note_says_what_was_made(tmp_path: Path) -> None:
    """How many, from which generators, asked how, and what was left out."""
    root = fill(tmp_path, real=4, sd=2, mj=2)
    (root / "sd" / "prompts.txt").write_text("a cat", encoding="utf-8")
    assert load_folder(root).note == (
        "8 images, labelled by their directories: 4 fake from 2 generators (mj, sd), 4 real; "
        "question types what 4, isfake 2, isreal 2; 1 other file left out"
    )


def test_images_are_found_by_their_names(tmp_path: Path) -> None:
    """The same name in two directories is two images; both lists are of the files."""
    data = load_folder(fill(tmp_path, real=2, fake=2))
    assert data.find_image is not None
    assert data.list_images is not None
    for case in data.cases:
        assert data.find_image(case) == tmp_path / case.image
        assert data.open_image(case).getpixel((0, 0)) == (
            40 * (case.label is Authenticity.FAKE),
            int(case.image[5:8]),
            0,
        )
    assert len(data.list_images()) == 4
    assert data.has_images()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("photos", "folder"),
        ("folder:photos", "folder"),
        ("photos:real=real", "folder"),
        ("folder:photos:real=real", "folder"),
        ("rows", None),
        ("official", None),
    ],
)
def test_a_directory_is_recognised(tmp_path: Path, text: str, kind: str | None) -> None:
    """FakeBench's own stays FakeBench's, and rows beside images come first."""
    for name in ("photos", "rows", "official"):
        fill(tmp_path / name, real=2, fake=2)
    (tmp_path / "rows" / "cases.jsonl").write_text("", encoding="utf-8")
    (tmp_path / "official" / "FakeClass.json").write_text("[]", encoding="utf-8")
    data = parse_data(text, below=tmp_path)
    if kind is None:
        with pytest.raises(DataError, match=r"cases\.jsonl|FakeClass\.json must hold"):
            open_dataset(data)
        return
    assert open_dataset(data).kind == kind
    assert data.name == "photos"


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("fotos", "There is no .*fotos. Did you mean .*photos"),
        ("photos/real/000.png", "is a file, and a folder of images is a directory"),
        (None, "--data=folder names no place"),
    ],
)
def test_a_place_that_is_no_directory_is_refused(
    tmp_path: Path, place: str | None, message: str
) -> None:
    """A file, nothing, or no place at all."""
    fill(tmp_path / "photos", real=1, fake=1)
    path = None if place is None else tmp_path / place
    with pytest.raises(DataError, match=message):
        open_dataset(DataSource(kind="folder", path=path))


def test_the_data_command_does_not_warn_of_the_directories(tmp_path: Path) -> None:
    """They are the labels; what else tells the label is said as of any data."""
    root = fill(tmp_path / "photos", real=12, fake=12)
    result = call("data", str(root))
    assert result.returncode == 0
    assert "24 images, labelled by their directories: 12 fake, 12 real" in " ".join(
        result.stdout.split()
    )
    end = " ".join(result.stdout.split("No errors")[1].split())
    assert "can be predicted from directory" not in end
    assert "The directories are the labels, as you laid them out; models never see them." in end
    for path in (root / "fake").iterdir():
        path.rename(path.with_name(f"generated-{path.name}"))
    end = " ".join(call("data", str(root)).stdout.split())
    assert "can be predicted from file name, which models never receive" in end
