"""What a batch of image groups takes, with one copy of each prefix and with many."""

from collections.abc import Sequence

import pytest
import torch

from fakebench_suite.backends.transformers.batching import SharedImageBatch, pack_batches
from fakebench_suite.backends.transformers.inputs import EncodedPrompt
from fakebench_suite.backends.transformers.prefix_cache import prefill
from fakebench_suite.backends.transformers.prefix_cache.prefill import Group, common_prefix_length
from fakebench_suite.types import Prompt, QuestionType


def make_group(prefix: int, tails: Sequence[int]) -> list[EncodedPrompt]:
    """Rows that begin with the same tokens and end in different ones."""
    rows = []
    for number, tail in enumerate(tails):
        ids = torch.tensor([[*range(prefix), *([1_000 + number] * tail)]])
        prompt = Prompt(case=str(number), image="a", question_type=QuestionType.WHAT, text="?")
        rows.append(
            EncodedPrompt(prompt=prompt, tokens={"input_ids": ids}, picture={}, seconds=0.0)
        )
    return rows


def test_a_shared_prefix_is_counted_once() -> None:
    """And a repeated one with every row; padding counts as much as words."""
    groups = [make_group(100, [5, 7]), make_group(90, [6, 6])]
    shared, repeated = (
        SharedImageBatch(groups=groups, shared=True),
        SharedImageBatch(groups=groups, shared=False),
    )
    assert (len(shared.rows), shared.row_tokens, shared.shared_tokens) == (4, 7, 200)
    assert (len(repeated.rows), repeated.row_tokens, repeated.shared_tokens) == (4, 107, 0)


def test_empty_seats_are_counted() -> None:
    """Beside a group of four, one of two takes the room of four, for all that is written too."""
    groups = [make_group(10, [3] * 4), make_group(10, [3] * 2)]
    shared, repeated = (
        SharedImageBatch(groups=groups, shared=True),
        SharedImageBatch(groups=groups, shared=False),
    )
    assert (shared.shared_tokens, shared.padded_rows) == (20, 8)
    assert (repeated.shared_tokens, repeated.padded_rows) == (0, 6)


def test_rows_alone_share_nothing() -> None:
    """Their whole prompts count, whatever the route."""
    batch = SharedImageBatch(groups=[make_group(10, [3]), make_group(20, [4])], shared=True)
    assert (batch.row_tokens, batch.shared_tokens) == (24, 0)


def test_groups_are_packed_whole_and_cut_only_where_they_do_not_fit() -> None:
    """In order, with nothing lost, and asked in the same way as the batch they were part of."""
    groups = [make_group(4, [2] * count) for count in (3, 3, 9, 1)]
    batches = list(pack_batches(groups, lambda batch: len(batch.rows) <= 6, shared=True))
    assert [[len(group) for group in batch.groups] for batch in batches] == [[3, 3], [6], [3, 1]]
    assert all(batch.shared for batch in batches)
    halves = batches[0].split()
    assert [[len(group) for group in half.groups] for half in halves] == [[3], [3]]
    assert all(half.shared for half in halves)


def test_a_prefix_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many groups join its batch; a part of a group has a prefix of its own."""
    counted: list[int] = []

    def count(group: Sequence[EncodedPrompt]) -> int:
        counted.append(len(group))
        return count_tokens(group)

    count_tokens = prefill._count_common_tokens
    monkeypatch.setattr(prefill, "_count_common_tokens", count)
    groups = [Group(make_group(length, [2, 3])) for length in range(10, 30)]
    batches = list(pack_batches(groups, lambda batch: batch.shared_tokens < 200, shared=True))
    assert len(batches) > 1
    assert counted == [2] * 20
    assert common_prefix_length(groups[0]) == common_prefix_length(list(groups[0])) == 10
    assert counted == [2] * 21
    assert common_prefix_length(groups[0][:1]) == 11
