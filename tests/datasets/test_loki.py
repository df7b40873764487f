"""LOKI's three files: both polarities, a choice of two images, and boxes in a UTF-16 file."""

import json
from pathlib import Path
from typing import Any

import pytest

from fakebench_suite.datasets.loki import load_loki
from fakebench_suite.datasets.registry import DataSource, open_dataset
from fakebench_suite.errors import DataError, ImageError
from fakebench_suite.types import Authenticity, QuestionType, Region, Task, list_image_cases
from tests.datasets.other_benchmarks import (
    LOKI_CHOICE,
    LOKI_OPEN,
    SIZE,
    make_loki,
    make_loki_row,
    write_loki,
)

TF, CHOICE, OPEN = "true_or_false.json", "multi_choice.json", "open_ended_vqa.json"


def test_both_polarities_have_the_label_of_their_row(tmp_path: Path) -> None:
    """Of four questions about two images; "sence" is their spelling of scene."""
    data = open_dataset(DataSource(kind="loki", path=write_loki(tmp_path)))
    cases = [case for case in data.cases if case.task == Task.DETECTION]
    fake, real = Authenticity.FAKE, Authenticity.REAL
    assert [(case.question_type, case.label) for case in cases] == [
        (QuestionType.ISFAKE, fake),
        (QuestionType.ISREAL, fake),
        (QuestionType.ISFAKE, real),
        (QuestionType.ISREAL, real),
    ]
    assert {case.content_categories for case in cases} == {"scene"}
    assert cases[0].question.startswith("You have been shown one image")
    assert cases[0].question.endswith("\nAnswer with yes or no.")
    assert (data.kind, data.name) == ("loki", "LOKI")
    assert data.licence is not None
    assert data.licence.startswith("MIT")


def test_a_choice_shows_two_images_in_order(tmp_path: Path) -> None:
    """Its options are in the prompt, and the expected one is a letter."""
    data = load_loki(write_loki(tmp_path))
    first, second = (case for case in data.cases if case.task == Task.COMPARISON)
    assert first.image_names == tuple(LOKI_CHOICE["image_path"])
    assert (first.question_type, first.expected_choice) == (QuestionType.WHICHREAL, "B")
    assert (second.question_type, second.expected_choice) == (QuestionType.WHICHFAKE, "A")
    assert "<image>" not in first.question
    assert "\nA. The first one.\nB. The second one.\n" in first.question
    shown = [data.open_image(case).getpixel((0, 0)) for case in list_image_cases([first])]
    assert shown == [(40, 40, 40), (100, 100, 100)]


def test_boxes_and_texts_come_from_a_utf_16_file(tmp_path: Path) -> None:
    """x, y, width, height; global texts are clues too, and blank ones are none."""
    data = load_loki(write_loki(tmp_path))
    (case,) = (case for case in data.cases if case.task == Task.INTERPRETATION)
    text = "The canapé floats oddly."
    assert case.regions == (Region(box=(10.5, 4.25, 30.5, 34.25), description=text),)
    assert case.expected is not None
    assert [clue.text for clue in case.expected] == [text, "The light comes from nowhere."]
    assert case.question == "This is a fake image. Explain what gives it away."
    assert case.label is Authenticity.FAKE
    assert data.open_image(case).size == SIZE


def test_a_file_saved_again_in_utf_8_is_read_too(tmp_path: Path) -> None:
    """And the files may lie beside each other without their directories."""
    (tmp_path / OPEN).write_text(json.dumps([LOKI_OPEN]), encoding="utf-8")
    assert [case.task for case in load_loki(tmp_path).cases] == [
        Task.INTERPRETATION,
        Task.POINTING,
    ]


def test_one_file_can_be_named(tmp_path: Path) -> None:
    """Its images are found as those of the directory are."""
    data = load_loki(write_loki(tmp_path) / "data_json" / "image" / CHOICE)
    assert {case.task for case in data.cases} == {Task.COMPARISON}
    assert {data.open_image(case).size for case in list_image_cases(data.cases)} == {SIZE}


def test_a_box_outside_its_image_costs_that_image_alone(tmp_path: Path) -> None:
    """It was drawn on another image; the others are asked."""
    row: dict[str, Any] = json.loads(json.dumps(LOKI_OPEN))
    row["problems"]["regional"][0]["region"] = [500, 4, 20, 30]
    data = load_loki(write_loki(tmp_path, make_loki() | {OPEN: [row]}))
    case = next(case for case in data.cases if case.regions)
    with pytest.raises(ImageError, match=r"64 x 48 pixels, and its region \(500, 4, 520, 34\)"):
        data.open_image(case)
    assert data.open_image(data.cases[0]).size == SIZE


ROW = make_loki_row("fake", "real", 0)
REGIONAL = {"regional": [{"region": [1, 2, 3]}], "global": []}


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        (TF, [], f"{TF} must hold a list of objects, one per case, and not be empty"),
        (TF, {"rows": []}, "must hold a list of objects"),
        (TF, [ROW, "x"], f"{TF}, row 1 must be an object, not 'x'"),
        (TF, [ROW | {"question_type": "image_tf_fake_doc"}],
         "row 0: the field 'question_type' is 'image_tf_fake_doc'; it must be image_tf_image_"),
        (TF, [{k: v for k, v in ROW.items() if k != "question_type"}],
         "the field 'question_type' is missing"),
        (TF, [ROW | {"answer": "Perhaps"}], "'answer' is 'Perhaps'; it must be Yes or No"),
        (TF, [ROW | {"answer": "Yes"}], "question_type says that the image is fake and that it is"),
        (TF, [ROW | {"image_path": "../secret.png"}], r"row 0: the image name '\.\./secret\.png'"),
        (TF, [ROW | {"image_path": ["a.png"]}], "the field 'image_path' is .*; it must be a text"),
        (TF, [ROW, ROW], "1 duplicate ids, such as media_data/image/fake0.png:doc_tf_fake_real_0"),
        (TF, [ROW, make_loki_row("real", "real", 0) | {"image_path": ROW["image_path"]}],
         "is labelled both fake and real"),
        (CHOICE, [LOKI_CHOICE | {"answer": "C"}], "'answer' is 'C'; it must be one of A, B"),
        (CHOICE, [LOKI_CHOICE | {"image_path": ["a.png"]}], "a list of two image names"),
        (CHOICE, [LOKI_CHOICE | {"image_path": ["a.png", "a.png"]}], "two different image names"),
        (CHOICE, [LOKI_CHOICE | {"choices": ["The first one."]}], "a list of two texts"),
        (CHOICE, [LOKI_CHOICE | {"question_type": "image_mc_other_animals"}],
         "it must be image_mc_{real_from_fake|fake_from_real}_CATEGORY"),
        (OPEN, [LOKI_OPEN | {"problems": []}], "an object with 'regional' and 'global'"),
        (OPEN, [LOKI_OPEN | {"problems": REGIONAL}],
         r"problems, regional 0: the field 'region' is \[1, 2, 3\]; it must be \[x, y, width"),
        (OPEN, [LOKI_OPEN | {"problems": {"regional": []}}], "the field 'global' is missing"),
        (OPEN, [LOKI_OPEN | {"problems": {"regional": [3], "global": []}}], "a list of objects"),
    ],
)  # fmt: skip
def test_a_bad_row_is_a_sentence(tmp_path: Path, name: str, rows: Any, message: str) -> None:
    """It names the file, the row and the field."""
    with pytest.raises(DataError, match=message):
        load_loki(write_loki(tmp_path, {name: rows}))


def test_a_file_in_another_encoding_is_a_sentence(tmp_path: Path) -> None:
    """UTF-16 where UTF-8 is expected, half a file, and bytes that are neither."""
    folder = write_loki(tmp_path) / "data_json" / "image"
    whole = (folder / OPEN).read_bytes()
    for name, content, message in (
        (OPEN, whole[:-1], "open_ended_vqa.json is not complete UTF-16"),
        (OPEN, whole[:-4], "open_ended_vqa.json is not complete JSON"),
        (OPEN, whole[2:], "open_ended_vqa.json is UTF-16; save it as UTF-8"),
        (OPEN, whole, None),
        (TF, whole, "true_or_false.json is UTF-16"),
        (TF, b"[{\xff}]", "true_or_false.json is not UTF-8"),
    ):
        (folder / name).write_bytes(content)
        if message is not None:
            with pytest.raises(DataError, match=message):
                load_loki(tmp_path)


def test_a_missing_place_is_a_sentence(tmp_path: Path) -> None:
    """No path, and a directory without the files."""
    with pytest.raises(DataError, match="--data=loki names no place"):
        open_dataset(DataSource(kind="loki"))
    with pytest.raises(DataError, match=r"There are no files of loki in .*: looked for true_or_"):
        load_loki(tmp_path)
