"""The marks of thoughts and answers: which tokens are one, and which thought is left open."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.text.reasoning_tags import is_mark
from fakebench_suite.text.thoughts import find_open_thought, split_thoughts, to_visible_text
from tests.text.marks import ANSWERS, SECTIONS, THOUGHTS, make_pairs

SECONDS = 3.0
"""CPU time on a busy machine; a quadratic pattern takes hours."""


@pytest.mark.parametrize(("opening", "closing"), THOUGHTS)
def test_a_thought_is_open_until_its_own_mark_closes_it(opening: str, closing: str) -> None:
    """The mark is found in any case; closed, or followed by another's closing mark, it says so."""
    for tag in (opening, opening.upper(), opening.lower()):
        assert find_open_thought(f"assistant\n{tag}\n") == tag
        assert find_open_thought(f"{tag} A:") == tag
        assert find_open_thought(f"{tag}\n\n{closing}\n\n") is None
        assert find_open_thought(f"{tag} a {closing} b {tag}") == tag
        assert find_open_thought(f"{tag} </elsewhere>") == tag


@given(make_pairs())
def test_any_mark_made_of_the_parts_opens_and_closes(pair: tuple[str, str]) -> None:
    """Shapes, words and sides go together freely."""
    opening, closing = pair
    assert find_open_thought(f"<|im_start|>assistant\n{opening}\n") == opening
    assert find_open_thought(f"{opening}\n\n{closing}\n\n") is None
    if is_mark(opening):
        assert is_mark(closing)


@pytest.mark.parametrize("opening", [start for start, _ in SECTIONS if start[0] in "*#[【"])
def test_a_template_may_open_a_section(opening: str) -> None:
    """Headings of thoughts are found, too."""
    opened = find_open_thought(f"<|assistant|>\n{opening}\n")
    assert opened is not None
    assert opening.startswith(opened.rstrip(":："))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Think step by step. <answer>",
        "[/INST] ",
        "<|im_end|>\n<|im_start|>assistant\n",
        "<start_of_turn>model\n",
        "<think></think>\n",
        "<think/>\n",
        "<no_think>",
        "<|nothink|>",
        "<|disable_thinking|>",
        "<seed:think><seed:cot_budget_reflect>The budget is 0.</seed:cot_budget_reflect>"
        "</seed:think>",
        "<|channel|>final<|message|>",
        "<reasonable>",
        "<I think so>",
        "[a thought-provoking picture]",
        "[Reflection] [Analysis]",
    ],
)
def test_a_text_without_open_marks_opens_nothing(text: str) -> None:
    """Neither words about thinking nor switches nor marks of answers open a thought."""
    assert find_open_thought(text) is None


def test_tokens_that_mark_something_are_told_from_those_that_do_not() -> None:
    """Every mark of one token is one; turns, pictures and boxes of coordinates are none."""
    tags = [
        tag
        for pair in (*THOUGHTS, *ANSWERS)
        for tag in pair
        if tag.count("<") == 1 and tag[-1] == ">" and tag not in {"</details>", "</div>"}
    ]
    assert [tag for tag in tags if not is_mark(tag) and tag != "<|im_end|>"] == []
    assert is_mark("<|channel|>")
    assert is_mark("<|message|>")
    for token in ("<s>", "</s>", "<pad>", "<|im_end|>", "<|im_start|>", "<|endoftext|>", "<image>"):
        assert not is_mark(token)
    for token in ("<|eot_id|>", "<|vision_start|>", "<|image_pad|>", "<|box_start|>", "<unk>"):
        assert not is_mark(token)


@pytest.mark.thorough
@given(
    st.one_of(
        make_pairs().map("".join),
        st.sampled_from([tag for pair in (*THOUGHTS, *ANSWERS) for tag in pair]),
        st.from_regex(
            r"<\|(?:new_|x)?(?:think|thought|reason|answer|response|solution|final)(?:_?[a-z]{1,6})?\|>",
            fullmatch=True,
        ),
    )
)
def test_what_is_kept_in_decoding_is_left_out_in_reading(token: str) -> None:
    """No token that is kept as a mark reaches a reader as a word."""
    if is_mark(token):
        visible = to_visible_text(f"fake {token}")
        assert visible in {"fake", ""}


@pytest.mark.parametrize("size", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "unit",
    [
        "<think", "[", "<", "{", "【", "[think", "<|", "</", "<think>", "</think>", "<think ",
        "```", "<details>", "<details><summary>think", "**Thinking", "**Thinking:**\n", "\nanswer:",
        "\n#", "\n<", "\n", "a[",
        "<|channel|>analysis", "<|channel|>", "a<b c=d ", "[begin of thought] ", "思考", "【思考】",
        "<a b c d e f ", "<think a=b c=d", "thought\n", "**", "<" + "a " * 60,
    ],
)  # fmt: skip
def test_a_long_row_of_one_mark_is_split_at_once(unit: str, size: int) -> None:
    """The time grows with the text and no faster."""
    text = unit * (size // len(unit))
    start = time.process_time()
    find_open_thought(text)
    to_visible_text(text)
    assert time.process_time() - start < SECONDS


def test_a_megabyte_of_marks_that_differ_is_split_at_once() -> None:
    """Neither many names nor deep nesting take long."""
    text = "".join(f"<think_{number}>a" for number in range(60_000))
    start = time.process_time()
    assert find_open_thought(text) == "<think_0>"
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("sign", ["*", " "])
def test_a_long_row_of_one_sign_behind_a_heading_is_split_at_once(sign: str) -> None:
    """What a heading ends with is looked at once."""
    text = "# Thinking" + sign * 1_000_000 + "x\n"
    start = time.process_time()
    assert split_thoughts(text).visible == text
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "heading", ["## Scratchpad\n", "**Scratchpad:** ", "# THINK\n", "**Think** "]
)
def test_a_heading_of_thoughts_opens_one_in_any_case(heading: str) -> None:
    """Whatever else the text says; what never closes asserts nothing."""
    for words in ("the analysis is", "it is"):
        assert split_thoughts(f"{heading}So far {words} fake.").opening is not None


def test_a_heading_of_the_answer_ends_thoughts_in_any_case() -> None:
    """As one that the chat template opened."""
    for heading in ("### Final response", "### final response", "### Final Response"):
        text = f"I begin. The image is fake.\n{heading}\nThe image is real."
        assert split_thoughts(text).visible.strip() == "The image is real."
