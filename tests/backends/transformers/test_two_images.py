"""Prompts about two images: both are encoded, in order, and nothing is shared with others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fakebench_suite.types import Prompt, QuestionType
from tests.backends.asking import ask
from tests.backends.transformers.architectures.questions import (
    PICTURES,
    QUESTIONS,
    load,
    make_prompt,
    read_answers,
    shrink_card,
)

FAMILIES = ("qwen3-vl", "smolvlm", "llava-onevision")
"""Whose pixels are one list for all images, lists by prompt, and tiles."""


def make_pair(first: str, second: str, text: str = "Which is fake?") -> Prompt:
    """A prompt about two pictures."""
    which = QuestionType.WHICHFAKE
    return Prompt(
        case=f"{first}-{second}:{text}", image=first, question_type=which, text=text,
        second_image=second,
    )  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
def test_two_images_are_shown_in_their_order(
    name: str, find_checkpoint: Callable[[str], Path]
) -> None:
    """Beside prompts about one image, pairs are answered as they are alone."""
    adapter = load(shrink_card(name, find_checkpoint(name)))
    pairs = [
        make_pair("wide", "tall"),
        make_pair("tall", "wide"),
        make_pair("wide", "tall", "Why?"),
    ]
    singles = [make_prompt(image, text) for image in PICTURES for text in QUESTIONS[:2]]
    mixed = [pairs[0], *singles, *pairs[1:]]
    together = read_answers(ask(adapter, mixed, PICTURES))
    alone = [read_answers(ask(adapter, [prompt], PICTURES))[0] for prompt in mixed]
    assert [answer.text for answer in together] == [answer.text for answer in alone]
    assert [answer.rendered for answer in together] == [answer.rendered for answer in alone]
    swapped = together[mixed.index(pairs[1])]
    assert swapped.text != together[0].text
    shown_one = read_answers(ask(adapter, [replace(pairs[0], second_image=None)], PICTURES))[0]
    assert shown_one.rendered != together[0].rendered
