"""Names of generators that split one in two, or contradict the label."""

from pathlib import Path

from fakebench_suite.datasets import open_dataset
from fakebench_suite.datasets.validation.generators import find_odd_generators
from tests.datasets.validation.example_sets import write_lines

LINE: dict[str, str | None] = {
    "id": "a",
    "task": "detection",
    "question": "Real or fake?",
    "label": "fake",
}


def test_two_spellings_of_a_generator_are_named(tmp_path: Path) -> None:
    """Case, spaces and the form of Unicode make subgroups that people take for one."""
    names = ("SDXL", "sdxl", "fl\u00fcx", "flu\u0308x", "glide", "glide", None)
    lines = [
        LINE | {"image": f"{number}.png", "generator": name} for number, name in enumerate(names)
    ]
    (issue,) = find_odd_generators(open_dataset(write_lines(tmp_path / "a.jsonl", *lines)))
    assert [(item.images, item.detail) for item in issue.items] == [
        (("0.png",), "'SDXL', 'sdxl'"),
        (("2.png",), r"'fl\xfcx', 'flu\u0308x'"),
    ]


def test_a_real_image_has_no_generator(tmp_path: Path) -> None:
    """Where many have one, labels may have been written the wrong way round."""
    lines = [
        LINE | {"image": "0.png", "label": "real", "generator": "sd"},
        LINE | {"image": "1.png", "label": "real"},
        LINE | {"image": "2.png", "generator": "sd"},
    ]
    (issue,) = find_odd_generators(open_dataset(write_lines(tmp_path / "a.jsonl", *lines)))
    assert [(item.images, item.detail) for item in issue.items] == [(("0.png",), "sd")]
