"""Nothing but the picture can tell the label: not the prompt, not what comes with the pixels."""

import json
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from fakebench_suite.datasets import open_dataset
from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.probes.dataset import GENERATOR, load_probes
from fakebench_suite.tasks.prompts import PromptStyle, build_prompt
from tests.datasets.conftest import Write

Rows = dict[str, list[dict[str, object]]]
MAKER = "zqmaker"


def save_signed(path: Path) -> None:
    """A picture that gives its maker away in a text chunk and in its EXIF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Software", MAKER)
    exif = Image.Exif()
    exif[0x010F] = MAKER
    Image.new("RGB", (8, 6)).save(path, pnginfo=notes, exif=exif)


def find_leaks(data: Dataset, words: set[str]) -> list[tuple[str, str]]:
    """(case, word) wherever a prompt or what surrounds the pixels says one of the words."""
    leaks = []
    for case in data.cases:
        picture = data.open_image(case)
        around = [repr(vars(picture)), repr(picture.info), repr(dict(picture.getexif()))]
        around += [repr(getattr(picture, name, "")) for name in ("filename", "text", "fp")]
        texts = [*around, *(build_prompt(case, style).text for style in PromptStyle)]
        leaks += [(case.id, word) for word in words for text in texts if word in text.lower()]
    return leaks


def test_official_cases_keep_their_names_to_themselves(rows: Rows, write: Write) -> None:
    """Image id, folder, generator and metadata of official cases reach no model."""
    for row in (*rows["FakeClue"], *rows["FakeQA"], rows["FakeClass"][0]):
        row["image_id"] = f"{MAKER}-1.png"
    root = write(rows)
    save_signed(root / "FakeBench_images" / "fake_images" / f"{MAKER}-1.png")
    data = open_dataset(root)
    assert MAKER in {case.generator for case in data.cases}
    words = {MAKER, "fake_images", "real_images", "7.png", str(root).lower()}
    assert find_leaks(data, words) == []


def test_cases_of_json_lines_keep_their_names_to_themselves(tmp_path: Path) -> None:
    """Neither id nor generator, category, criterion, reference or path is sent."""
    line = {
        "id": "zqid",
        "task": "reasoning",
        "image": "zqfolder/zqimage.png",
        "question": "Describe it and conclude: fake or real?",
        "label": "fake",
        "generator": MAKER,
        "content_categories": "zqcategory",
        "expected": [{"text": "zqclue", "criterion": "symmetry"}],
    }
    save_signed(tmp_path / "zqfolder" / "zqimage.png")
    (tmp_path / "zq.jsonl").write_text(json.dumps(line), encoding="utf-8")
    assert find_leaks(open_dataset(tmp_path / "zq.jsonl"), {"zq", "symmetry"}) == []


def test_a_folder_of_images_keeps_its_names_to_itself(tmp_path: Path) -> None:
    """Neither directory nor file name is sent, though they are the label."""
    for name in (f"zq{MAKER}/a.png", "real/b.png"):
        save_signed(tmp_path / "zqroot" / name)
    data = open_dataset(tmp_path / "zqroot")
    assert {case.generator for case in data.cases} == {f"zq{MAKER}", None}
    assert find_leaks(data, {"zq", "a.png", "b.png"}) == []


def test_probes_keep_their_names_to_themselves() -> None:
    """A forged probe is told from its twin by its pixels alone."""
    words = {"forged", GENERATOR, "chelsea", "camera", "flower", "rocket"}
    assert find_leaks(load_probes(4), words) == []


def test_an_opened_picture_is_fresh() -> None:
    """Drawing on one picture does not show in the next."""
    data = load_probes(1)
    case = data.cases[0]
    before = data.open_image(case).tobytes()
    data.open_image(case).paste((1, 2, 3), (0, 0, 9, 9))
    assert data.open_image(case).tobytes() == before


@pytest.mark.parametrize("name", ["modern", "cifake"])
def test_real_samples_keep_their_names_to_themselves(samples: Path, name: str) -> None:
    """The generators of the sample sets occur in no prompt and in no picture's attributes."""
    data = open_dataset(samples / name)
    words = {case.generator.lower() for case in data.cases if case.generator}
    assert words
    deduplicated = Dataset(
        name=data.name,
        kind=data.kind,
        digest=data.digest,
        cases=tuple({case.image: case for case in data.cases}.values()),
        open_image=data.open_image,
        has_images=data.has_images,
    )
    assert find_leaks(deduplicated, words | {"fake_images", "real_images"}) == []
