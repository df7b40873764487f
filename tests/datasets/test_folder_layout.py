"""Labels by directories: every layout that is allowed, and every one that is not."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fakebench_suite.datasets.folder_layout import (
    LabelledFile,
    has_layout,
    read_layout,
    split_real,
)
from fakebench_suite.errors import DataError

Lay = Callable[..., Path]


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """``lay("real/a.png", ...)`` makes empty files below a directory: a layout opens none."""

    def make(*names: str) -> Path:
        root = tmp_path / "set"
        root.mkdir(exist_ok=True)
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        return root

    return make


def describe(file: LabelledFile) -> tuple[str, str, str | None]:
    """What a layout says of a file, without its path."""
    return file.name, str(file.label), file.generator


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ("real/a.png", "fake/a.png"),
            [("fake/a.png", "fake", None), ("real/a.png", "real", None)],
        ),
        (
            ("0_real/a.png", "1_fake/b.png"),
            [("0_real/a.png", "real", None), ("1_fake/b.png", "fake", None)],
        ),
        (
            ("REAL/a.PNG", "Fake/a.JpEg"),
            [("Fake/a.JpEg", "fake", None), ("REAL/a.PNG", "real", None)],
        ),
        (
            ("real/deep/er/a.png", "fake/sd/deep/a.png"),
            [("fake/sd/deep/a.png", "fake", "sd"), ("real/deep/er/a.png", "real", None)],
        ),
        (
            ("nature/a.png", "sd/a.png", "flux/x/a.png"),
            [
                ("flux/x/a.png", "fake", "flux"),
                ("nature/a.png", "real", None),
                ("sd/a.png", "fake", "sd"),
            ],
        ),
        (
            ("real/nature/a.png", "sd/a.png", "mj/0_real/a.png", "mj/1_fake/a.png"),
            [
                ("mj/0_real/a.png", "real", None),
                ("mj/1_fake/a.png", "fake", "mj"),
                ("real/nature/a.png", "real", None),
                ("sd/a.png", "fake", "sd"),
            ],
        ),
        (
            ("progan/airplane/0_real/a.png", "progan/airplane/1_fake/a.png"),
            [
                ("progan/airplane/0_real/a.png", "real", None),
                ("progan/airplane/1_fake/a.png", "fake", "progan"),
            ],
        ),
        (
            ("sd4/imagenet_ai/val/ai/a.png", "sd4/imagenet_ai/val/nature/a.png"),
            [
                ("sd4/imagenet_ai/val/ai/a.png", "fake", "sd4"),
                ("sd4/imagenet_ai/val/nature/a.png", "real", None),
            ],
        ),
        (
            ("val/real/a.png", "val/fake/a.png", "train/fake/glide/a.png"),
            [
                ("train/fake/glide/a.png", "fake", "glide"),
                ("val/fake/a.png", "fake", None),
                ("val/real/a.png", "real", None),
            ],
        ),
    ],
)
def test_a_layout_gives_labels_and_generators(
    lay: Lay, names: tuple[str, ...], expected: list[tuple[str, str, str | None]]
) -> None:
    """By the first directory that is named after a label, and by its neighbours."""
    root = lay(*names)
    assert [describe(file) for file in read_layout(root).files] == expected
    assert has_layout(root)


def test_the_user_says_which_directory_is_real(lay: Lay) -> None:
    """Where no name does; several may be named, in any case, and the others are generators."""
    root = lay("Camera/a.png", "phone/a.png", "sd/a.png", "fake/flux/a.png")
    place, real = split_real(Path(f"{root}:real=camera,phone/"))
    assert (place, real) == (root, ("camera", "phone"))
    assert [describe(file) for file in read_layout(root, real).files] == [
        ("Camera/a.png", "real", None),
        ("fake/flux/a.png", "fake", "flux"),
        ("phone/a.png", "real", None),
        ("sd/a.png", "fake", "sd"),
    ]


@pytest.mark.parametrize(
    ("names", "real", "message"),
    [
        ((), (), "holds no images. Allowed are real/ and fake/"),
        (("real/a.txt", "fake/b.pdf"), (), "holds no images, only 2 other files"),
        (("real/a.png", "real/b.png"), (), "holds 2 real images and no fake one"),
        (("fake/a.png", "real"), (), "1 fake image and no real one: real is a file"),
        (
            ("real/a.png", "fake/a.png", "b.png"),
            (),
            "1 image beside its directories, such as b.png",
        ),
        (("a.png", "b.png"), (), "2 images beside its directories"),
        (("real/a.png", "fake/a.png", "masks/a.png"), (), "holds images in masks/, of which noth"),
        (("fake/a.png", "sd/a.png"), (), "holds images in sd/, of which nothing says"),
        (("sd/0_real/a.png", "sd/1_fake/a.png", "mj/a.png"), (), "images in mj/, of which"),
        (("sd/a.png", "mj/a.png"), (), "in mj/, sd/, and no name says which of them are real"),
        (("real/a.png", "0_real/a.png", "fake/a.png"), (), "holds 0_real/, real/, which are all r"),
        (("Real/a.png", "real/a.png", "fake/a.png"), (), "holds Real/, real/, which are all real"),
        (("real/a.png", "x/ai/a.png", "x/fake/a.png"), (), "x holds ai/, fake/, which are all"),
        (
            ("real/a.png", "mj/nature/a.png", "mj/people/a.png", "sd/a.png"),
            (),
            "mj/nature is named as a label, and other images of mj/ lie outside it",
        ),
        (
            ("real/a.png", "mj/a.png", "mj/x/Real/deep/a.png"),
            (),
            "mj/x/Real is named as a label, and other images of mj/ lie outside it",
        ),
        (
            ("real/a.png", "mj/nature/a.png", "sd/a.png"),
            (),
            "mj/nature is named as a label, and nothing in mj/ is named as fake",
        ),
        (
            ("real/a.png", "fake/a.png", "mj/nature/a.png"),
            (),
            "mj/nature is named as a label, and nothing in mj/ is named as fake",
        ),
        (("real/fake/a.png", "fake/a.png"), (), "real/fake lies in directories of both labels"),
        (("sd/a.png", "x/a.png"), ("y",), "no directory 'y' with images, which :real=y names"),
        (("X/a.png", "x/a.png", "sd/b.png"), ("x", "Y"), "no directory 'Y'"),
        (("x/a.png", "real/a.png"), ("x",), "has real/ beside x/, and :real= does not name it"),
        (("x/a.png", "sd/0_real/a.png"), ("x",), "sd/0_real lies in directories of both labels"),
        (("x/a.png", "y/a.png"), ("x", "y"), "holds 2 real images and no fake one"),
    ],
)
def test_what_has_no_label_is_refused(
    lay: Lay, names: tuple[str, ...], real: tuple[str, ...], message: str
) -> None:
    """The error says what was found."""
    with pytest.raises(DataError) as exc_info:
        read_layout(lay(*names), real)
    assert message in str(exc_info.value)


@pytest.mark.parametrize("text", ["{root}:real=", "{root}:real=a,,b", ":real=a"])
def test_a_setting_without_names_is_refused(tmp_path: Path, text: str) -> None:
    """Neither the directory nor a name may be left out."""
    with pytest.raises(DataError, match="names no directory of real images"):
        split_real(Path(text.format(root=tmp_path)))


def test_a_path_that_exists_has_no_setting(tmp_path: Path) -> None:
    """Whatever it is called."""
    place = tmp_path / "a:real=b"
    place.mkdir()
    assert split_real(place) == (place, ())


def test_hidden_and_other_files_are_left_out(lay: Lay) -> None:
    """What macOS and editors leave behind is not counted, other files are."""
    root = lay(
        *("real/a.png", "fake/b.png", "real/.hidden.png", "fake/._b.png", ".git/c.png"),
        *("__MACOSX/real/a.png", "notes.txt", "fake/b.json", "Thumbs.db"),
    )
    layout = read_layout(root)
    assert [file.name for file in layout.files] == ["fake/b.png", "real/a.png"]
    assert (layout.others, layout.repeated) == (2, 0)


def test_links_are_followed_and_each_file_counts_once(lay: Lay, tmp_path: Path) -> None:
    """A link to a directory above ends there, and further links to an image are counted."""
    root = lay("real/a.png", "fake/b.png")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "c.png").write_bytes(b"")
    (root / "fake" / "sd").symlink_to(elsewhere)
    (root / "fake" / "up").symlink_to(root / "fake")
    (root / "real" / "again.png").symlink_to("a.png")
    (root / "real" / "gone.png").symlink_to("nowhere.png")
    layout = read_layout(root)
    assert [file.name for file in layout.files] == [
        *("fake/b.png", "fake/sd/c.png", "real/a.png", "real/gone.png"),
    ]
    assert layout.repeated == 1


@pytest.mark.parametrize("linked", ["directory", "file"])
def test_a_file_that_links_give_both_labels_is_refused(lay: Lay, linked: str) -> None:
    """It cannot be both."""
    root = lay("real/a.png", "fake/b.png")
    if linked == "directory":
        (root / "fake" / "sd").symlink_to(root / "real")
    else:
        (root / "fake" / "z.png").symlink_to(root / "real" / "a.png")
    with pytest.raises(DataError, match="are one file, by links"):
        read_layout(root)


def test_names_can_be_printed_and_pasted(lay: Lay) -> None:
    """Spaces and accents stay; colons, percent signs, brackets and control characters do not."""
    odd = ["a b.png", "é.png", "a:b.png", "50%.png", "a\nb.png", "[x].png", "a\\b.png"]
    root = lay("real/r.png", *(f"fake/{name}" for name in odd))
    (root / "fake" / os.fsdecode(b"\xff.png")).write_bytes(b"")
    names = [file.name for file in read_layout(root).files if file.generator is None]
    assert sorted(names) == sorted([
        *("fake/a b.png", "fake/é.png", "fake/a%3Ab.png", "fake/50%25.png", "fake/a%0Ab.png"),
        *("fake/%5Bx%5D.png", "fake/a%5Cb.png", "fake/%FF.png", "real/r.png"),
    ])  # fmt: skip


def test_names_that_differ_by_normalization_only_are_refused(lay: Lay) -> None:
    """One of them would hide the other."""
    root = lay("real/r.png", "fake/e\u0301.png", "fake/\u00e9.png")
    with pytest.raises(DataError, match="same name but for its Unicode"):
        read_layout(root)


def test_a_directory_that_cannot_be_read_is_named(lay: Lay) -> None:
    """Its images would be missing without a word."""
    root = lay("real/a.png", "fake/b.png", "fake/closed/c.png")
    if os.geteuid() == 0:
        root = root / "gone"  # The superuser reads everything, but not what is not there.
    else:
        (root / "fake" / "closed").chmod(0)
    with pytest.raises(DataError, match="cannot be read: "):
        read_layout(root)


@pytest.mark.parametrize(
    "names",
    [
        ("sd/a.png", "mj/a.png"),
        ("x/fake/a.png",),
        ("deep/er/than/is/real/a.png", "deep/er/than/is/fake/a.png"),
        (".hidden/real/a.png", ".hidden/fake/a.png"),
    ],
)
def test_a_directory_without_these_names_is_no_folder_of_images(
    lay: Lay, names: tuple[str, ...]
) -> None:
    """Not everything with a directory called real far below is one."""
    assert not has_layout(lay(*names))
