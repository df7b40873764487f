"""What the answers of a run took: those of another run were paid for there."""

from dataclasses import replace

from fakebench_suite.execution.usage import sum_usage
from fakebench_suite.types import Outcome, Record, Usage
from tests.factories import make_record


def make_paid(name: str, *, reused: bool = False) -> Record:
    """A record whose answer took 90 tokens in, 3 out and a half of money."""
    record = make_record(name, Outcome.CORRECT)
    assert record.answer is not None
    usage = Usage(model="m", prompt_tokens=90, completion_tokens=3, cost=0.5)
    return replace(record, answer=replace(record.answer, usage=usage), reused=reused)


def test_answers_that_were_taken_over_cost_nothing_again() -> None:
    """By --reuse some, by --answers all of them."""
    records = [make_paid("a.png"), make_paid("b.png", reused=True)]
    usage = sum_usage(records)
    assert usage is not None
    assert (usage.prompt_tokens, usage.cost, usage.reused_answers) == (90, 0.5, 1)
    usage = sum_usage(records, given_again=True)
    assert usage is not None
    assert (usage.attempts, usage.prompt_tokens, usage.cost, usage.reused_answers) == (
        0,
        0,
        None,
        2,
    )
