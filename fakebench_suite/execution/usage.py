"""What the answers of a run took, as their server counted it."""

from collections import Counter
from collections.abc import Iterable
from statistics import median

from fakebench_suite.runs.manifest import ManifestUsage
from fakebench_suite.types import FinishReason, Record, Usage


def sum_usage(records: Iterable[Record], *, given_again: bool = False) -> ManifestUsage | None:
    """The sums over all records; None if no answer came from a server.

    Answers that were taken over from another run were paid for there, and are counted apart; with
    ``given_again`` all of them were, as with ``--answers``.
    """
    usages: list[Usage] = []
    reused = 0
    for record in records:
        usage = None if record.answer is None else record.answer.usage
        if usage is not None and (record.reused or given_again):
            reused += 1
        elif usage is not None:
            usages.append(usage)
    if not usages and not reused:
        return None
    firsts = [u.first_token_seconds for u in usages if u.first_token_seconds is not None]
    costs = [usage.cost for usage in usages if usage.cost is not None]
    return ManifestUsage(
        answers=sum(usage.prompt_tokens is not None for usage in usages),
        attempts=sum(usage.attempts for usage in usages),
        prompt_tokens=sum(usage.prompt_tokens or 0 for usage in usages),
        cached_tokens=sum(usage.cached_tokens or 0 for usage in usages),
        completion_tokens=sum(usage.completion_tokens or 0 for usage in usages),
        reasoning_tokens=sum(usage.reasoning_tokens or 0 for usage in usages),
        cost=sum(costs) if costs else None,
        reused_answers=reused,
        first_token_seconds=median(firsts) if firsts else None,
        models=_count(usage.model for usage in usages),
        providers=_count(usage.provider for usage in usages),
    )


def count_uncounted(records: Iterable[Record]) -> int:
    """Answers of which a server did not say what they took, where it said so of others.

    Refusals to answer and answers of another run are left out.
    """
    usages = [
        record.answer.usage
        for record in records
        if record.answer is not None
        and record.answer.usage is not None
        and not record.reused
        and record.answer.finish_reason is not FinishReason.CONTENT_FILTER
    ]
    counted = [
        usage
        for usage in usages
        if usage.prompt_tokens is not None and usage.completion_tokens is not None
    ]
    priced = [usage for usage in usages if usage.cost is not None]
    return max(len(usages) - len(known) if known else 0 for known in (counted, priced))


def _count(names: Iterable[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(name for name in names if name is not None).items()))
