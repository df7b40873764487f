"""Scoring replies against references, held against encoding their distinct texts once.

``python benchmarks/text_metrics.py [PAIRS]`` (default 1,500 on two cores) prints a table and ends
with ``ratio text-metrics-vs-encoding VALUE``: all five metrics over the encoder alone. Texts are
drawn from a fixed vocabulary by seed, so that none repeats by chance.
"""

import argparse
import random
import time

from rich.console import Console
from rich.table import Table

from fakebench_suite.grading.embeddings import SentenceEncoder
from fakebench_suite.metrics.text import score_texts, split_statements

SUBJECTS = ("hand", "shadow", "sign", "window", "eye", "fence", "mirror", "sleeve", "wheel", "sky")
FAULTS = ("bends", "melts", "repeats", "floats", "vanishes", "splits", "flickers", "doubles")
PLACES = ("at the left edge", "behind the man", "near the door", "in the water", "on the wall")


def draw_sentence(rng: random.Random) -> str:
    """A clue-like sentence with a number that makes it unlikely to repeat."""
    number = rng.randrange(10_000)
    return (
        f"The {rng.choice(SUBJECTS)} {rng.choice(FAULTS)} {rng.choice(PLACES)} {number} pixels off."
    )


def main() -> None:
    """Time both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("pairs", type=int, nargs="?", default=1_500, help="default: %(default)s")
    pairs = parser.parse_args().pairs
    rng = random.Random(0)
    replies = [" ".join(draw_sentence(rng) for _ in range(4)) for _ in range(pairs)]
    references = [[draw_sentence(rng) for _ in range(5)] for _ in range(pairs)]
    texts = {
        *replies,
        *(" ".join(clues) for clues in references),
        *(statement for reply in replies for statement in split_statements(reply)),
        *(clue for clues in references for clue in clues),
    }
    SentenceEncoder().encode(["warm up"])
    encoder = SentenceEncoder()
    start = time.perf_counter()
    encoder.encode(sorted(texts))
    encoding = time.perf_counter() - start
    start = time.perf_counter()
    score_texts(replies, references, SentenceEncoder())
    scoring = time.perf_counter() - start
    table = Table("what", "seconds", "per pair, ms")
    for name, seconds in (("encode distinct texts", encoding), ("all metrics", scoring)):
        table.add_row(name, f"{seconds:.1f}", f"{1000 * seconds / pairs:.1f}")
    Console().print(table)
    print(f"{pairs} pairs, {len(texts)} distinct texts")
    print(f"ratio text-metrics-vs-encoding {scoring / encoding:.3f}")


if __name__ == "__main__":
    main()
