"""Thumbnails: made by threads, and never at the cost of the run."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from fakebench_suite.errors import ImageError
from fakebench_suite.provenance import digest_pixels
from fakebench_suite.report.thumbnails import Thumbnails

NAMES = [f"{number}.png" for number in range(40)]


class Source:
    """Pictures whose width is their number plus one; every tenth is broken."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.threads: set[int] = set()
        self.opened: list[str] = []

    def open(self, image: str) -> Image.Image:
        """A picture, after some time."""
        self.threads.add(threading.get_ident())
        self.opened.append(image)
        time.sleep(self._seconds)
        number = int(image.removesuffix(".png"))
        if number % 10 == 9:
            raise ImageError(f"{image} is broken.")
        return Image.new("RGB", (number + 1, 2))

    def find(self, image: str) -> Path | None:
        """No file."""


def test_pictures_are_made_by_threads(tmp_path: Path) -> None:
    """Each gets its own thumbnail; one that cannot be opened gets none."""
    source = Source(0.0)
    with Thumbnails(tmp_path, NAMES, source) as pictures:
        thumbnails = pictures.finish()
    assert {name: picture.width for name, picture in thumbnails.items()} == {
        name: number + 1 for number, name in enumerate(NAMES) if number % 10 != 9
    }
    for picture in thumbnails.values():
        assert (tmp_path / "report" / "images" / picture.file).is_file()
    assert source.threads
    assert threading.get_ident() not in source.threads


class FileSource(Source):
    """Pictures that are files in a directory, of which some are links to elsewhere."""

    def __init__(self, folder: Path) -> None:
        super().__init__(0.0)
        self._folder = folder

    def find(self, image: str) -> Path | None:
        """The file of the picture."""
        return self._folder / image


def test_the_full_picture_is_linked_where_it_lies(tmp_path: Path) -> None:
    """Links of directories and of files are followed, and names are quoted."""
    real, data = tmp_path / "real place", tmp_path / "data"
    real.mkdir()
    (tmp_path / "store").mkdir()
    data.symlink_to(real)
    for name in ("0.png", "1.png"):
        Image.new("RGB", (2, 2)).save(tmp_path / "store" / name)
    (real / "0.png").symlink_to(tmp_path / "store" / "0.png")
    (tmp_path / "store" / "1.png").rename(real / "1.png")
    run = tmp_path / "runs" / "run"
    with Thumbnails(run, NAMES[:2], FileSource(data)) as pictures:
        full = {name: picture.full for name, picture in pictures.finish().items()}
    assert full == {"0.png": "../../store/0.png", "1.png": "../../real%20place/1.png"}


def test_pictures_that_nobody_asks_for_cost_nothing(tmp_path: Path) -> None:
    """Known ones are not opened again."""
    with Thumbnails(tmp_path, NAMES[:3], Source(0.0)) as pictures:
        first = pictures.finish()
    unread_source = Source(0.0)
    with Thumbnails(tmp_path, NAMES[:3], unread_source) as pictures:
        assert pictures.finish() == first
    assert not unread_source.threads


def test_other_pixels_than_the_model_saw_are_left_out(tmp_path: Path) -> None:
    """No picture is better than a wrong one."""
    source = Source(0.0)
    digests = {name: digest_pixels(source.open(name)) for name in NAMES[:3]}
    digests[NAMES[1]] = digests[NAMES[0]]
    with Thumbnails(tmp_path, NAMES[:4], source, shown=digests) as pictures:
        assert set(pictures.finish()) == {NAMES[0], NAMES[2], NAMES[3]}


def test_a_folder_that_cannot_be_written_is_told_when_asked_for(tmp_path: Path) -> None:
    """Other work in the context is done; the one who wants the pictures hears of it."""
    (tmp_path / "report").write_text("in the way")
    entered = False
    with Thumbnails(tmp_path, NAMES, Source(0.0)) as pictures:
        entered = True
        with pytest.raises(OSError, match="report"):
            pictures.finish()
    assert entered


class OddlyNamed(Source):
    """Pictures whose files have names that are no texts."""

    def __init__(self, folder: Path) -> None:
        super().__init__(0.0)
        self._folder = folder

    def find(self, image: str) -> Path | None:
        """A file."""
        path = self._folder / os.fsdecode(b"\xff" + image.encode())
        path.touch()
        return path


def test_a_file_whose_name_is_no_text_is_linked_by_its_bytes(tmp_path: Path) -> None:
    """As browsers do with the addresses of such files."""
    with Thumbnails(tmp_path, NAMES[:1], OddlyNamed(tmp_path)) as pictures:
        (picture,) = pictures.finish().values()
    assert picture.full == f"%FF{NAMES[0]}"


def test_who_leaves_early_waits_for_no_picture(tmp_path: Path) -> None:
    """But for those that threads have begun."""
    source = Source(0.05)
    with pytest.raises(KeyboardInterrupt), Thumbnails(tmp_path, NAMES * 10, source):
        raise KeyboardInterrupt
    assert len(source.opened) < len(NAMES)


@pytest.mark.process
def test_threads_are_begun_before_scores_are_imported() -> None:
    """They work while scipy is."""
    code = "import sys, fakebench_suite.report.thumbnails; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
