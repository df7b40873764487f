"""FakeBench's own files: every case of the published ones, one clear error for broken ones."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fakebench_suite.datasets import open_dataset
from fakebench_suite.errors import DataError, ImageError
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.tasks.prompts import PromptStyle, build_prompt
from fakebench_suite.types import Authenticity, QuestionType, Task
from tests.datasets.conftest import Write

Rows = dict[str, list[dict[str, Any]]]


@pytest.mark.thorough
def test_filled_in_references_leave_the_files_official(published: Path, tmp_path: Path) -> None:
    """Whoever has the references runs FakeBench; whoever changes a question does not."""
    folder = tmp_path / "Evaluation"
    folder.mkdir()
    for stem, fields in (
        ("FakeClue", {"telltale_clues": ["Six fingers."]}),
        ("FakeQA", {"A1": "It is odd."}),
    ):
        text = (published / "Evaluation" / f"{stem}.json").read_text(encoding="utf-8")
        rows = [row | fields for row in json.loads(text)]
        (folder / f"{stem}.json").write_text(json.dumps(rows), encoding="utf-8")
    data = open_dataset(tmp_path)
    assert (data.kind, data.name) == ("official", "FakeBench")
    assert sum(bool(case.expected) for case in data.cases) == 3 * 3000
    rows[0]["Q1"] = "How is the edge?"
    (folder / "FakeQA.json").write_text(json.dumps(rows), encoding="utf-8")
    assert open_dataset(tmp_path).kind == "layout"


@pytest.mark.thorough
def test_the_published_files_make_53971_cases(published: Path) -> None:
    """Tasks, forms, labels, generators and criteria are as published; none is unmapped."""
    data = open_dataset(published)
    assert (data.kind, data.name) == ("official", "FakeBench")
    assert Counter(case.task for case in data.cases) == {
        Task.DETECTION: 6000,
        Task.INTERPRETATION: 3000,
        Task.REASONING: 3000,
        Task.ANALYSIS: 41971,
    }
    detection = [case for case in data.cases if case.task == Task.DETECTION]
    fake, real = Authenticity.FAKE, Authenticity.REAL
    assert Counter((case.question_type, case.label) for case in detection) == {
        (QuestionType.WHAT, fake): 1500,
        (QuestionType.WHAT, real): 1500,
        (QuestionType.ISFAKE, fake): 751,
        (QuestionType.ISFAKE, real): 750,
        (QuestionType.ISREAL, fake): 749,
        (QuestionType.ISREAL, real): 750,
    }
    generators = Counter(case.generator for case in detection)
    assert generators.pop(None) == 3000
    assert set(generators.values()) == {300}
    assert len(generators) == 10
    analysis = [case for case in data.cases if case.task == Task.ANALYSIS]
    assert Counter(case.criterion for case in analysis) == {
        "shape": 3021,
        "overall tone": 3009,
        "symmetry": 3008,
        "reflection": 3005,
        "perspective": 3005,
        "light & shadow": 3001,
        "texture": 3000,
        "content deficiency": 3000,
        "layout": 2999,
        "distortion": 2999,
        "theme": 2998,
        "unrealistic": 2998,
        "clarity": 2990,
        "edge": 2938,
    }
    slots = [case.slot or 0 for case in analysis]
    moved_count = sum(
        CRITERIA[slot - 1] != case.criterion for slot, case in zip(slots, analysis, strict=True)
    )
    assert moved_count == 494
    assert all(case.expected is None for case in data.cases)
    assert all(case.content_categories for case in data.cases if case.label is fake)


@pytest.mark.thorough
def test_the_papers_prompts_double_the_phrase_and_clean_ones_do_not(published: Path) -> None:
    """41,889 official questions say "regarding" twice in the paper's style, none in the clean."""
    cases = [case for case in open_dataset(published).cases if case.task == Task.ANALYSIS]
    paper = [build_prompt(case, PromptStyle.PAPER).text for case in cases]
    clean = [build_prompt(case, PromptStyle.CLEAN).text for case in cases]
    assert sum(text.count("regarding the") == 2 for text in paper) == 41889
    assert {text.count("regarding the") for text in clean} == {1}


@pytest.mark.parametrize(("name", "cases"), [("modern", 60 + 60 + 420), ("cifake", 200 + 1600)])
def test_real_images_in_the_official_layout_open(samples: Path, name: str, cases: int) -> None:
    """Every case of the sample sets has its picture, as bare RGB."""
    data = open_dataset(samples / name)
    assert data.kind == "layout"
    assert len(data.cases) == cases
    first = {case.image: case for case in data.cases}
    for case in first.values():
        picture = data.open_image(case)
        assert (picture.mode, picture.info) == ("RGB", {})


@pytest.mark.parametrize("stem", ["FakeClass", "FakeClue", "FakeQA"])
def test_any_file_may_be_absent(rows: Rows, write: Write, stem: str) -> None:
    """One file alone is a data set."""
    dataset = open_dataset(write({stem: rows[stem]}))
    assert len(dataset.cases) == 2
    assert dataset.has_images()


def test_files_may_lie_in_the_directory_itself(rows: Rows, write: Write) -> None:
    """Without Evaluation/ the files are looked for in the directory."""
    assert len(open_dataset(write(rows, below=".")).cases) == 6


def test_a_name_in_both_folders_is_settled_by_the_label(rows: Rows, write: Write) -> None:
    """fake_images/ serves fakes and real_images/ photographs, also under one file name."""
    root = write({"FakeClass": rows["FakeClass"][:1]})
    namesake = root / "FakeBench_images" / "real_images" / "sd-1.png"
    namesake.write_bytes((namesake.parent / "7.png").read_bytes())
    data = open_dataset(root)
    assert data.open_image(data.cases[0]).getpixel((0, 0)) == (10, 10, 10)


def test_every_case_on_an_image_gets_its_content_categories(rows: Rows, write: Write) -> None:
    """FakeClue's categories are known to detection and analysis of the same image."""
    categories = {case.id: case.content_categories for case in open_dataset(write(rows)).cases}
    assert categories["sd-1.png:what"] == categories["sd-1.png:Q1-edge"] == "scenery, photo"
    assert categories["7.png:isreal"] is None


@pytest.mark.parametrize(
    ("clues", "names", "expected"),
    [
        ("", "", None),
        (None, None, None),
        ([], [], None),
        ("The hand has six fingers.", "shape", [("The hand has six fingers.", "shape")]),
        (["a", "b"], ["Edge", "texture"], [("a", "edge"), ("b", "texture")]),
        (["a", "b"], "edge, texture", [("a", "edge"), ("b", "texture")]),
        (["a", "b"], "edge", [("a", "edge"), ("b", "edge")]),
        (["a", "b"], "", [("a", None), ("b", None)]),
    ],
)
def test_references_are_one_text_or_a_list(
    rows: Rows,
    write: Write,
    clues: object,
    names: object,
    expected: list[tuple[str, str | None]] | None,
) -> None:
    """Filled references become clues with their categories; withheld ones are None."""
    rows["FakeClue"][0] |= {"telltale_clues": clues, "telltale_categories": names}
    case = next(c for c in open_dataset(write(rows)).cases if c.task == Task.REASONING)
    references = None if case.expected is None else [(c.text, c.criterion) for c in case.expected]
    assert references == expected


@pytest.mark.parametrize(
    ("stem", "change", "message"),
    [
        ("FakeClass", {"image_id": None}, "FakeClass.json, row 0: the field 'image_id'"),
        ("FakeClass", {"question": ""}, "FakeClass.json, row 0: the field 'question'"),
        ("FakeClass", {"question": "Is it nice?"}, "FakeClass.json, row 0: the question"),
        ("FakeClass", {"authenticity": 2}, "row 0: the field 'authenticity' is 2"),
        ("FakeClass", {"authenticity": "0"}, "'authenticity' is '0'"),
        ("FakeClass", {"authenticity": True}, "'authenticity' is True"),
        ("FakeClue", {"inference_mode": 3}, "FakeClue.json, row 0: the field 'inference_mode'"),
        ("FakeClue", {"telltale_clues": {"a": 1}}, "FakeClue.json, row 0"),
        ("FakeQA", {"Q1": "How is the weather?"}, "'Q1' names none of the 14 criteria"),
        ("FakeQA", {"Q1": 5}, "FakeQA.json, row 0: the field 'Q1' is 5"),
        ("FakeClass", {"image_id": "../../etc/passwd"}, "is not allowed"),
        ("FakeClass", {"image_id": "/etc/passwd"}, "is not allowed"),
        ("FakeClass", {"image_id": "C:\\x.png"}, "is not allowed"),
        ("FakeClass", {"image_id": "a\\..\\..\\x.png"}, "is not allowed"),
        ("FakeClass", {"image_id": "a\nb.png"}, "is not allowed"),
        ("FakeClass", {"image_id": "a:b.png"}, "is not allowed"),
    ],
)
def test_a_bad_field_names_file_row_and_field(
    rows: Rows, write: Write, stem: str, change: dict[str, object], message: str
) -> None:
    """Missing, mistyped and hostile fields are one error that says where."""
    rows[stem][0] |= change
    with pytest.raises(DataError) as exc_info:
        open_dataset(write(rows))
    assert message in str(exc_info.value)
    assert "\n" not in str(exc_info.value)


def test_a_missing_field_is_named(rows: Rows, write: Write) -> None:
    """A field that is not there is said to be missing."""
    del rows["FakeClue"][0]["faultfinding_mode"]
    with pytest.raises(DataError, match=r"FakeClue.json, row 0: .*'faultfinding_mode' is missing"):
        open_dataset(write(rows))


def test_duplicate_rows_are_refused(rows: Rows, write: Write) -> None:
    """The same question about the same image twice is an error that names it."""
    rows["FakeClass"] *= 2
    with pytest.raises(DataError, match=r"duplicate ids, such as sd-1.png:what"):
        open_dataset(write(rows))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[{"image_id": "a.p', "FakeClass.json is not complete JSON"),
        (b"", "FakeClass.json is not complete JSON"),
        ('[{"image_id": "é"}]'.encode("latin-1"), r"FakeClass.json is not UTF-8 \(byte"),
        (b'{"image_id": "a"}', "FakeClass.json must hold a list"),
        (b"[1]", "FakeClass.json, row 0 must be an object"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    """Truncated, empty, wrongly encoded and wrongly shaped files are one clear error each."""
    (tmp_path / "FakeClass.json").write_bytes(content)
    with pytest.raises(DataError, match=message):
        open_dataset(tmp_path)


def test_a_wrong_layout_says_what_was_looked_for(tmp_path: Path) -> None:
    """A directory without the files lists them; a path that is not there says so."""
    with pytest.raises(DataError, match=r"looked for FakeClass.json, FakeClue.json, FakeQA.json"):
        open_dataset(tmp_path)
    with pytest.raises(DataError, match="There is no"):
        open_dataset(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"[]", b'{"rows": []}', b"null"])
def test_a_file_without_rows_is_refused(tmp_path: Path, content: bytes) -> None:
    """No rows are no data set."""
    (tmp_path / "FakeQA.json").write_bytes(content)
    with pytest.raises(DataError, match=r"^FakeQA.json must hold a list of objects, one per image"):
        open_dataset(tmp_path)


def test_nesting_without_end_is_no_crash(tmp_path: Path) -> None:
    """A file of nothing but brackets is one clear error."""
    (tmp_path / "FakeQA.json").write_bytes(b"[" * 100_000)
    with pytest.raises(DataError, match=r"^FakeQA.json is not complete JSON"):
        open_dataset(tmp_path)


def test_a_byte_order_mark_changes_nothing(rows: Rows, write: Write) -> None:
    """Files saved by Windows editors are read, and are the same data set."""
    root = write(rows)
    unmarked = open_dataset(root)
    for path in (root / "Evaluation").iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    marked = open_dataset(root)
    assert (marked.cases, marked.digest) == (unmarked.cases, unmarked.digest)


def test_an_empty_evaluation_folder_hides_nothing(rows: Rows, write: Write) -> None:
    """Files in the directory itself are found although Evaluation/ is there too."""
    root = write(rows, below=".")
    (root / "Evaluation").mkdir()
    assert len(open_dataset(root).cases) == 6


@pytest.mark.parametrize("folders", [("", ""), ("fake_images", "real_images"), ("all", "all")])
def test_images_may_lie_in_any_folder(
    rows: Rows, write: Write, tmp_path: Path, folders: tuple[str, str]
) -> None:
    """Both label folders, one folder for all, and the directory itself serve alike."""
    root = write(rows)
    for old, new in zip(("fake_images/sd-1.png", "real_images/7.png"), folders, strict=True):
        (root / new).mkdir(exist_ok=True)
        (root / "FakeBench_images" / old).rename(tmp_path / new / Path(old).name)
    data = open_dataset(root)
    assert data.has_images()
    shades = {case.image: data.open_image(case).getpixel((0, 0)) for case in data.cases}
    assert shades == {"sd-1.png": (10, 10, 10), "7.png": (200, 200, 200)}


def test_images_may_be_absent(rows: Rows, write: Write) -> None:
    """Without any image the cases are still read; opening one says which is missing."""
    root = write(rows)
    for path in (root / "FakeBench_images").rglob("*.png"):
        path.unlink()
    data = open_dataset(root)
    assert not data.has_images()
    with pytest.raises(ImageError, match=r"^sd-1.png is missing: no file of that name below"):
        data.open_image(data.cases[0])


@pytest.mark.parametrize(
    ("stem", "change", "message"),
    [
        ("FakeClass", {"authenticity": None}, "'authenticity' is None; it must be 0 (fake) or 1"),
        ("FakeClass", {"authenticity": 1.0}, "'authenticity' is 1.0; it must be 0 (fake) or 1"),
        ("FakeClass", {"authenticity": [0]}, "'authenticity' is [0]; it must be 0 (fake) or 1"),
        ("FakeClass", {"image_id": ""}, "the field 'image_id' is '', not a text"),
        ("FakeClass", {"image_id": "."}, "the image name '.' is not allowed"),
        ("FakeClue", {"content_categories": ["a"]}, "'content_categories' is ['a']; it must be"),
        ("FakeClue", {"telltale_clues": ["a", 1]}, "field 'telltale_clues': a reference must be"),
        ("FakeQA", {"A1": {"a": 1}}, "field 'A1': a reference must be a text or a list of texts"),
    ],
)
def test_wrong_types_are_named(
    rows: Rows, write: Write, stem: str, change: dict[str, object], message: str
) -> None:
    """No value is bent into another type."""
    rows[stem][0] |= change
    with pytest.raises(DataError) as exc_info:
        open_dataset(write(rows))
    assert str(exc_info.value).startswith(f"{stem}.json, row 0")
    assert message in str(exc_info.value)


def test_a_row_without_questions_says_what_was_expected(rows: Rows, write: Write) -> None:
    """A FakeQA row needs at least one slot; unknown fields are not taken for one."""
    rows["FakeQA"].append({"image_id": "sd-1.png", "Q0": "How is the edge?", "Q123": "x", "Qa": 1})
    with pytest.raises(
        DataError, match=r"^FakeQA.json, row 1: there is no question; expected fields 'Q1' to 'Q14'"
    ):
        open_dataset(write(rows))


def test_one_image_cannot_be_fake_and_real(rows: Rows, write: Write) -> None:
    """A contradiction, within a file or between two, is refused: the image is shown but once."""
    rows["FakeClass"][0]["authenticity"] = 1
    with pytest.raises(
        DataError, match=r"^FakeClue.json: the image sd-1.png is labelled both fake and real"
    ):
        open_dataset(write(rows))


def test_answers_to_questions_become_clues_of_their_criterion(rows: Rows, write: Write) -> None:
    """A filled A1 is the reference of Q1, as one text or as a list."""
    rows["FakeQA"][0] |= {"A1": "Halos run along.", "A2": ["Too smooth.", " ", "Too clean."]}
    cases = [case for case in open_dataset(write(rows)).cases if case.task == Task.ANALYSIS]
    assert [[(clue.text, clue.criterion) for clue in case.expected or ()] for case in cases] == [
        [("Halos run along.", "edge")],
        [("Too smooth.", "unrealistic"), ("Too clean.", "unrealistic")],
    ]
