"""FakeVLM's FakeClue (NeurIPS 2025, arXiv 2503.14905), which is another set than FakeBench's.

Layout of ``lingcco/FakeClue`` on the Hugging Face hub, as the authors' scripts read it
(``scripts/eval.py``, ``eval_vllm.py``, ``datasets.py``)::

    data_json/test.json     [{"image": "<below test/>", "label": 0, "cate": "...", "conversations":
                              [{"from": "human", "value": ...}, {"from": "gpt", "value": ...}]}]
    test/...                what test.zip unpacks to, which may be test/test/...

Images of the training split have the same names as those of the test split, so the images of
``test.json`` are looked for below ``test`` alone, and those of ``train.json`` below ``train``.

**Label 1 is real, 0 is fake**, and only the rows know it: mirrors that go by folders have no real
image in the test split. Every image is asked FakeBench's question, and the row's own.
"""

from collections.abc import Iterator
from pathlib import Path

from fakebench_suite.datasets.dataset import (
    Dataset,
    check_labels,
    check_unique,
    digest_contents,
    require_path,
)
from fakebench_suite.datasets.images import ImageFolder, open_image
from fakebench_suite.datasets.json_rows import (
    Row,
    find_file,
    list_rows,
    read_json,
    remove_image_tags,
)
from fakebench_suite.tasks.prompts import DETECTION
from fakebench_suite.types import Authenticity, Case, Clue, QuestionType, Task

KIND = "fakevlm-fakeclue"
LICENCE = "Apache-2.0 (data set card of lingcco/FakeClue); its images come from several sets"
_FILES = ("data_json/test.json", "test.json", "data_json/train.json", "train.json")
_SPLITS = ("test", "train")
"""The files' names, and those of the directories of their images."""
_LABELS = {0: Authenticity.FAKE, 1: Authenticity.REAL}


def load(path: Path | None) -> Dataset:
    """The data set in a directory or of a file, for the registry."""
    return load_fakevlm(require_path(path, kind=KIND))


def load_fakevlm(root: Path) -> Dataset:
    """Load the test rows below ``root``, or the rows of the file ``root``, with their images.

    Without a test file the training rows are loaded. Raises DataError with file, row and field.
    """
    path = find_file(root, _FILES, kind=KIND)
    content, value = read_json(path)
    cases = tuple(case for row in list_rows(value, name=path.name) for case in _read_row(row))
    check_unique(cases, location=path.name)
    check_labels(cases, location=path.name)
    folder = path.parent.parent if path.parent.name == "data_json" else path.parent
    images = ImageFolder(_find_images(folder, path.stem))
    return Dataset(
        name="FakeVLM FakeClue",
        kind=KIND,
        digest=digest_contents([content]),
        cases=cases,
        open_image=lambda case: open_image(images.find(case.image)),
        has_images=lambda: bool(images),
        find_image=lambda case: images.find(case.image),
        list_images=images.list_paths,
        licence=LICENCE,
    )


def _find_images(folder: Path, split: str) -> Path:
    """The directory of a split's images; the whole folder where no split has one of its own."""
    own = folder / split
    apart = split in _SPLITS and any((folder / other).is_dir() for other in _SPLITS)
    return own if apart or own.is_dir() else folder


def _read_row(row: Row) -> Iterator[Case]:
    """Yield the detection and the reasoning case of a row."""
    image, label = row.image("image"), row.fields.get("label")
    if type(label) is not int or label not in _LABELS:
        raise row.fault("label", "0 (fake) or 1 (real)")
    texts = _read_conversation(row)
    category = row.text("cate").strip()
    for task, question_type, question in (
        (Task.DETECTION, QuestionType.WHAT, DETECTION[QuestionType.WHAT]),
        (Task.REASONING, QuestionType.INFERENCE, remove_image_tags(texts["human"])),
    ):
        yield Case(
            id=f"{image}:{question_type}",
            task=task,
            image=image,
            question=question,
            question_type=question_type,
            label=_LABELS[label],
            content_categories=category,
            expected=(Clue(text=texts["gpt"].strip()),) if task == Task.REASONING else None,
        )


def _read_conversation(row: Row) -> dict[str, str]:
    """The first question and the first reference text of a row, by who says it."""
    texts: dict[str, str] = {}
    for turn in row.rows("conversations"):
        texts.setdefault(turn.text("from"), turn.text("value"))
    if not {"human", "gpt"} <= texts.keys():
        raise row.fault("conversations", "a list with a turn from 'human' and one from 'gpt'")
    return texts
