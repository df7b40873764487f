"""Figures of speed live in ``benchmarks/README.md`` only, where what they were measured on is."""

import re
from pathlib import Path

import pytest

from tests.docs.markdown import GUIDES, ROOT, parse

_FIGURE = re.compile(
    r"\d ?ms\b|\bmilliseconds?\b|\d (?:\w+ )?(?:a|per) second\b|\d cases/s\b"
    r"|\d times (?:as|faster|slower)\b|\bratio of \d|\d\s*x (?:faster|slower)\b"
    r"|\b(?:in|takes?|took|within) (?:about )?\d[\d.,]* (?:s|seconds|minutes)\b",
    re.IGNORECASE,
)


def find_figures(text: str) -> list[str]:
    """The figures of speed in a text."""
    return _FIGURE.findall(text)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: str(page.relative_to(ROOT)))
def test_prose_holds_no_figure_of_speed(page: Path) -> None:
    """Settings, such as a time limit, are none."""
    prose = "\n".join(token.content for token in parse(page) if token.type == "inline")
    assert find_figures(prose) == []


@pytest.mark.parametrize(
    "text",
    [
        "42 ms each",
        "14 cases a second",
        "takes 4 s",
        "opens in 1 s",
        "9 times as fast",
        "2 cases/s",
    ],
)
def test_a_figure_is_found(text: str) -> None:
    """In each of the usual ways to say it."""
    assert find_figures(text)
