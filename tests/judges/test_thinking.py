"""What a reply says outside its thoughts, for every mark that models put around them."""

import pytest

from fakebench_suite.judges.label import read_label
from fakebench_suite.judges.language.thinking import cut_thoughts, drop_thinking
from fakebench_suite.thoughts import ANSWERS, THOUGHTS
from fakebench_suite.types import Form

SAID = [
    ("<answer><|begin_of_box|>fake<|end_of_box|></answer>", "fake"),
    ("◁think▷This image is real", "unparsed"),
    ("<reasoning>The image is real. But", "unparsed"),
    ("<thought>The image is real.</thought>The image is fake.", "fake"),
    ("<|channel|>analysis<|message|>The image is real.<|end|><|start|>assistant<|channel|>final"
     "<|message|>The image is fake.<|return|>", "fake"),
    ("analysisThe image is real.assistantfinalThe image is fake.", "fake"),
    ("analysisThe image is real.", "unparsed"),
    ("Analysis: the light is odd. The image is fake.", "fake"),
    ("The image is real.</think>\nFake", "fake"),
    ("The image is real.[/THINK]Fake", "fake"),
    ("<think>real</think>\n\n<think>The image is fake", "unparsed"),
    ("<thinking>a<reflection>b</reflection>The image is real.</thinking>Fake", "fake"),
    ("<think>I should write <answer>real</answer>", "unparsed"),
    ("<think>The image is real.</think><answer>Fake</answer>", "fake"),
    ("Here is my thought process:\nIt is real.\n\nHere is my response:\nIt is fake.", "fake"),
    ("Here are my reasoning steps:\nIt is real.\n[BEGIN FINAL RESPONSE]\nfake\n"
     "[END FINAL RESPONSE]", "fake"),
    ("## Thinking\n\nThe image is real.\n\n## Final Response\n\nThe image is fake.", "fake"),
    ("<SUMMARY>I will look.</SUMMARY><REASONING>It is real.</REASONING>"
     "<CONCLUSION>The image is fake.</CONCLUSION>", "fake"),
    ("<|end_of_thought|>\n<|begin_of_solution|>Fake<|end_of_solution|>", "fake"),
    ("\\boxed{fake}", "fake"),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "said"), SAID)
def test_only_what_stands_outside_thoughts_is_read(reply: str, said: str) -> None:
    """A thought asserts nothing, closed or not; what follows it is the reply."""
    assert str(read_label(reply, Form.WHAT).said) == said


@pytest.mark.parametrize(("opening", "closing"), THOUGHTS)
def test_every_mark_of_a_thought_is_known(opening: str, closing: str) -> None:
    """Unclosed, closed, and opened by the chat template: only the text outside is left."""
    assert drop_thinking(f"Fake. {opening}real") == "Fake."
    assert drop_thinking(f"{opening}real{closing}fake") == "fake"
    assert drop_thinking(f"{opening.upper()}real{closing.lower()}fake") == "fake"
    if closing != "<|end|>":  # which also ends whole replies
        assert drop_thinking(f"real{closing}fake") == "fake"


@pytest.mark.parametrize(("opening", "closing"), ANSWERS)
def test_marks_around_an_answer_are_taken_off(opening: str, closing: str) -> None:
    """The answer itself is left."""
    assert drop_thinking(f"<think>real</think>{opening}fake{closing}") == "fake"


def test_text_without_marks_is_left_alone() -> None:
    """Comparisons, lists and headings are no thoughts."""
    for text in ("a < b [1] # c", "# Reasoning\n- one", "I think it is real."):
        assert cut_thoughts(text) == text
