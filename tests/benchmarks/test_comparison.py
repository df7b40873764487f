"""Medians, ratios, and the check that all sides did the same work."""

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.comparison import (
    Measurement,
    Ratio,
    check_alike,
    compute_spread,
    describe_work,
    format_ratios,
    make_table,
)

RUN = Measurement(
    prompts=28,
    prompt_tokens=8_400,
    new_tokens=16 * 28,
    digest="abc",
    seconds=2.8,
    answering=1.4,
    cpu=2.8,
    threads=1,
    whole=10.0,
    gigabytes=1.5,
)
RATIO = Ratio(
    name="-vs-peer",
    side="suite",
    other="peer",
    compute=lambda run, other: other.seconds / run.seconds,
)


def measure_seconds(*seconds: float) -> list[Measurement]:
    """A measurement for each round."""
    return [replace(RUN, seconds=value) for value in seconds]


def test_a_spread_has_the_middle_and_both_ends() -> None:
    """Also of one round, and of an even number."""
    spread = compute_spread([5.0, 1.0, 2.0])
    assert (spread.median, spread.least, spread.most) == (2.0, 1.0, 5.0)
    assert compute_spread([3.0, 1.0]).median == 2.0
    assert str(compute_spread([1.0])) == "1.00 (1.00 to 1.00)"


def test_a_ratio_is_the_median_of_those_of_the_rounds() -> None:
    """A round that was slow for both sides is a ratio like the others, where medians differ."""
    rounds = {
        ("analysis", "peer"): measure_seconds(10, 60, 12),
        ("analysis", "suite"): measure_seconds(5, 20, 4),
    }
    assert list(format_ratios([RATIO], rounds)) == ["ratio analysis-vs-peer 3.00 (2.00 to 3.00)"]


def test_there_is_a_ratio_for_each_set_that_both_have_answered() -> None:
    """In the order of the sets; a side that was left out has none."""
    rounds = {
        ("analysis", "peer"): measure_seconds(10),
        ("mix", "peer"): measure_seconds(30),
        ("analysis", "suite"): measure_seconds(5),
        ("mix", "suite"): measure_seconds(10),
    }
    other = replace(RATIO, name="-vs-absent", other="absent")
    assert [line.split()[:3] for line in format_ratios([other, RATIO], rounds)] == [
        ["ratio", "analysis-vs-peer", "2.00"],
        ["ratio", "mix-vs-peer", "3.00"],
    ]


def test_the_table_has_medians_in_milliseconds_per_prompt() -> None:
    """And the ends of the rounds."""
    table = make_table({("analysis", "suite"): measure_seconds(5.6, 2.8, 1.4)})
    cells = {str(column.header): next(iter(column.cells)) for column in table.columns}
    assert cells == {
        "set": "analysis",
        "by": "suite",
        "prompts": "28",
        "all": "100.0",
        "least to most": "50.0 to 200.0",
        "answering": "50.0",
        "CPU": "100.0",
        "process": "10.0 s",
        "memory": "1.50 GB",
    }


def test_seconds_of_answers_that_overlap_are_left_out() -> None:
    """Requests to a server wait for each other."""
    table = make_table({("mix", "server"): [replace(RUN, answering=None)]})
    cells = {str(column.header): next(iter(column.cells)) for column in table.columns}
    assert (cells["answering"], cells["CPU"]) == ("", "100.0")


def test_work_that_is_the_same_is_described() -> None:
    """A side whose server alone sees tokens has no digest, and is counted all the same."""
    rounds = {
        ("analysis", "suite"): [RUN],
        ("analysis", "peer"): [RUN],
        ("analysis", "server"): [replace(RUN, digest=None)],
    }
    (sentence,) = describe_work(rounds, threads=1)
    assert "3 sides was asked 28 prompts of 8,400 tokens" in sentence
    assert "for 2 of them" in sentence
    assert "448 new tokens" in sentence


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("new_tokens", 28 * 4_096, "peer wrote 114,688 tokens in place of 448"),
        ("new_tokens", 447, "peer wrote 447 tokens in place of 448"),
        ("prompts", 27, "peer wrote 448 tokens in place of 432"),
        ("prompt_tokens", 8_401, "prompt_tokens of peer is 8401, and 8400 of suite"),
        ("digest", "abd", "digest of peer is abd, and abc of suite"),
        ("threads", 2, "peer computed on 2 threads, not 1"),
    ],
)
def test_work_that_differs_ends_the_benchmark(field: str, value: Any, message: str) -> None:
    """With a sentence that names the side and the round, also where a late round alone differs."""
    changed = replace(RUN, **{field: value})
    rounds = {("mix", "suite"): [RUN, RUN], ("mix", "peer"): [RUN, changed]}
    with pytest.raises(SystemExit, match=message) as raised:
        list(describe_work(rounds, threads=1))
    assert "mix, round 2" in str(raised.value)


def test_fewer_prompts_of_as_many_tokens_are_seen() -> None:
    """Where each of them has its new tokens."""
    fewer = replace(RUN, prompts=27, new_tokens=27 * 16)
    with pytest.raises(SystemExit, match="prompts of peer is 27, and 28 of suite"):
        check_alike("mix", {"suite": RUN, "peer": fewer}, threads=1)
