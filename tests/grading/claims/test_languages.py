"""A reply is read if it is in English."""

import pytest

from fakebench_suite.grading.claims.languages import is_english


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("12 %", True),
        ("The edges are blurred.", True),
        ("Texture bad, shadows wrong", True),
        ("The pixels die out in the corner.", True),
        ("The em dash \N{EM DASH} and the caf\N{LATIN SMALL LETTER E WITH ACUTE}.", True),
        ("Das Bild ist nicht echt.", False),
        ("DIE KANTEN SIND UNSCHARF", False),
        ("Les bords sont flous.", False),
        ("L'image est floue, et les bords sont nets, but odd.", False),
        ("\u5149\u5f71\u4e0d\u81ea\u7136", False),
        ("The sign says \u5149\u5f71.", True),
        ("\u041a\u0440\u0430\u044f \u0440\u0430\u0437\u043c\u044b\u0442\u044b: edges", False),
    ],
)
def test_english_is_told_from_other_languages(text: str, expected: bool) -> None:
    """By letters of other scripts, and by function words where there are some."""
    assert is_english(text) is expected


def test_what_is_after_many_words_does_not_count() -> None:
    """A long reply in English may end with a translation."""
    assert is_english("word " * 400 + "das ist nicht echt")
    assert not is_english("word " * 390 + "das ist nicht echt")
