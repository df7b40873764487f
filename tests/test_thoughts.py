"""The marks of thoughts and answers: which tokens are one, and which thought is left open."""

import pytest

from fakebench_suite.thoughts import ANSWERS, THOUGHTS, find_open_thought, is_mark


@pytest.mark.parametrize(("opening", "closing"), THOUGHTS)
def test_a_thought_is_open_until_its_own_mark_closes_it(opening: str, closing: str) -> None:
    """The mark is found in any case; closed, or followed by another's closing mark, it says so."""
    for mark in (opening, opening.upper(), opening.lower()):
        assert find_open_thought(f"assistant\n{mark}\n") == mark
        assert find_open_thought(f"{mark} A:") == mark
        assert find_open_thought(f"{mark}\n\n{closing}\n\n") is None
        assert find_open_thought(f"{mark} a {closing} b {mark}") == mark
        assert find_open_thought(f"{mark} </elsewhere>") == mark


def test_a_text_without_marks_opens_nothing() -> None:
    """Neither words about thinking nor marks of answers open a thought."""
    assert find_open_thought("") is None
    assert find_open_thought("Think step by step. <answer>") is None


def test_tokens_that_mark_something_are_told_from_those_that_do_not() -> None:
    """Every listed mark of one token is one, also unlisted ones that say so; turns are none."""
    single = [mark for pair in (*THOUGHTS, *ANSWERS) for mark in pair if mark.count("<") == 1]
    assert all(is_mark(mark) for mark in single)
    assert is_mark("<|channel|>")
    assert is_mark("<|message|>")
    assert is_mark("<|new_think_start|>")
    for token in ("<s>", "</s>", "<pad>", "<|im_end|>", "<|im_start|>", "<|endoftext|>", "<image>"):
        assert not is_mark(token)
    for token in ("<|eot_id|>", "<|vision_start|>", "<|image_pad|>", "<|box_start|>", "<unk>"):
        assert not is_mark(token)
