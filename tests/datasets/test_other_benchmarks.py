"""FakeVLM's FakeClue, SynthScars, X-AIGD and MMFR, each in its exact shape."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.fakevlm import load_fakevlm
from fakebench_suite.datasets.mmfr import QUESTION, load_mmfr
from fakebench_suite.datasets.registry import DataSource, open_dataset
from fakebench_suite.datasets.synthscars import load_synthscars
from fakebench_suite.datasets.x_aigd import CRITERIA, load_x_aigd
from fakebench_suite.errors import AmbiguousImageError, DataError, ImageError, MissingImageError
from fakebench_suite.tasks.criteria import CRITERIA as CRITERIA_OF_FAKEBENCH
from fakebench_suite.types import Authenticity, Case, Task
from tests.datasets.other_benchmarks import (
    SIZE,
    make_fakevlm,
    make_mmfr,
    make_synthscars,
    make_x_aigd,
    write_fakevlm,
    write_image,
    write_loki,
    write_mmfr,
    write_synthscars,
    write_x_aigd,
)

FAKE, REAL = Authenticity.FAKE, Authenticity.REAL


def select(data: Dataset, task: str) -> list[Case]:
    """The cases of a task."""
    return [case for case in data.cases if case.task == task]


@pytest.mark.parametrize(
    ("kind", "write"),
    [
        ("fakevlm-fakeclue", write_fakevlm),
        ("synthscars", write_synthscars),
        ("x-aigd", write_x_aigd),
        ("mmfr", write_mmfr),
    ],
)
def test_a_data_set_is_opened_by_its_kind(
    tmp_path: Path, kind: str, write: Callable[[Path], Path]
) -> None:
    """Its images open, its licence is known, and the same files have the same digest."""
    source = DataSource(kind=kind, path=write(tmp_path))
    data = open_dataset(source)
    assert data.kind == kind
    assert data.licence
    assert data.has_images()
    assert {data.open_image(case).size for case in data.cases} == {SIZE}
    assert open_dataset(source).digest == data.digest
    with pytest.raises(DataError, match=f"--data={kind} names no place"):
        open_dataset(DataSource(kind=kind))
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match=f"There are no files of {kind} in .*: looked for "):
        open_dataset(DataSource(kind=kind, path=empty))


@pytest.mark.parametrize(
    ("kind", "write"),
    [
        ("loki", write_loki),
        ("fakevlm-fakeclue", write_fakevlm),
        ("synthscars", write_synthscars),
        ("x-aigd", write_x_aigd),
        ("mmfr", write_mmfr),
    ],
)
def test_a_directory_without_its_kind_is_recognised(
    tmp_path: Path, kind: str, write: Callable[[Path], Path]
) -> None:
    """The sentence says what to write."""
    with pytest.raises(DataError, match=f"another benchmark: write --data={kind}:{tmp_path}"):
        open_dataset(write(tmp_path))


@pytest.mark.parametrize("below", ["test", "test/test"])
def test_label_1_of_fakevlm_is_real(tmp_path: Path, below: str) -> None:
    """Whichever way its images were unpacked, and whatever their folders are called."""
    data = load_fakevlm(write_fakevlm(tmp_path, below=below))
    detection, reasoning = select(data, Task.DETECTION), select(data, Task.REASONING)
    assert [(case.image, case.label) for case in detection] == [
        ("genimage/x.png", FAKE),
        ("doc/y.png", REAL),
    ]
    assert [case.content_categories for case in reasoning] == ["genimage", "doc"]
    assert reasoning[0].question == "Does the image look real or fake?"
    assert reasoning[0].expected is not None
    assert reasoning[0].expected[0].text == "This is a fake image. The edges say so."
    assert data.open_image(detection[1]).getpixel((0, 0)) == (150, 150, 150)


def test_an_image_that_was_unpacked_twice_is_ambiguous(tmp_path: Path) -> None:
    """Which of two is meant is not guessed; one that is missing is named."""
    write_fakevlm(tmp_path, below="test/test")
    data = load_fakevlm(write_fakevlm(tmp_path, below="test/again"))
    with pytest.raises(AmbiguousImageError, match=r"genimage/x\.png is ambiguous: .* Keep one\.$"):
        data.open_image(data.cases[0])
    shutil.rmtree(tmp_path / "test")
    data = load_fakevlm(tmp_path)
    with pytest.raises(MissingImageError, match=r"genimage/x\.png is missing"):
        data.open_image(data.cases[0])
    assert not data.has_images()


@pytest.mark.parametrize("below", ["test", "test/test"])
def test_a_training_image_is_never_shown_for_a_test_row(tmp_path: Path, below: str) -> None:
    """Both archives hold images of the same names; one that is missing is missing."""
    write_fakevlm(tmp_path, below=below)
    for name in ("genimage/x.png", "doc/y.png"):
        write_image(tmp_path / "train" / name, 222)
    data = load_fakevlm(tmp_path)
    assert data.open_image(data.cases[0]).getpixel((0, 0)) == (50, 50, 50)
    assert data.list_images is not None
    assert all("train" not in path.parts for path in data.list_images())
    (tmp_path / "data_json" / "train.json").write_text(json.dumps(make_fakevlm()))
    training = load_fakevlm(tmp_path / "data_json" / "train.json")
    assert training.open_image(training.cases[0]).getpixel((0, 0)) == (222, 222, 222)
    (tmp_path / below / "genimage" / "x.png").unlink()
    data = load_fakevlm(tmp_path)
    with pytest.raises(MissingImageError, match=r"genimage/x\.png is missing"):
        data.open_image(data.cases[0])
    shutil.rmtree(tmp_path / "test")
    data = load_fakevlm(tmp_path)
    with pytest.raises(MissingImageError, match=r"genimage/x\.png is missing"):
        data.open_image(data.cases[0])
    assert not data.has_images()


def test_training_rows_are_loaded_where_they_are_named(tmp_path: Path) -> None:
    """The file itself can be given; else the test rows go first."""
    folder = write_fakevlm(tmp_path) / "data_json"
    rows = make_fakevlm()[:1]
    (folder / "train.json").write_text(json.dumps(rows))
    write_image(tmp_path / "train" / "genimage" / "x.png")
    assert len(load_fakevlm(tmp_path).cases) == 4
    data = load_fakevlm(folder / "train.json")
    assert len(data.cases) == 2
    assert data.open_image(data.cases[0]).size == SIZE


ROW = make_fakevlm()[0]
HUMAN = {"from": "human", "value": "Why?"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "test.json must hold a list of objects, one per case, and not be empty"),
        ([ROW, 3], "test.json, row 1 must be an object, not 3"),
        ([ROW | {"label": 2}], "row 0: the field 'label' is 2; it must be 0"),
        ([ROW | {"label": True}], "the field 'label' is True"),
        ([ROW | {"label": "fake"}], "the field 'label' is 'fake'"),
        ([{k: v for k, v in ROW.items() if k != "label"}], "the field 'label' is missing"),
        ([ROW | {"cate": ""}], "the field 'cate' is ''; it must be a text"),
        ([ROW | {"image": "/etc/x.png"}], "the image name '/etc/x.png' is not allowed"),
        ([ROW | {"conversations": None}], "the field 'conversations' is None; it must be a list"),
        ([ROW | {"conversations": [HUMAN]}], "a turn from 'human' and one from 'gpt'"),
        ([ROW | {"conversations": [{"from": "human"}]}],
         "conversations 0: the field 'value' is missing"),
        ([ROW, ROW], "2 duplicate ids, such as genimage/x.png:what"),
    ],
)  # fmt: skip
def test_a_bad_row_of_fakevlm_is_a_sentence(tmp_path: Path, rows: Any, message: str) -> None:
    """It names the file, the row and the field."""
    with pytest.raises(DataError, match=message):
        load_fakevlm(write_fakevlm(tmp_path, rows))


@pytest.mark.parametrize("spelling", ["annotations", "annoations"])
def test_artifacts_of_synthscars_are_regions_with_texts(tmp_path: Path, spelling: str) -> None:
    """In either spelling of their folder; a region may have several outlines."""
    data = load_synthscars(write_synthscars(tmp_path, spelling=spelling))
    first, second = select(data, Task.INTERPRETATION)
    assert [case.image for case in select(data, Task.DETECTION)] == ["a.jpg", "b.png"]
    assert {case.label for case in data.cases} == {FAKE}
    (region,) = first.regions
    assert region.polygons == (((2, 3), (20, 3), (11, 30)),)
    assert (region.box, region.description) == ((2, 3, 20, 30), "The hand has six fingers.")
    assert [region.box for region in second.regions] == [(1, 1, 30, 40), (5, 5, 15, 25)]
    assert len(second.regions[0].polygons) == 2
    assert second.expected is not None
    assert [clue.text for clue in second.expected] == ["garbled", "a leg is missing"]


def test_an_image_that_is_annotated_twice_is_asked_once_what_it_is(tmp_path: Path) -> None:
    """And twice why, for the annotations differ."""
    value = make_synthscars()
    value[1]["18"]["img_file_name"] = "a.jpg"
    data = load_synthscars(write_synthscars(tmp_path, value))
    assert len(select(data, Task.DETECTION)) == 1
    assert len(select(data, Task.INTERPRETATION)) == 2


def change_scar(**fields: Any) -> list[dict[str, Any]]:
    """One annotation with other fields."""
    return [{"17": make_synthscars()[0]["17"] | fields}]


def change_ref(**fields: Any) -> list[dict[str, Any]]:
    """One annotation whose artifact has other fields."""
    return change_scar(refs=[make_synthscars()[0]["17"]["refs"][0] | fields])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "must hold a list of objects"),
        ([[]], "test.json, row 0 must be an object"),
        ([{}], "row 0: it has 0 keys; it must have one, its id"),
        ([{"17": {}, "18": {}}], "row 0: it has 2 keys"),
        ([{"17": []}], "'17' is .*; it must be an object with 'img_file_name'"),
        (change_scar(img_file_name=None), r"row 0 \(17\): the field 'img_file_name' is None"),
        (change_scar(refs="none"), "the field 'refs' is 'none'; it must be a list"),
        (change_ref(segmentation=[]), "refs 0: the field 'segmentation' is .*at least one outline"),
        (change_ref(segmentation=[[1, 2, 3]]), "'segmentation' has 3 numbers"),
        (change_ref(segmentation={"size": [4, 4]}), "'segmentation' is .*; it must be a list"),
        (change_ref(explanation="", sentence=""), "the field 'sentence' is ''"),
        ([make_synthscars()[0]] * 2, "duplicate ids, such as a.jpg:faultfinding-17"),
    ],
)
def test_a_bad_annotation_of_synthscars_is_a_sentence(
    tmp_path: Path, value: Any, message: str
) -> None:
    """It names the file, the row, its id and the field."""
    with pytest.raises(DataError, match=message):
        load_synthscars(write_synthscars(tmp_path, value))


@pytest.mark.parametrize("row_group_size", [1, 2])
def test_images_of_x_aigd_come_out_of_their_parquet_file(
    tmp_path: Path, row_group_size: int
) -> None:
    """Each its own, whatever group of rows it is in."""
    data = load_x_aigd(write_x_aigd(tmp_path, row_group_size=row_group_size))
    detection = select(data, Task.DETECTION)
    assert [(case.image, case.generator) for case in detection] == [
        ("flux/0001", "flux"),
        ("pixart/0002", "pixart"),
    ]
    assert [data.open_image(case).getpixel((0, 0))[0] for case in detection] == [30, 90]  # type: ignore[index]
    (case,) = select(data, Task.INTERPRETATION)
    assert case.expected is None
    assert [(region.category, region.criterion) for region in case.regions] == [
        ("low-level-texture", "texture"),
        ("cognitive-level-physics", None),
    ]
    assert case.regions[0].box == (1, 2, 9, 12)
    assert set(case.intact_criteria) == {"edge", "overall tone", "distortion", "unrealistic"}


def test_categories_of_x_aigd_mean_criteria_of_fakebench() -> None:
    """Seven of them."""
    assert len(CRITERIA) == 7
    assert {name for name in CRITERIA.values() if name} <= set(CRITERIA_OF_FAKEBENCH)


LABEL = {"label": "low-level-texture", "points": [[1.0, 2.0], [9.0, 2.0], [9.0, 12.0]]}
LABELLED = make_x_aigd()[0] | {"labels": [LABEL]}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([LABELLED | {"labels": [LABEL | {"label": "odd"}]}],
         "row 0, labels 0: the field 'label' is 'odd'; it must be one of low-level-edge_shape"),
        ([LABELLED | {"labels": [LABEL | {"points": [[1.0, 2.0]]}]}], "'points' has 1 points"),
        ([LABELLED | {"generator": ""}], "the field 'generator' is ''"),
        ([LABELLED | {"uid": " "}], "the field 'uid' is ' '"),
        ([LABELLED, LABELLED], "duplicate ids, such as flux/0001:what"),
        ([{k: v for k, v in LABELLED.items() if k != "labels"}], "the column 'labels' is missing"),
        ([LABELLED | {"labels": None}], "the field 'labels' is None; it must be a list"),
    ],
)  # fmt: skip
def test_a_bad_row_of_x_aigd_is_a_sentence(tmp_path: Path, rows: Any, message: str) -> None:
    """It names the file, the row and the field or the column."""
    with pytest.raises(DataError, match=message):
        load_x_aigd(write_x_aigd(tmp_path, rows))


def test_a_parquet_file_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    """And a file without rows; a row without bytes, or with others, costs that image alone."""
    path = write_x_aigd(tmp_path) / "data" / "labeled_test-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"parquet is no Parquet file that can be read"):
        load_x_aigd(tmp_path)
    none: dict[str, Any] = {"image": {"bytes": None, "path": "x"}}
    junk = {"image": {"bytes": b"junk", "path": "x"}, "uid": "junk"}
    data = load_x_aigd(write_x_aigd(tmp_path, [LABELLED | none, LABELLED | junk], row_group_size=2))
    with pytest.raises(ImageError, match=r"flux/0001 has no bytes in labeled_test"):
        data.open_image(data.cases[0])
    with pytest.raises(ImageError, match="flux/junk is not an image of a known format"):
        data.open_image(data.cases[-1])


def test_keys_of_mmfr_say_what_is_fake(tmp_path: Path) -> None:
    """And attributes become clues and questions; null ones are none."""
    data = load_mmfr(write_mmfr(tmp_path))
    detection, reasoning = select(data, Task.DETECTION), select(data, Task.REASONING)
    assert [(case.label, case.generator) for case in detection] == [
        (FAKE, "flux"),
        (REAL, None),
        (FAKE, "gpt4o"),
        (REAL, None),
    ]
    assert {case.question for case in reasoning} == {QUESTION}
    assert reasoning[0].expected is not None
    assert [clue.criterion for clue in reasoning[0].expected] == [
        "light & shadow",
        "texture",
        "unrealistic",
    ]
    assert [case.intact_criteria for case in reasoning[:2]] == [("edge", "clarity"), ()]
    analysis = select(data, Task.ANALYSIS)
    assert [case.criterion for case in analysis[:4]] == [
        "light & shadow",
        "texture",
        "unrealistic",
        "light & shadow",
    ]
    assert data.open_image(detection[1]).getpixel((0, 0)) == (170, 170, 170)
    one = load_mmfr(tmp_path / "evaluation_sets" / "flux" / "flux_reasoning.json")
    assert len(one.cases) * 2 == len(data.cases)
    assert one.open_image(one.cases[0]).size == SIZE


ENTRY = make_mmfr()["flux/1_fake/x.png"]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({}, "flux_reasoning.json must hold an object, keyed by the paths of images"),
        ([ENTRY], "must hold an object"),
        ({"flux/1_fake/x.png": None}, "'flux/1_fake/x.png' must be an object, not None"),
        ({"flux/fake/x.png": ENTRY}, "the key says nothing about the image; it must be"),
        ({"0_real/1_fake/x.png": ENTRY}, "the key says nothing about the image"),
        ({"flux/1_fake/../x.png": ENTRY}, "is not allowed"),
        ({"flux/1_fake/x.png": {"Low Image Quality": 3}}, "'Low Image Quality' is 3"),
    ],
)
def test_a_bad_entry_of_mmfr_is_a_sentence(tmp_path: Path, entries: Any, message: str) -> None:
    """It names the file, the key and the attribute."""
    write_mmfr(tmp_path)
    path = tmp_path / "evaluation_sets" / "flux" / "flux_reasoning.json"
    path.write_text(json.dumps(entries))
    with pytest.raises(DataError, match=message):
        load_mmfr(tmp_path)


def test_a_key_of_mmfr_that_is_there_twice_is_a_sentence(tmp_path: Path) -> None:
    """A parser would keep the last one and say nothing."""
    folder = write_mmfr(tmp_path) / "evaluation_sets" / "flux"
    entry = json.dumps(ENTRY)
    text = f'{{"flux/1_fake/x.png": {entry}, "flux/1_fake/x.png": {entry}}}'
    (folder / "flux_reasoning.json").write_text(text)
    with pytest.raises(DataError, match=r"the key 'flux/1_fake/x\.png' is there twice"):
        load_mmfr(tmp_path)
    (folder / "flux_reasoning.json").write_text(text[:-1])
    with pytest.raises(DataError, match="is not complete JSON"):
        load_mmfr(tmp_path)
