"""How many replies the grammar reads in a second of CPU time of one core.

``python benchmarks/reading.py [--seconds 5] [--claims]``; what other processes take is not counted.
With ``--claims`` they are read into claims, and otherwise into fake or real.

The replies are the long ones of ``tests/grading/labels/replies/long_development.jsonl`` without
thoughts. None is read twice from a cache: each round adds a sentence of its own to every reply.

The reader of another checkout is measured on the same replies by
``PYTHONPATH=CHECKOUT python -P benchmarks/reading.py``.
"""

import argparse
import json
import time
from pathlib import Path

from fakebench_suite.grading.claims.reader import read_claims
from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.types import QuestionType

REPLIES = Path(__file__).parents[1] / "tests/grading/labels/replies/long_development.jsonl"
SHORTEST = 1000
"""Letters of a reply that counts as a long analysis."""
STANDARD = 1700
"""Letters of the reply that rates are given for."""


def main() -> None:
    """Read for a number of seconds on one core and print the rate."""
    parser = argparse.ArgumentParser(description="Replies read per second on one core.")
    parser.add_argument("--seconds", type=float, default=5.0, help="CPU seconds to read for (5)")
    parser.add_argument("--claims", action="store_true", help="read claims rather than labels")
    options = parser.parse_args()
    seconds = options.seconds
    rows = [json.loads(line) for line in REPLIES.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if len(row["reply"]) >= SHORTEST and "think>" not in row["reply"]]
    for row in rows:  # The first reading compiles patterns.
        _read(row["reply"], QuestionType(row["question_type"]), claims=options.claims)
    rounds, best = 0, float("inf")
    end = time.process_time() + seconds
    while time.process_time() < end or not rounds:
        rounds += 1
        texts = [
            (f"Picture {rounds}.\n\n{row['reply']}", QuestionType(row["question_type"]))
            for row in rows
        ]
        start = time.process_time()
        for text, question_type in texts:
            _read(text, question_type, claims=options.claims)
        best = min(best, time.process_time() - start)
    letters = sum(len(row["reply"]) for row in rows)
    print(
        f"{len(rows)} replies of {letters / len(rows):.0f} characters, {rounds} rounds, the best:"
    )
    print(f"{len(rows) / best:.0f} replies/s, {letters / best / 1e6:.2f} million characters/s")
    print(f"{letters / STANDARD / best:.0f} replies of {STANDARD} characters/s")


def _read(text: str, question_type: QuestionType, *, claims: bool) -> None:
    if claims:
        read_claims(text)
    else:
        parse_label(text, question_type)


if __name__ == "__main__":
    main()
