"""What a peer tells of its work."""

import json
import sys

import pytest

from benchmarks.peer_clock import (
    Stopwatch,
    combine_digests,
    describe_work,
    digest_prompt,
    print_clock,
)
from fakebench_suite.provenance import digest_tokens


def test_a_prompt_has_the_digest_that_records_have() -> None:
    """Or prompts of the suite could not be compared with those of its peers."""
    assert digest_prompt([3, 1, 70_000]) == digest_tokens([3, 1, 70_000])


def test_work_is_counted_and_its_order_does_not_matter() -> None:
    """lmms-eval sorts prompts by their lengths."""
    prompts = [[1, 2, 3], [4, 5]]
    work = describe_work(prompts, [16, 15])
    assert (work["prompts"], work["prompt_tokens"], work["new_tokens"]) == (2, 5, 31)
    assert work["digest"] == describe_work(prompts[::-1], [])["digest"]
    assert work["digest"] == combine_digests(map(digest_tokens, prompts))
    assert work["digest"] != describe_work([[1, 2, 3], [5, 4]], [])["digest"]


def test_a_clock_is_a_line_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    """Also after a progress bar, which ends no line."""
    sys.stderr.write(" 50% done")
    print_clock({"set": "mix"})
    last = capfd.readouterr().err.splitlines()[-1]
    assert json.loads(last.removeprefix("CLOCK ")) == {"set": "mix"}


def test_a_stopwatch_tells_clock_and_processor_time() -> None:
    """Work of this process is in both."""
    stopwatch = Stopwatch()
    while stopwatch.read()["cpu"] < 0.03:
        sum(range(10_000))
    assert stopwatch.read()["seconds"] > 0
