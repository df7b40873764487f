"""What answers take of a budget, and what is said where it is not known."""

from dataclasses import replace

import pytest

from fakebench_suite.execution.budget import Spending, parse_budget
from fakebench_suite.types import Answer, FinishReason, Usage

ANSWER = Answer(text="fake", tokens=3, seconds=0.1, batch_size=1)
COUNTED = replace(ANSWER, usage=Usage(prompt_tokens=90, completion_tokens=3, cost=0.5))
UNCOUNTED = replace(ANSWER, tokens=0, usage=Usage(model="m"))
REFUSED = replace(UNCOUNTED, finish_reason=FinishReason.CONTENT_FILTER)
CUT_OFF = replace(UNCOUNTED, text="", finish_reason=FinishReason.LENGTH)


def spend(budget: str, *answers: Answer) -> Spending:
    """What is left after some answers."""
    spending = Spending(parse_budget(budget))
    for answer in answers:
        spending.add(answer)
    return spending


@pytest.mark.parametrize("budget", ["1.00", "186tokens"])
def test_a_budget_is_over_when_it_is_spent(budget: str) -> None:
    """In money or in tokens of prompts and replies."""
    assert not spend(budget, COUNTED).is_over
    spending = spend(budget, COUNTED, COUNTED)
    assert spending.is_over
    assert "is spent" in str(spending)


@pytest.mark.parametrize("budget", ["1.00", "186tokens"])
@pytest.mark.parametrize("answer", [REFUSED, CUT_OFF], ids=["refused", "cut off"])
def test_a_prompt_without_an_answer_may_be_uncounted(budget: str, answer: Answer) -> None:
    """The run goes on, and says at its end how many there were."""
    assert not spend(budget, COUNTED, answer).is_over
    spending = spend(budget, answer, COUNTED, COUNTED)
    assert spending.is_over
    assert "Not in it: 1 prompt refused or cut off." in str(spending)


@pytest.mark.parametrize(
    "answer",
    [
        replace(CUT_OFF, text="fake"),
        replace(CUT_OFF, finish_reason=FinishReason.STOP),
        replace(CUT_OFF, usage=Usage(prompt_tokens=90)),
    ],
    ids=repr,
)
def test_an_uncounted_text_is_no_prompt_without_an_answer(answer: Answer) -> None:
    """Nor is a reply that was counted in part."""
    assert "cannot be kept" in str(spend("186tokens", answer))


@pytest.mark.parametrize("budget", ["1.00", "186tokens"])
@pytest.mark.parametrize(
    "usage", [Usage(), Usage(prompt_tokens=90), Usage(completion_tokens=3)], ids=repr
)
def test_an_answer_that_nobody_counted_ends_the_spending(budget: str, usage: Usage) -> None:
    """Nothing is raised, for the answers beside it are still to be recorded."""
    spending = spend(budget, replace(ANSWER, usage=usage), COUNTED)
    assert spending.is_over
    assert "cannot be kept" in str(spending)
    assert "1 answer" in str(spending)


def test_a_model_that_computes_here_counts_its_replies() -> None:
    """No server counts its prompts."""
    assert not spend("4tokens", ANSWER).is_over
    assert spend("6tokens", ANSWER, ANSWER).is_over


@pytest.mark.parametrize("text", ["0", "-1", "inf", f"1{400 * '0'}"])
def test_a_budget_is_a_finite_amount(text: str) -> None:
    """One without an end would be none."""
    with pytest.raises(ValueError, match="neither an amount"):
        parse_budget(text)
