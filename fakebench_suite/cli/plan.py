"""``fakebench plan``: ask a few images of a run, and predict what all of it takes."""

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from fakebench_suite.cli.errors import say, stop
from fakebench_suite.cli.startup import reset_signals
from fakebench_suite.execution.forecast import (
    PredictedValue,
    TimePredictor,
    describe_seconds,
    forecast_total,
)
from fakebench_suite.runs.completeness import FILTERED
from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.runs.store import read_manifest, read_records
from fakebench_suite.tasks.registry import list_tasks
from fakebench_suite.tasks.subgroups import ALL
from fakebench_suite.text.display import count_of, to_single_line
from fakebench_suite.types import Record, Usage

IMAGES = 48
"""Images that are asked about: with FakeBench's nine prompts each, some seven work units."""
_OWN_SIZES = (
    "--sample",
    "--shard",
    "--resume",
    "--answers",
    "--reuse",
    "--gates",
    "--collect-only",
)
"""Options of a run that say how much of it is asked, or that nothing is."""


def plan(
    arguments: Annotated[list[str] | None, typer.Argument(help="the options of the run")] = None,
    images: Annotated[int, typer.Option(min=4, help="how many images are asked about")] = IMAGES,
) -> None:
    """Ask a few images of a run, and predict time, memory, tokens and cost of the whole.

    The answers are kept: fakebench run --reuse takes them over.
    """
    from fakebench_suite.plugin.arguments import join_option_values
    from fakebench_suite.plugin.run_clock import RunClock, measure_peak_memory
    from fakebench_suite.plugin.run_suite import run_suite

    arguments = join_option_values(arguments or [])
    for option in _OWN_SIZES:
        if any(word == option or word.startswith(f"{option}=") for word in arguments):
            stop(f"fakebench plan draws its own sample of the run; leave {option} out.")
    reset_signals()
    clock = RunClock()
    status = run_suite([*arguments, f"--sample={images}", "--gates=none"], plugins=[clock])
    if (
        status not in (0, 1)
        or clock.folder is None
        or not (clock.folder / "manifest.json").exists()
    ):
        raise SystemExit(status)
    manifest, records = read_manifest(clock.folder), list(read_records(clock.folder))
    say("")
    for line in describe_plan(manifest, records, clock.forecast, measure_peak_memory()):
        say(line)
    rest = shlex.join(["fakebench", "run", *_list_rest(arguments), f"--reuse={clock.folder}"])
    say(to_single_line(f"to ask the rest: {rest}"))
    raise SystemExit(status)


def _list_rest(arguments: Sequence[str]) -> Iterator[str]:
    """The options of the run that asks the rest: its own name and the gates that lie here."""
    from fakebench_suite.gates.config import choose_gates
    from fakebench_suite.plugin.run_suite import ROOT

    # The directory of that name holds the answers by now.
    yield from (word for word in arguments if not word.startswith("--run="))
    variable = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    gates = choose_gates(root=ROOT, where=Path.cwd())
    if gates is not None and not any(word.startswith("--gates") for word in variable):
        yield f"--gates={gates}"


def describe_plan(
    manifest: Manifest,
    records: Sequence[Record],
    times: TimePredictor | None,
    memory: dict[str, int],
) -> Iterator[str]:
    """The lines of a plan, from a sample's manifest, records and times, and its peak memory."""
    asked = {record.case.task for record in records}
    counts = manifest.population or {}
    population = {task: counts[task][ALL] for task in list_tasks() if task in asked}
    cases = sum(population.values())
    sampled = len({record.case.base_image for record in records})
    yield (
        f"plan of {count_of(cases, 'case')}, from {count_of(len(records), 'case')} about "
        f"{count_of(sampled, 'image')}:"
    )
    seconds = None if times is None else times.estimate(cases)
    if seconds is None:
        yield "  time        unknown: the sample ended too soon; take more by --images"
    else:
        yield f"  time        {_format(seconds, describe_seconds)}, once the model is loaded"
    for place, size in memory.items():
        yield f"  {place:<10}  {size / 1e9:.1f} GB at most in one process"
    yield from _describe_usage(records, population)
    if FILTERED in (manifest.partial or ()):
        left_out = f"what {manifest.filter!r} leaves out is counted, too"
        yield f"  cases       those of whole tasks: {left_out}"
    errors = sum(record.verdict.outcome.is_error for record in records)
    if errors:
        yield f"  errors      {errors} of {len(records)} cases ended in one, and have no amounts"


def _describe_usage(records: Sequence[Record], population: dict[str, int]) -> Iterator[str]:
    """Tokens and cost, where a server counted them."""
    for name, get, describe in _AMOUNTS:
        taken = {
            record.case.id: float(amount)
            for record in records
            if record.answer is not None
            and record.answer.usage is not None
            and (amount := get(record.answer.usage)) is not None
        }
        total = forecast_total(records, taken, population)
        if total is not None:
            yield f"  {name:<10}  {_format(total, describe)}"


def _describe_tokens(tokens: float) -> str:
    return f"{tokens:,.0f} tokens"


def _describe_cost(cost: float) -> str:
    return f"{cost:,.4g}"


_AMOUNTS: tuple[tuple[str, Callable[[Usage], float | None], Callable[[float], str]], ...] = (
    ("prompts", lambda usage: usage.prompt_tokens, _describe_tokens),
    ("replies", lambda usage: usage.completion_tokens, _describe_tokens),
    ("cost", lambda usage: usage.cost, _describe_cost),
)
"""What a server counts, and how a sum of it is written; the cost is in the card's currency."""


def _format(forecast: PredictedValue, describe: Callable[[float], str]) -> str:
    """A value with its interval, where it has one."""
    text = describe(forecast.value)
    if forecast.low is None or forecast.high is None:
        return text
    return f"{text} ({describe(forecast.low)} to {describe(forecast.high)})"
