"""Label leaks: planted ones are found, luck and unique values are not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from fakebench_suite.datasets.probes.dataset import load_probes
from fakebench_suite.datasets.validation import validate_dataset
from fakebench_suite.datasets.validation.features import Feature, Row
from fakebench_suite.datasets.validation.issues import Reach, ValidationResult
from fakebench_suite.datasets.validation.leakage import compute_leakage
from fakebench_suite.types import Authenticity
from tests.datasets.conftest import find_shared
from tests.datasets.validation.example_sets import (
    COUNT,
    find_leak,
    inspect,
    is_fake,
    make_picture,
    make_row,
    write_rows,
    write_sound,
)

FAKE, REAL = Authenticity.FAKE, Authenticity.REAL


def list_telling(result: ValidationResult) -> set[str]:
    """The features that tell the label."""
    return {leak.feature for leak in result.leaks if leak.tells}


@given(st.data())
def test_a_value_of_one_image_is_no_leak(data: st.DataObject) -> None:
    """What is unique to each image predicts nothing about the next, however well it fits."""
    labels = data.draw(st.permutations([FAKE, REAL] * data.draw(st.integers(5, 12))))
    names = data.draw(
        st.lists(st.text(max_size=9), min_size=len(labels), max_size=len(labels), unique=True)
    )
    rows: tuple[Row, ...] = tuple({"pattern": name} for name in names)
    leak = compute_leakage(Feature(name="x", reach=Reach.NEVER, rows=rows, labels=tuple(labels)))
    assert leak.balanced_accuracy == 0.5
    assert not leak.tells


def test_a_sound_set_is_at_chance(tmp_path: Path) -> None:
    """Every feature of a set without leaks is at 0.5 exactly, but for the noise of file sizes."""
    write_sound(tmp_path)
    result = inspect(tmp_path)
    assert list_telling(result) == set()
    for leak in result.leaks:
        assert leak.n == COUNT
        assert leak.balanced_accuracy == pytest.approx(
            0.5, abs=0.25 if leak.feature == "bytes per pixel" else 0
        )


def test_formats_that_tell_are_found(tmp_path: Path) -> None:
    """All fakes PNG and all reals JPEG, under one suffix: the format leaves traces."""
    write_sound(tmp_path)
    for number in filter(lambda n: not is_fake(n), range(COUNT)):
        make_picture(number).save(tmp_path / "images" / f"{number}.png", "JPEG", quality=90)
    leak = find_leak(result := inspect(tmp_path), "file format")
    assert leak.tells
    assert leak.balanced_accuracy == 1.0
    assert leak.reach is Reach.TRACES
    assert {(share.value, share.fake, share.real) for share in leak.shares} == {
        ("PNG", 12, 0),
        ("JPEG", 0, 12),
    }
    assert find_leak(result, "file suffix").balanced_accuracy == 0.5
    coding = find_leak(result, "JPEG coding")
    assert (coding.n, coding.balanced_accuracy, coding.tells) == (12, None, False)


def test_sizes_that_tell_are_found(tmp_path: Path) -> None:
    """Fakes of one size, photographs of all: a model is shown the size."""
    write_sound(tmp_path)
    for number in filter(lambda n: not is_fake(n), range(COUNT)):
        make_picture(number, (20 + number, 12)).save(tmp_path / "images" / f"{number}.png")
    leak = find_leak(result := inspect(tmp_path), "image size")
    assert leak.balanced_accuracy == 1.0
    assert leak.reach is Reach.ALWAYS
    assert {"image size", "aspect ratio"} <= list_telling(result)


def test_quantisation_tables_that_tell_are_found(tmp_path: Path) -> None:
    """Two qualities of JPEG are told apart by name."""
    write_sound(tmp_path)
    for number in range(COUNT):
        quality = 95 if is_fake(number) else 75
        make_picture(number).save(tmp_path / "images" / f"{number}.png", "JPEG", quality=quality)
    leak = find_leak(inspect(tmp_path), "JPEG coding")
    assert leak.balanced_accuracy == 1.0
    assert {share.value for share in leak.shares} == {"quality 95, 4:2:0", "quality 75, 4:2:0"}


@pytest.mark.parametrize("kind", ["PNG", "EXIF"])
def test_metadata_that_tell_are_found(tmp_path: Path, kind: str) -> None:
    """A key that only fakes have tells, wherever it stands; it reaches no model."""
    write_sound(tmp_path)
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", "Steps: 20, Sampler: Euler a")
    exif = Image.Exif()
    exif[0x0131] = "a generator"
    for number in filter(is_fake, range(COUNT)):
        path = tmp_path / "images" / f"{number}.png"
        if kind == "PNG":
            make_picture(number).save(path, pnginfo=text)
        else:
            make_picture(number).save(path, exif=exif)
    leak = find_leak(inspect(tmp_path), "metadata keys")
    assert leak.balanced_accuracy == 1.0
    assert leak.reach is Reach.NEVER
    key = {"PNG": "PNG parameters", "EXIF": "EXIF Software"}[kind]
    assert (key, 12, 0) in {(share.value, share.fake, share.real) for share in leak.shares}


@pytest.mark.parametrize(
    ("template", "feature"),
    [
        ("{kind}-{number}.png", "file name"),
        ("{kind}_{letter}.png", "file name"),
        ("{kind}/{number}.png", "directory"),
        ("a{number}.{suffix}", "file suffix"),
    ],
)
def test_names_that_tell_are_found(tmp_path: Path, template: str, feature: str) -> None:
    """A prefix, a word in names that are all different, a folder, the case of a suffix."""
    rows = []
    for number in range(COUNT):
        name = template.format(
            kind="drawn" if is_fake(number) else "taken",
            number=number,
            letter="abcdefghijklmnopqrstuvwxyz"[number] * 4,
            suffix="png" if is_fake(number) else "PNG",
        )
        rows.append(make_row(name, fake=is_fake(number)))
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        make_picture(number).save(path, "PNG")
    write_rows(tmp_path, rows)
    result = inspect(tmp_path)
    assert list_telling(result) == {feature}
    assert find_leak(result, feature).balanced_accuracy == 1.0
    assert find_leak(result, feature).reach is Reach.NEVER


def test_a_missing_image_has_no_folder(tmp_path: Path) -> None:
    """Where a file would lie is not known, so it is no folder of its own; its name still counts."""
    write_sound(tmp_path)
    (tmp_path / "images" / "3.png").unlink()
    result = inspect(tmp_path)
    directory = find_leak(result, "directory")
    assert (directory.n, directory.values) == (COUNT - 1, 1)
    assert find_leak(result, "file name").n == COUNT


def test_too_few_images_are_not_judged(tmp_path: Path) -> None:
    """With fewer images of a label than folds nothing is said."""
    write_sound(tmp_path, 8)
    assert {leak.balanced_accuracy for leak in inspect(tmp_path).leaks} == {None}


def test_probes_leak_through_their_names_alone() -> None:
    """Twins share everything but pixels and name, and names reach no model."""
    result = validate_dataset(load_probes(20))
    assert result.is_sound
    assert result.findings == ()
    assert list_telling(result) == {"file name"}


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["modern", "cifake"])
def test_sample_sets_keep_their_promise(name: str) -> None:
    """Format, size and metadata are the same in both classes, as the sets' makers say."""
    result = inspect(find_shared("FAKEBENCH_SAMPLES") / name)
    assert result.is_sound
    assert list_telling(result) == {"file name", "directory"}
    assert find_leak(result, "image size").balanced_accuracy == 0.5
