"""How many replies the grammar reads in a second of CPU time of one core.

``python benchmarks/reading.py [--seconds 5]``; what other processes take is not counted. Replies
are read into fake or real, and into claims.

The replies are the long ones of ``tests/grading/labels/replies/long_development.jsonl`` without
thoughts. None is read twice from a cache: each round adds a sentence of its own to every reply, and
what was found in sentences is forgotten between rounds; what is known of single words is kept, as
in a long run. Claims are also read where every other sentence of a reply has been read before.

The reader of another checkout is measured on the same replies by
``PYTHONPATH=CHECKOUT python -P benchmarks/reading.py``.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fakebench_suite.grading.claims.readings import forget_readings, forget_texts, read_claims
from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.types import QuestionType

REPLIES = Path(__file__).parents[1] / "tests/grading/labels/replies/long_development.jsonl"
SHORTEST = 1000
"""Letters of a reply that counts as a long analysis."""
STANDARD = 1700
"""Letters of the reply that rates are given for."""


Reply = tuple[str, QuestionType]


def main() -> None:
    """Read for a number of seconds on one core, each way, and print the rates."""
    parser = argparse.ArgumentParser(description="Replies read per second on one core.")
    parser.add_argument("--seconds", type=float, default=5.0, help="CPU seconds to read for (5)")
    seconds = parser.parse_args().seconds
    rows = [json.loads(line) for line in REPLIES.read_text(encoding="utf-8").splitlines()]
    replies = [
        (row["reply"], QuestionType(row["question_type"]))
        for row in rows
        if len(row["reply"]) >= SHORTEST and "think>" not in row["reply"]
    ]
    letters = sum(len(text) for text, _ in replies)
    print(f"{len(replies)} replies of {letters / len(replies):.0f} characters")
    for title, read, forget in (
        ("labels", parse_label, forget_texts),
        ("claims", _read_into_claims, forget_texts),
        ("claims in sentences read before", _read_into_claims, forget_readings),
    ):
        rounds, best = time_rounds(replies, read, forget, seconds)
        print(
            f"{title}: {len(replies) / best:.0f} replies/s, "
            f"{letters / best / 1e6:.2f} million characters/s, "
            f"{letters / STANDARD / best:.0f} replies of {STANDARD} characters/s "
            f"(the best of {rounds} rounds)"
        )


def time_rounds(
    replies: Sequence[Reply],
    read: Callable[[str, QuestionType], object],
    forget: Callable[[], None],
    seconds: float,
) -> tuple[int, float]:
    """How often all replies were read in these seconds, and the CPU seconds of the fastest time.

    ``forget`` is called before each time.
    """
    for reply in replies:  # The first reading compiles patterns.
        read(*reply)
    rounds, best = 0, float("inf")
    end = time.process_time() + seconds
    while time.process_time() < end or not rounds:
        rounds += 1
        forget()
        texts = [(f"Picture {rounds}.\n\n{text}", kind) for text, kind in replies]
        start = time.process_time()
        for reply in texts:
            read(*reply)
        best = min(best, time.process_time() - start)
    return rounds, best


def _read_into_claims(text: str, _: QuestionType) -> object:
    return read_claims(text)


if __name__ == "__main__":
    main()
