"""Tables, JSON and lists within a line become lines of "name: value"."""

import pytest

from fakebench_suite.grading.claims.line_layout import lay_out


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("| A | B |\n|---|---|\n| Texture | odd, repeats |", ["Texture: odd, repeats"]),
        ("| Texture | bad | it repeats |", ["Texture: bad; it repeats"]),
        ("Texture | Edge", ["Texture | Edge"]),
        ('{"texture": "odd", "edge": "fine"}', ["texture: odd", "edge: fine"]),
        ('```json\n{"a": {"texture": "odd"}, "n": 3, "real": true}\n```', ["a texture: odd"]),
        ('[{"criterion": "edge", "finding": "fine"}, {"criterion": "shape", "finding": "odd"}]',
         ["edge: fine", "shape: odd"]),
        ('{"reasons": ["odd shadows", "warped edges"]}',
         ["reasons: odd shadows", "reasons: warped edges"]),
        ('{"texture": "odd", "edge": "fi', ["texture: odd"]),
        ('Here: {"texture": "odd"} and so on', ["Here:", "texture: odd", "and so on"]),
        ("a set {1, 2} of it", ["a set {1, 2} of it"]),
        ("(a) Texture: odd (b) Edge: fine", ["(a) Texture: odd", "(b) Edge: fine"]),
        ("The edge (see b) is odd", ["The edge (see b) is odd"]),
        ("", []),
    ],
)  # fmt: skip
def test_each_item_is_a_line(text: str, lines: list[str]) -> None:
    """Headers of tables and rules go; other text stays as it is."""
    assert [line for line in lay_out(text).splitlines() if line.strip()] == lines


@pytest.mark.parametrize("text", ['{"a":' * 5000, '{"a": "b"' * 5000, "| a " * 5000, '["{"' * 999])
def test_broken_markup_is_no_error(text: str) -> None:
    """What cannot be parsed stays."""
    lay_out(text)
