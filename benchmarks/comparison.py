"""From measurements of several rounds to a table and ratios, and whether all did the same work."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

NEW_TOKENS = 16
"""Tokens of every reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one side needed for one set of cases."""

    prompts: int
    prompt_tokens: int
    """Of all prompts, the pictures' among them and padding not."""
    new_tokens: int
    digest: str | None
    """Of all prompts' tokens; None where only a server sees them."""
    seconds: float
    """With the model loaded, until the last prompt was answered or, by the suite, recorded."""
    answering: float | None
    """Of these seconds, those that the answers themselves account for; None where they overlap."""
    cpu: float
    """Processor time in these seconds, of all processes; a busy machine lengthens it less."""
    threads: int
    """That compute."""
    whole: float
    """From the start of the process to its end, in seconds, without those of other sets."""
    gigabytes: float
    """The most that the largest process took."""


Rounds = Mapping[tuple[str, str], Sequence[Measurement]]
"""Measurements by the names of set and side, one a round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Values of several rounds."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        """As it stands in a line of a ratio."""
        return f"{self.median:.2f} ({self.least:.2f} to {self.most:.2f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How many times as fast one side is as another; of memory, how many times as much it takes."""

    name: str
    """Of the line, but for the set, which stands before it."""
    side: str
    other: str
    compute: Callable[[Measurement, Measurement], float]
    """From the measurements of both of one round."""


def compute_spread(values: Sequence[float]) -> Spread:
    """Median, least and most of values, of which there is one at least."""
    return Spread(median=statistics.median(values), least=min(values), most=max(values))


def format_ratios(ratios: Sequence[Ratio], rounds: Rounds) -> Iterator[str]:
    """A line ``ratio NAME MEDIAN (LEAST to MOST)`` for each set that both sides have answered.

    Both sides of a round ran in the same minutes, so the ratios are those of the rounds.
    """
    for ratio in ratios:
        for name in dict.fromkeys(name for name, _ in rounds):
            pairs = [rounds.get((name, side)) for side in (ratio.side, ratio.other)]
            if pairs[0] is None or pairs[1] is None:
                continue
            values = map(ratio.compute, pairs[0], pairs[1])
            yield f"ratio {name}{ratio.name} {compute_spread(list(values))}"


def make_table(rounds: Rounds) -> Table:
    """A row per set and side: medians, in milliseconds per prompt."""
    columns = (
        "set",
        "by",
        "prompts",
        "all",
        "least to most",
        "answering",
        "CPU",
        "process",
        "memory",
    )
    table = Table(*columns)
    for (name, side), runs in rounds.items():
        spreads = {
            key: compute_spread([1000 * (getattr(run, key) or 0) / run.prompts for run in runs])
            for key in ("seconds", "answering", "cpu")
        }
        overlap = any(run.answering is None for run in runs)
        table.add_row(
            name,
            side,
            str(runs[0].prompts),
            f"{spreads['seconds'].median:.1f}",
            f"{spreads['seconds'].least:.1f} to {spreads['seconds'].most:.1f}",
            "" if overlap else f"{spreads['answering'].median:.1f}",
            f"{spreads['cpu'].median:.1f}",
            f"{compute_spread([run.whole for run in runs]).median:.1f} s",
            f"{compute_spread([run.gigabytes for run in runs]).median:.2f} GB",
        )
    for column in table.columns[2:]:
        column.justify = "right"
    return table


def describe_work(rounds: Rounds, threads: int) -> Iterator[str]:
    """What all sides were asked and wrote, a sentence for each set.

    Raises SystemExit, with a sentence, where they did not do the same: as many prompts of as many
    tokens, of the same tokens where they are known, 16 new tokens each, on as many threads.
    """
    for name in dict.fromkeys(name for name, _ in rounds):
        runs = {side: runs for (key, side), runs in rounds.items() if key == name}
        for number, measured in enumerate(zip(*runs.values(), strict=True), start=1):
            check_alike(f"{name}, round {number}", dict(zip(runs, measured, strict=True)), threads)
        first = next(iter(runs.values()))[0]
        known = [side for side, measured in runs.items() if measured[0].digest is not None]
        yield (
            f"{name}: each of {len(runs)} sides was asked {first.prompts} prompts of "
            f"{first.prompt_tokens:,} tokens, by digests the same ones for {len(known)} of them, "
            f"and wrote {first.new_tokens:,} new tokens."
        )


def check_alike(name: str, measured: Mapping[str, Measurement], threads: int) -> None:
    """Raise SystemExit, naming a side, where sides did not do the same work."""
    first_side, first = next(iter(measured.items()))
    for side, run in measured.items():
        if run.new_tokens != NEW_TOKENS * run.prompts:
            raise SystemExit(
                f"{name}: {side} wrote {run.new_tokens:,} tokens in place of "
                f"{NEW_TOKENS * run.prompts:,}, {NEW_TOKENS} for each of {run.prompts} prompts."
            )
        if run.threads != threads:
            raise SystemExit(f"{name}: {side} computed on {run.threads} threads, not {threads}.")
        for field in ("prompts", "prompt_tokens", "digest"):
            value, expected = getattr(run, field), getattr(first, field)
            if None not in {value, expected} and value != expected:
                raise SystemExit(
                    f"{name}: {field} of {side} is {value}, and {expected} of {first_side}."
                )
