"""LOKI's images (ICLR 2025, arXiv 2410.09732): true or false, open-ended, and a choice of two.

Layout of the repository and of ``bczhou/LOKI`` on the Hugging Face hub, read in November 2026::

    data_json/image/true_or_false.json       UTF-8
    data_json/image/multi_choice.json        UTF-8; two images per prompt
    data_json/image/open_ended_vqa.json      UTF-16 with a byte-order mark; boxes and texts
    media_data/image/...

Any of the three files is enough. Truth and category are in ``question_type``, and ``answer`` has to
agree with it; "sence" is LOKI's spelling.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from fakebench_suite.datasets.dataset import (
    Dataset,
    check_image_name,
    check_labels,
    check_unique,
    digest_contents,
    require_path,
)
from fakebench_suite.datasets.images import ImageFolder, open_image
from fakebench_suite.datasets.json_rows import (
    Row,
    is_file,
    list_rows,
    read_json,
    remove_image_tags,
)
from fakebench_suite.datasets.pointing import add_pointing
from fakebench_suite.datasets.regions import check_opened, parse_box
from fakebench_suite.errors import DataError
from fakebench_suite.types import Authenticity, Case, Clue, QuestionType, Region, Task

KIND = "loki"
LICENCE = "MIT (LICENSE of the repository opendatalab/LOKI, commit 742cbdf)"
_FOLDERS = ("data_json/image", "")
"""Where the files may be below the directory that is named."""
_TRUE_OR_FALSE = re.compile(
    r"image_tf_image_(?P<truth>fake|real)_ask_(?P<asked>fake|real)_(?P<category>\w+)"
)
_CHOICE = re.compile(r"image_mc_(?P<sought>real_from_fake|fake_from_real)_(?P<category>\w+)")
_SCENE = "sence"
_YES_OR_NO = "Answer with yes or no."
"""What LOKI's harness adds to a question (``lm_evaluate/tasks/loki.py``)."""
_LETTER = "Answer with the letter of the option."
"""What the suite adds to a choice; the wording of LOKI's harness was not seen."""
_LETTERS = "AB"
_ASKED = {Authenticity.FAKE: QuestionType.ISFAKE, Authenticity.REAL: QuestionType.ISREAL}
_OTHER = {Authenticity.FAKE: Authenticity.REAL, Authenticity.REAL: Authenticity.FAKE}
_SOUGHT = {"real_from_fake": QuestionType.WHICHREAL, "fake_from_real": QuestionType.WHICHFAKE}


def load(path: Path | None) -> Dataset:
    """The data set in a directory, for the registry; raises DataError where none is given."""
    return load_loki(require_path(path, kind=KIND))


def load_loki(root: Path) -> Dataset:
    """Load the cases of LOKI's files below ``root``, or of the file ``root``, with their images.

    Raises DataError with file, row and field if a file or a row is invalid.
    """
    cases: list[Case] = []
    contents = []
    paths = _find_files(root)
    for path in paths:
        name = path.name
        encoding, read_row = _READERS[name]
        content, value = read_json(path, encoding=encoding)
        contents.append(content)
        read = [case for row in list_rows(value, name=name) for case in read_row(row)]
        check_unique(read, location=name)
        check_labels(read, location=name)
        cases += read
    check_unique(cases, location=KIND)
    images = ImageFolder(_find_root(paths[0]))
    return Dataset(
        name="LOKI",
        kind=KIND,
        digest=digest_contents(contents),
        cases=add_pointing(cases),
        open_image=check_opened(lambda case: open_image(images.find(case.image)), cases),
        has_images=lambda: bool(images),
        find_image=lambda case: images.find(case.image),
        list_images=images.list_paths,
        licence=LICENCE,
    )


def _find_files(root: Path) -> list[Path]:
    """Those of the files that are there; raises DataError where none is."""
    if is_file(root) and root.name in _READERS:
        return [root]
    if is_file(root):
        raise DataError(
            f"{root} is no file of {KIND}, which are called {', '.join(_READERS)}. Point "
            f"--data={KIND}:PATH at one of them, or at the directory that holds them."
        )
    for name in _FOLDERS:
        paths = [root / name / file for file in _READERS if is_file(root / name / file)]
        if paths:
            return paths
    raise DataError(
        f"There are no files of {KIND} in {root}: looked for {', '.join(_READERS)} in "
        f"{root / _FOLDERS[0]} and in {root}. Point --data={KIND}:DIR at the directory that holds "
        "data_json/ and media_data/."
    )


def _find_root(path: Path) -> Path:
    """The directory that the names of images begin at."""
    folder = path.parent
    return folder.parent.parent if folder.parts[-2:] == ("data_json", "image") else folder


def _read_true_or_false(row: Row) -> Iterator[Case]:
    """Yield the detection case of a row."""
    parts = _match_type(row, _TRUE_OR_FALSE, "image_tf_image_{fake|real}_ask_{fake|real}_CATEGORY")
    truth, asked = Authenticity(parts["truth"]), Authenticity(parts["asked"])
    answer = row.text("answer").strip().rstrip(".").lower()
    if answer not in ("yes", "no"):
        raise row.fault("answer", "Yes or No")
    if (answer == "yes") != (truth is asked):
        raise DataError(
            f"{row.location}: the field 'answer' is {answer!r}, and question_type says that the "
            f"image is {truth} and that it is asked whether it is {asked}. Correct one of them."
        )
    image = row.image("image_path")
    yield Case(
        id=f"{image}:{row.text('id')}",
        task=Task.DETECTION,
        image=image,
        question=f"{remove_image_tags(row.text('question'))}\n{_YES_OR_NO}",
        question_type=_ASKED[asked],
        label=truth,
        content_categories=_name_category(parts["category"]),
    )


def _read_choice(row: Row) -> Iterator[Case]:
    """Yield the comparison of a row."""
    parts = _match_type(row, _CHOICE, "image_mc_{real_from_fake|fake_from_real}_CATEGORY")
    names = row.items("image_path")
    if len(names) != len(_LETTERS) or not all(isinstance(name, str) for name in names):
        raise row.fault("image_path", "a list of two image names")
    first, second = (check_image_name(name, location=row.location) for name in names)
    if first == second:
        raise row.fault("image_path", "a list of two different image names")
    choices = row.items("choices")
    if len(choices) != len(_LETTERS) or not all(isinstance(c, str) and c.strip() for c in choices):
        raise row.fault("choices", "a list of two texts")
    answer = row.text("answer").strip().rstrip(".").upper()
    if answer not in tuple(_LETTERS):
        raise row.fault("answer", f"one of {', '.join(_LETTERS)}, the letters of its choices")
    options = (f"{letter}. {text}" for letter, text in zip(_LETTERS, choices, strict=True))
    question = remove_image_tags(row.text("question"))
    yield Case(
        id=f"{first}:{row.text('id')}",
        task=Task.COMPARISON,
        image=first,
        second_image=second,
        question="\n".join([question, *options, _LETTER]),
        question_type=_SOUGHT[parts["sought"]],
        choices=tuple(choices),
        expected_choice=answer,
        content_categories=_name_category(parts["category"]),
    )


def _read_open_ended(row: Row) -> Iterator[Case]:
    """Yield the interpretation of a row: all its images are fake, and the question says so."""
    image = row.image("image_path")
    problems = row.fields.get("problems")
    if not isinstance(problems, dict):
        raise row.fault("problems", "an object with 'regional' and 'global'")
    parts = Row(fields=problems, location=f"{row.location}, problems")
    regions = tuple(map(_read_region, parts.rows("regional")))
    texts = [region.description for region in regions]
    texts += [item.optional_text("desc") for item in parts.rows("global")]
    yield Case(
        id=f"{image}:{row.text('id')}",
        task=Task.INTERPRETATION,
        image=image,
        question=remove_image_tags(row.text("question")),
        question_type=QuestionType.FAULTFINDING,
        label=Authenticity.FAKE,
        expected=tuple(Clue(text=text) for text in texts if text) or None,
        regions=regions,
    )


def _read_region(row: Row) -> Region:
    """A box and what is wrong in it."""
    box = parse_box(row.fields.get("region"), location=f"{row.location}: the field 'region'").box
    return Region(box=box, description=row.optional_text("desc"))


def _match_type(row: Row, pattern: re.Pattern[str], allowed: str) -> re.Match[str]:
    match = pattern.fullmatch(row.text("question_type"))
    if match is None:
        raise row.fault("question_type", allowed)
    return match


def _name_category(category: str) -> str:
    return "scene" if category == _SCENE else category


_Read = Callable[[Row], Iterator[Case]]
_READERS: dict[str, tuple[str, _Read]] = {
    "true_or_false.json": ("utf-8", _read_true_or_false),
    "multi_choice.json": ("utf-8", _read_choice),
    "open_ended_vqa.json": ("utf-16", _read_open_ended),
}
"""The encoding and the reader of each file."""
