"""JSON lines: anyone's own cases."""

import json
from pathlib import Path

import pytest
from PIL import Image

from fakebench_suite.datasets import jsonl, open_dataset
from fakebench_suite.deprecation import DeprecatedNameWarning
from fakebench_suite.errors import DataError, ImageError
from fakebench_suite.tasks.subgroups import list_subgroups
from fakebench_suite.types import Authenticity, Clue, QuestionType, Region, list_image_cases

LINE = {"id": "a", "task": "detection", "image": "a.png", "question": "Is this fake, yes or no?"}


def write(folder: Path, *lines: object) -> Path:
    """The lines as a file; a text is written as it is."""
    path = folder / "cases.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


def test_the_documented_example_works(tmp_path: Path) -> None:
    """The example in the module's documentation is read as it says, pictures included."""
    assert jsonl.__doc__ is not None
    text = jsonl.__doc__.partition("\n\n")[2].rpartition("\n\n")[0]
    lines = [line for line in text.replace(",\n     ", ", ").splitlines() if line.strip()]
    (tmp_path / "photos").mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (3, 3)).save(tmp_path / "photos" / name)
    data = open_dataset(write(tmp_path, *(line.strip() for line in lines)))
    first, second, third = data.cases
    assert (first.id, first.question_type, first.label) == (
        "photos/a.png:a1",
        QuestionType.ISFAKE,
        "fake",
    )
    assert second.criterion == "edge"
    assert second.expected is not None
    assert len(second.expected) == 2
    assert second.regions == (Region(box=(0, 0, 2, 3), criterion="edge"),)
    assert third.image_names == ("photos/a.png", "photos/b.png")
    assert (third.question_type, third.expected_choice) == (QuestionType.WHICHFAKE, "A")
    assert [data.open_image(case).size for case in list_image_cases([third])] == [(3, 3), (3, 3)]
    assert data.open_image(first).size == (3, 3)


@pytest.mark.parametrize("expected", [None, "", []])
def test_a_label_may_be_unknown(tmp_path: Path, expected: object) -> None:
    """Also where all lines of a file have the same fields."""
    line = {"id": "a", "task": "detection", "image": "a.png", "question": "Is it fake?"}
    path = write(tmp_path, line | {"label": None, "expected": expected})
    Image.new("RGB", (3, 3)).save(tmp_path / "a.png")
    (case,) = open_dataset(path).cases
    assert (case.label, case.expected) == (None, None)


PAIR = {
    "task": "comparison", "second_image": "b.png", "choices": ["one", "two"],
    "question_type": "whichreal",
}  # fmt: skip


POINTING = {"task": "pointing", "question": "Where?"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "no field 'colour'; allowed: id, task"),
        ({"task": "guessing"}, "'guessing'"),
        ({"label": "maybe"}, "'maybe'"),
        ({"id": " "}, "the field 'id' is empty"),
        ({"question": "Nice?"}, "cannot be parsed"),
        ({"question_type": "criterion"}, "does not belong to the task"),
        ({"question_type": "isreal"}, "asks whether the image is fake, and"),
        ({"criterion": "taste"}, "'criterion' is 'taste'"),
        ({"image": "../a.png"}, "is not allowed"),
        ({"expected": 5}, "'expected'"),
        ({"expected": "fake"}, "scored by its 'label', fake or real, and not by 'expected'"),
        ({"second_image": "b.png"}, "belong to the task comparison"),
        ({"expected_choice": "A"}, "belong to the task comparison"),
        (PAIR | {"second_image": None}, "a comparison needs 'second_image'"),
        (PAIR | {"choices": ["one"]}, "two or more texts in 'choices'"),
        (PAIR | {"expected_choice": "C"}, "'expected_choice' is 'C'; it must be one of A, B"),
        (PAIR | {"second_image": "../b.png"}, "is not allowed"),
        (
            PAIR | {"question_type": None, "question": "Nice?"},
            "'question_type' is missing; allowed are whichfake, whichreal",
        ),
        (PAIR | {"question_type": "what"}, "does not belong to the task comparison"),
        ({"intact_criteria": ["taste"]}, "'intact_criteria' holds 'taste'"),
        ({"regions": [{}]}, "a region needs either 'box' or 'polygons'"),
        ({"regions": [{"box": [1, 2, 1, 3]}]}, "must be [left, top, right, bottom]"),
        ({"regions": [{"box": [1, 2, 3]}]}, "'regions"),
        ({"regions": [{"polygons": [[[1, 2], [3, 4]]]}]}, "has 2 points"),
        ({"regions": [{"box": [0, 0, 2, 2], "criterion": "taste"}]}, "'criterion' is 'taste'"),
        ({"label": "real", "regions": [{"box": [0, 0, 2, 2]}]}, "the label is real, and 'regions'"),
        (POINTING | {"label": "fake"}, "a case of pointing needs 'regions'"),
        (POINTING, "a case of pointing needs 'regions'"),
        (
            {
                "intact_criteria": ["shape", "edge"],
                "regions": [{"box": [0, 0, 2, 2], "criterion": "edge"}],
            },
            "'edge' is in 'intact_criteria'",
        ),
        (
            {
                "intact_criteria": ["edge"],
                "expected": [{"text": "A halo.", "criterion": "edge"}],
            },
            "'edge' is in 'intact_criteria'",
        ),
    ],
)
def test_a_bad_field_names_line_and_field(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    """Every wrong field is one error with file and line."""
    with pytest.raises(DataError) as exc_info:
        open_dataset(write(tmp_path, LINE, LINE | {"id": "b"} | change))
    assert "cases.jsonl, line 2" in str(exc_info.value)
    assert message in str(exc_info.value)


def test_pointing_needs_regions_or_a_real_image(tmp_path: Path) -> None:
    """Of the one, a box is right that lies in them; of the other, none."""
    fake = LINE | POINTING | {"label": "fake", "regions": [{"box": [0, 0, 2, 2]}]}
    real = LINE | POINTING | {"label": "real", "image": "b.png", "id": "b"}
    first, second = open_dataset(write(tmp_path, fake, real)).cases
    assert len(first.regions) == 1
    assert second.regions == ()


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    """A line without an image says so."""
    line = {key: value for key, value in LINE.items() if key != "image"}
    with pytest.raises(DataError, match=r"line 1: .*'image'"):
        open_dataset(write(tmp_path, line))


def test_references_may_be_text_list_or_objects(tmp_path: Path) -> None:
    """All three shapes become clues; blank ones are withheld."""
    shapes: list[object] = ["x", ["x", "y"], [{"text": "x", "criterion": "edge"}], ["", " "], None]
    line = LINE | {"task": "analysis", "question": "How is the edge?"}
    lines = [line | {"id": str(i), "expected": shape} for i, shape in enumerate(shapes)]
    expected = [case.expected for case in open_dataset(write(tmp_path, *lines)).cases]
    assert expected == [
        (Clue(text="x"),),
        (Clue(text="x"), Clue(text="y")),
        (Clue(text="x", criterion="edge"),),
        None,
        None,
    ]


def test_blank_lines_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    """Empty lines are skipped and CRLF is white space."""
    path = tmp_path / "cases.jsonl"
    path.write_bytes(f"\r\n{json.dumps(LINE)}\r\n\r\n".encode())
    assert len(open_dataset(path).cases) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\n", "holds no cases"), (b'{"id": "\xe9"}', "not UTF-8"), (b'{"id": ', "line 1")],
)
def test_a_broken_file_is_one_clear_error(tmp_path: Path, content: bytes, message: str) -> None:
    """Empty, wrongly encoded and truncated files are named."""
    path = tmp_path / "cases.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        open_dataset(path)


def test_duplicate_ids_are_refused(tmp_path: Path) -> None:
    """Two lines of one id on one image are an error."""
    with pytest.raises(DataError, match=r"duplicate ids, such as a.png:a"):
        open_dataset(write(tmp_path, LINE, LINE))


def test_a_missing_image_is_an_error_of_its_case(tmp_path: Path) -> None:
    """The file is read although a picture is missing; opening that picture fails."""
    data = open_dataset(write(tmp_path, LINE | {"label": "real"}))
    assert data.cases[0].label is Authenticity.REAL
    with pytest.raises(ImageError, match=r"a.png is missing"):
        data.open_image(data.cases[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "guessing"}, "task is 'guessing'; allowed: detection, interpretation"),
        ({"label": "maybe"}, "label is 'maybe'; allowed: fake, real"),
        (
            {"question_type": "whatever"},
            "question_type is 'whatever'; allowed: what, isfake, isreal",
        ),
        (
            {"task": "reasoning", "question_type": "what"},
            "question type what does not belong to the task reasoning",
        ),
        ({"question": " "}, "the field 'question' is empty"),
        ({"id": 7}, "in the field 'id'"),
        (
            {"expected": [{"text": "x", "criterium": "edge"}]},
            "no field 'criterium' in expected; allowed: text, crit",
        ),
        ({"expected": [{"text": "x", "criterion": "taste"}]}, "field 'expected': the field 'crit"),
        ({"expected": [{"text": "x", "criterion": 5}]}, "in the field 'expected[0].criterion'"),
        ({"image": "/a.png"}, "is not allowed"),
        ({"image": "C:\\a.png"}, "is not allowed"),
        ({"image": ""}, "the image name '' is not allowed"),
    ],
)
def test_a_bad_value_is_told_what_is_allowed(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    """The one-line message names file, line and field, and the choices where there are few."""
    with pytest.raises(DataError) as exc_info:
        open_dataset(write(tmp_path, LINE | change))
    assert str(exc_info.value).startswith("cases.jsonl, line 1")
    assert message in str(exc_info.value)
    assert "\n" not in str(exc_info.value)


def test_criteria_are_read_from_the_wording(tmp_path: Path) -> None:
    """An analysis question without a criterion is about the one it names, or about none."""
    line = LINE | {"task": "analysis"}
    lines = [
        line | {"id": "1", "question": "Are the shapes odd?"},
        line | {"id": "2", "question": "Are the shapes odd?", "criterion": "layout"},
        line | {"id": "3", "question": "What do you think?"},
        LINE | {"id": "4", "question": "Real or fake, judging by its edges?"},
    ]
    cases = open_dataset(write(tmp_path, *lines)).cases
    assert [case.criterion for case in cases] == ["shape", "layout", None, None]


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r", "\n\n \n"])
@pytest.mark.parametrize("byte_order_mark", ["", "\ufeff"])
def test_one_line_is_enough(tmp_path: Path, end: str, byte_order_mark: str) -> None:
    """The last line needs no end, and a byte order mark is no part of the first."""
    path = tmp_path / "cases.jsonl"
    path.write_bytes(f"{byte_order_mark}{json.dumps(LINE)}{end}".encode())
    assert [case.id for case in open_dataset(path).cases] == ["a.png:a"]


@pytest.mark.parametrize("content", ["[]", "[1]", f"\n[\n{json.dumps(LINE)}\n]"])
def test_a_json_list_is_told_from_json_lines(tmp_path: Path, content: str) -> None:
    """Someone who points at FakeClass.json itself learns where to point."""
    path = tmp_path / "FakeClass.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"^FakeClass.json holds a JSON list; .* point --data"):
        open_dataset(path)


def test_nesting_without_end_is_no_crash(tmp_path: Path) -> None:
    """A line of nothing but brackets is one clear error."""
    with pytest.raises(DataError, match=r"^cases.jsonl, line 2"):
        open_dataset(write(tmp_path, LINE, '{"expected": ' + "[" * 100_000))


def test_one_image_cannot_be_fake_and_real(tmp_path: Path) -> None:
    """Cases on one image share its picture, so their labels must agree."""
    lines = [LINE | {"id": label, "label": label} for label in ("fake", "real")]
    with pytest.raises(
        DataError, match=r"^cases.jsonl: the image a.png is labelled both fake and real"
    ):
        open_dataset(write(tmp_path, *lines))


def test_a_field_given_twice_is_refused(tmp_path: Path) -> None:
    """The last label would count, and nobody would see the first one."""
    line = json.dumps(LINE | {"label": "fake"})
    with pytest.raises(DataError, match="line 2: the key 'label' is there twice"):
        open_dataset(write(tmp_path, LINE, f'{line[:-1]}, "label": "real"}}'))
    with pytest.raises(DataError, match="the key 'text' is there twice"):
        open_dataset(write(tmp_path, f'{line[:-1]}, "expected": [{{"text": "a", "text": "b"}}]}}'))
    with (
        pytest.warns(DeprecatedNameWarning, match="'form'"),
        pytest.raises(DataError, match="the key 'form' is there twice"),
    ):
        open_dataset(write(tmp_path, f'{line[:-1]}, "form": "isfake", "form": "isreal"}}'))
    (case,) = open_dataset(write(tmp_path, LINE | {"question": 'Is "id" and "id" fake?'})).cases
    assert case.id == "a.png:a"


@pytest.mark.parametrize(
    "question",
    [
        "Was this real photo manipulated by AI? Yes or no.",
        "Is this image AI-generated? If it is a real photo, answer no.",
        "Has this real photograph been tampered with?",
    ],
)
def test_a_type_is_taken_as_given_where_a_question_names_a_label_beside_it(
    tmp_path: Path, question: str
) -> None:
    """What "yes" asserts of such a question, only its author knows."""
    row = LINE | {"question": question, "question_type": "isfake"}
    (case,) = open_dataset(write(tmp_path, row)).cases
    assert case.question_type is QuestionType.ISFAKE


def test_an_image_has_one_name(tmp_path: Path) -> None:
    """However its path is written: its cases are one group, and their labels must agree."""
    lines = [
        LINE | {"id": "1", "image": "x/./a.png", "label": "fake"},
        LINE | {"id": "2", "image": ".//x//a.png", "label": "fake"},
    ]
    cases = open_dataset(write(tmp_path, *lines)).cases
    assert {case.image for case in cases} == {"x/a.png"}
    assert [case.id for case in cases] == ["x/./a.png:1", ".//x//a.png:2"]  # as in earlier runs
    with pytest.raises(DataError, match=r"the image x/a\.png is labelled both fake and real"):
        open_dataset(write(tmp_path, lines[0], lines[1] | {"label": "real"}))


def test_blank_names_are_none(tmp_path: Path) -> None:
    """A generator or category of nothing but spaces is no subgroup."""
    lines = [
        LINE | {"id": "1", "generator": " ", "content_categories": ""},
        LINE | {"id": "2", "generator": " sd ", "content_categories": "a, ,b"},
    ]
    first, second = open_dataset(write(tmp_path, *lines)).cases
    assert (first.generator, first.content_categories) == (None, None)
    subgroups = [name for name in list_subgroups(second) if name.startswith(("gen", "cat"))]
    assert subgroups == ["generator=sd", "category=a", "category=b"]


def test_no_picture_stands_in_for_another(tmp_path: Path) -> None:
    """A file of the same name in another folder is not shown instead of a missing one."""
    (tmp_path / "other").mkdir()
    Image.new("RGB", (3, 3)).save(tmp_path / "other" / "a.png")
    data = open_dataset(write(tmp_path, LINE | {"image": "photos/a.png"}))
    with pytest.raises(ImageError, match=r"^photos/a.png is missing"):
        data.open_image(data.cases[0])


def test_deprecated_fields_mean_the_new_ones_and_warn_once(tmp_path: Path) -> None:
    """The cases are the same; the warning names file, line and field."""
    old = LINE | {"form": "isfake", "category": "photo", "question": "Well?"}
    new = LINE | {"question_type": "isfake", "content_categories": "photo", "question": "Well?"}
    path = write(tmp_path, old, old | {"id": "b"})
    with pytest.warns(DeprecatedNameWarning) as warnings:
        cases = open_dataset(path).cases
    assert [str(warning.message) for warning in warnings] == [
        "cases.jsonl, line 1: the field 'form' is deprecated; write 'question_type'.",
        "cases.jsonl, line 1: the field 'category' is deprecated; write 'content_categories'.",
    ]
    assert cases == open_dataset(write(tmp_path, new, new | {"id": "b"})).cases


def test_an_old_and_a_new_field_together_are_refused(tmp_path: Path) -> None:
    """A row with both ``form`` and ``question_type`` is an error."""
    path = write(tmp_path, LINE | {"form": "isfake", "question_type": "isfake"})
    with (
        pytest.warns(DeprecatedNameWarning),
        pytest.raises(DataError, match="no field 'form'"),
    ):
        open_dataset(path)
