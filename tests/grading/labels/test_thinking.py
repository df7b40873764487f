"""What a reply says outside its thoughts, for every mark that models put around them."""

import pytest
from hypothesis import given

from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.text.thoughts import remove_thoughts, to_visible_text
from fakebench_suite.types import QuestionType
from tests.text.marks import ANSWERS, SECTIONS, THOUGHTS, make_pairs

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
    ("<SUMMARY>I will look.</SUMMARY><CAPTION>a real dog photo</CAPTION><REASONING>It looks real. "
     "The image is real.</REASONING><CONCLUSION>fake</CONCLUSION>", "fake"),
    ("<fast>It looks real.</fast><planning>Check edges.</planning><reasoning>The image is real."
     "</reasoning><conclusion>fake</conclusion>", "fake"),
    ("The grass is real. <|begin_of_box|>fake<|end_of_box|>", "fake"),
    ("<think>a<rethink>b</rethink>The image is real.", "unparsed"),
    ("<think>Use <reasoning> tags. The image is real.</think>fake", "fake"),
    ("<thinking>The image is real.</think>fake", "fake"),
    ("<|think|>The image is real.<|end|><|content|>fake<|end|>", "fake"),
    ("<div class='thought'><b>The image is real.</b></div>fake", "fake"),
    ("<think/>The image is fake.", "fake"),
    ("[Reasoning] The hands look real. [Conclusion] The image is fake.", "fake"),
    ("Thought: the edges are odd.\nThe image is fake.", "fake"),
    ("[Reflection] The mirror is off. The image is fake.", "fake"),
    ("**Analysis**\nThe edges are odd.\n\nThe image is fake.", "fake"),
    ("**Reasoning:** The image is fake.", "fake"),
    ("Reasoning: the image is fake.", "fake"),
    ("<final_thoughts>The image is fake.</final_thoughts>", "fake"),
    ("Final thoughts: the image is fake.", "fake"),
    ("<I think the image is fake>", "fake"),
    ("**Thinking about it, the image is fake.**", "fake"),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "expected"), SAID)
def test_only_what_stands_outside_thoughts_is_read(reply: str, expected: str) -> None:
    """A thought asserts nothing, closed or not; what follows it is the reply."""
    assert str(parse_label(reply, QuestionType.WHAT).label) == expected


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("&lt;think&gt;", "&lt;/think&gt;"),
        ("\\<think\\>", "\\</think\\>"),
        ("<<think>>", "<</think>>"),
        ("**<think>**", "**</think>**"),
        ("`<think>`", "`</think>`"),
    ],
)
def test_marks_in_the_dress_of_markup_are_marks(opening: str, closing: str) -> None:
    """Escapes, bold type and code."""
    assert str(parse_label(f"{opening}The image is real.", QuestionType.WHAT).label) == "unparsed"
    reply = f"{opening}The image is real.{closing}\nThe image is fake."
    assert str(parse_label(reply, QuestionType.WHAT).label) == "fake"


def check_pair(opening: str, closing: str) -> None:
    """Unclosed, nothing is read; closed, the answer behind is; the template may have opened it."""
    assert str(parse_label(f"{opening}The image is real.", QuestionType.WHAT).label) == "unparsed"
    assert str(parse_label(f"{opening}\nThe image is real.", QuestionType.WHAT).label) == "unparsed"
    reply = f"{opening}The image is real.{closing}The image is fake."
    assert str(parse_label(reply, QuestionType.WHAT).label) == "fake"
    assert to_visible_text(f"Fake. {opening}real") == "Fake."
    assert to_visible_text(f"{opening}real{closing}fake") == "fake"
    assert to_visible_text(f"{opening.upper()}real{closing.lower()}fake") == "fake"


@pytest.mark.parametrize(("opening", "closing"), THOUGHTS)
def test_every_mark_of_a_thought_is_known(opening: str, closing: str) -> None:
    """As text and as opened by a chat template: only the text outside is left."""
    check_pair(opening, closing)
    ending_all = {"<|end|>", "<|im_end|>", "</details>", "</div>"}  # which also end other things
    if closing not in ending_all:
        assert to_visible_text(f"real{closing}fake") == "fake"


@given(make_pairs())
def test_any_mark_made_of_the_parts_is_known(pair: tuple[str, str]) -> None:
    """Shapes, words and sides go together freely."""
    check_pair(*pair)
    assert to_visible_text(f"real{pair[1]}fake") == "fake"


@pytest.mark.parametrize(("heading", "answer"), SECTIONS)
def test_a_section_of_thoughts_ends_where_the_answer_is_headed(heading: str, answer: str) -> None:
    """Without that it asserts nothing."""
    assert str(parse_label(f"{heading} The image is real.", QuestionType.WHAT).label) == "unparsed"
    reply = f"{heading} The image is real.\n{answer}The image is fake."
    assert str(parse_label(reply, QuestionType.WHAT).label) == "fake"


@pytest.mark.parametrize(("opening", "closing"), ANSWERS)
def test_marks_around_an_answer_are_taken_off(opening: str, closing: str) -> None:
    """The answer itself is left."""
    assert to_visible_text(f"<think>real</think>{opening}fake{closing}") == "fake"


@pytest.mark.parametrize(
    "text",
    [
        "a < b [1] # c",
        "# Reasoning\n- one",
        "I think it is real.",
        "**Reasoning:** one",
        "**Thoughts:** one",
        "[link](http://a.b/think)",
        '{"reasoning": "one", "answer": "fake"}',
        "\\text{I think} x",
        "<b>Thinking</b> of it",
        "```json\n{}\n```",
        "【分析】光线",
        "<texture>one</texture>",
        "\\textbf{Reasoning} one",
        "[Reasoning](https://a.b) one",
        '<div class="analysis">one</div>',
        "{reasoning: fake}",
        "(thinking) of it",
    ],
)
def test_text_without_marks_is_left_alone(text: str) -> None:
    """Comparisons, lists, links and headings are no thoughts."""
    assert remove_thoughts(text) == text
