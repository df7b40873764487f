"""A budget of money or tokens, at whose end no more prompts are asked."""

import re
from dataclasses import dataclass

from fakebench_suite.backends.cards import Card
from fakebench_suite.errors import UserError
from fakebench_suite.types import Answer

_BUDGET = re.compile(r"(?P<amount>\d+(?:\.\d+)?)\s*(?P<unit>tokens?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a session may spend."""

    amount: float
    tokens: bool
    """Whether it is counted in tokens of prompts and replies, instead of money."""
    shares: int = 1
    """Processes that ask cases; each may spend an equal share."""

    def __str__(self) -> str:
        return f"{self.amount:,.0f} tokens" if self.tokens else f"{self.amount:,.4g}"


def parse_budget(text: str) -> Budget:
    """``5.00`` in the currency of the card's prices, or ``2000000tokens``; ValueError otherwise."""
    match = _BUDGET.fullmatch(text.strip())
    if match is None or not float(match["amount"]) > 0:
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

    def add(self, answer: Answer) -> None:
        """Count an answer; raises UserError if its price is not known."""
        usage = answer.usage
        if self._budget.tokens:
            prompt = 0 if usage is None else usage.prompt_tokens or 0
            self._spent += prompt + answer.tokens
        elif usage is None or usage.cost is None:
            raise UserError(
                "--budget is an amount of money, and neither the card nor the server gives prices. "
                "Add prices to [endpoint] of the card, or give a number of tokens, such as "
                "--budget=2000000tokens."
            )
        else:
            self._spent += usage.cost

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self._spent >= self._limit

    def __str__(self) -> str:
        """What is said once nothing is left."""
        shares = self._budget.shares
        share = f" (each of {shares} workers has an equal share)" if shares > 1 else ""
        return f"--budget={self._budget} is spent{share}: the other cases were not asked."
