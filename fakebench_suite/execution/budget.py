"""A budget of money or tokens, at whose end no more prompts are asked."""

import math
import re
from dataclasses import dataclass

from fakebench_suite.backends.base import BudgetUnit
from fakebench_suite.backends.cards import Card
from fakebench_suite.errors import UserError
from fakebench_suite.text.display import count_of
from fakebench_suite.types import Answer, FinishReason

_BUDGET = re.compile(r"(?P<amount>\d+(?:\.\d+)?)\s*(?P<unit>tokens?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a session may spend."""

    amount: float
    tokens: bool
    """Whether it is counted in tokens of prompts and replies, instead of money."""
    shares: int = 1
    """Processes that ask cases; each may spend an equal share."""

    @property
    def unit(self) -> BudgetUnit:
        """What it is counted in, as backends are told."""
        return BudgetUnit.TOKENS if self.tokens else BudgetUnit.MONEY

    def __str__(self) -> str:
        return f"{self.amount:,.0f} tokens" if self.tokens else f"{self.amount:,.4g}"


def parse_budget(text: str) -> Budget:
    """``5.00`` in the currency of the card's prices, or ``2000000tokens``; ValueError otherwise."""
    match = _BUDGET.fullmatch(text.strip())
    if match is None or not 0 < float(match["amount"]) < math.inf:
        raise ValueError(f"{text!r} is neither an amount such as 5.00 nor one such as 200000tokens")
    return Budget(amount=float(match["amount"]), tokens=match["unit"] is not None)


def check_budget(budget: Budget | None, card: Card) -> None:
    """Raise UserError if answers of a card's model have no price, and the budget is of money."""
    if budget is not None and not budget.tokens and card.endpoint is None:
        raise UserError(
            f"--budget={budget} is an amount of money, and answers of {card.name} have no price. "
            "Give a number of tokens, such as --budget=2000000tokens, or leave --budget out."
        )


class Spending:
    """Counts what the answers of this process cost against its share of a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._limit = budget.amount / budget.shares
        self._spent = 0.0
        self._uncounted = self._uncounted_refusals = 0
        """Answers of which nobody says what they took, and errors of a server that stand for one: a
        refusal to answer, or no room for an answer."""

    def add(self, answer: Answer) -> None:
        """Count an answer, also one of which nobody says what it took.

        A server that refuses to answer often counts nothing, and seldom charges for it: the run
        goes on. So it does where thoughts left no room for an answer, and the server counted
        nothing. After another answer of this kind, it is not known what is left.
        """
        amount = self._measure(answer)
        if amount is not None:
            self._spent += amount
        elif answer.finish_reason is FinishReason.CONTENT_FILTER or _is_empty(answer):
            self._uncounted_refusals += 1
        else:
            self._uncounted += 1

    def _measure(self, answer: Answer) -> float | None:
        """What an answer took, in the unit of the budget; None where it is not known."""
        usage = answer.usage
        if not self._budget.tokens:
            return None if usage is None else usage.cost
        if usage is None:  # The model computes here, and only replies are counted.
            return answer.tokens
        if usage.prompt_tokens is None or usage.completion_tokens is None:
            return None
        return usage.prompt_tokens + usage.completion_tokens

    @property
    def is_over(self) -> bool:
        """Whether nothing is left, or it is not known what is."""
        return self._uncounted > 0 or self._spent >= self._limit

    def __str__(self) -> str:
        """What is said once no more is asked."""
        if self._uncounted:
            return self._describe_uncounted()
        shares = self._budget.shares
        share = f" (each of {shares} workers has an equal share)" if shares > 1 else ""
        refusals = self._uncounted_refusals
        prompts = count_of(refusals, "prompt")
        more = f" Not in it: {prompts} refused or cut off." if refusals else ""
        return f"--budget={self._budget} is spent{share}: the other cases were not asked.{more}"

    def _describe_uncounted(self) -> str:
        count = count_of(self._uncounted, "answer")
        if self._budget.tokens:
            why, advice = f"the server did not count the tokens of {count}", ""
        else:
            why = f"what {count} cost follows neither from the server's reply nor from the card"
            advice = ", also with a number of tokens, such as --budget=2000000tokens"
        return (
            f"--budget={self._budget} cannot be kept, for {why}: the other cases were not asked. "
            f"--resume asks them{advice}."
        )


def _is_empty(answer: Answer) -> bool:
    """Whether an answer was cut off before its first word, and no token of it was counted."""
    usage = answer.usage
    counted = usage and (usage.prompt_tokens is not None or usage.completion_tokens is not None)
    return answer.finish_reason is FinishReason.LENGTH and not answer.text and not counted
