"""The commands of ``fakebench``, which need no pytest but for ``run``."""

import sys
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from fakebench_suite import __version__
from fakebench_suite.cli.errors import (
    BrokenPipeConsole,
    SentenceErrorGroup,
    say,
    show_status,
    shows_colour,
    stop,
)
from fakebench_suite.cli.judge import calibrate_judge, compute_agreement, judge_app
from fakebench_suite.cli.plan import plan
from fakebench_suite.cli.runs import show_runs
from fakebench_suite.cli.startup import reset_signals, unwind_at_signals
from fakebench_suite.deprecation import rename_keys, warn_deprecated
from fakebench_suite.endpoints.names import mask_url
from fakebench_suite.errors import (
    FormatError,
    MissingWeightsError,
    UserError,
)
from fakebench_suite.files.parsing import decode_json
from fakebench_suite.files.paths import expand_home
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.metrics.paper_tables import FOOTNOTE, check_published, load_table
from fakebench_suite.report.paper_rows import format_table
from fakebench_suite.report.thumbnails import ReportImageSize
from fakebench_suite.runs.last import find_run
from fakebench_suite.runs.manifest import RunStatus
from fakebench_suite.tasks.registry import get_task, list_tasks
from fakebench_suite.text.display import (
    UNLIMITED_WIDTH,
    escape_json,
    escape_unencodable,
    to_single_line,
)
from fakebench_suite.types import QuestionType, Task

if TYPE_CHECKING:
    from fakebench_suite.datasets import DataSource

ImagesOption = Annotated[
    ReportImageSize,
    typer.Option("--report-images", help="full: also store lossless images in full size"),
]
_LEAST_WIDTH = 80
"""Columns that the tables of ``data`` need: in fewer, figures would be left out."""
app = typer.Typer(
    cls=SentenceErrorGroup,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(*, asked: bool) -> None:
    """Print the version of the suite, and leave."""
    if asked:
        say(f"fakebench-suite {__version__}")
        raise typer.Exit


@app.callback()
def describe(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=lambda asked: _print_version(asked=asked),
            help="print the version of the suite",
        ),
    ] = False,
) -> None:
    """Run FakeBench's cases, and work with runs, data sets, judges and models."""
    del version
    escape_unencodable()


class ReplyLine(msgspec.Struct, frozen=True):
    """One line of ``read``: a reply and the type of the question it answers."""

    question_type: QuestionType
    reply: str
    choices: tuple[str, ...] = ("The first one.", "The second one.")
    """The options, where the question is which of two images is fake or real."""


def _rename_question(value: Any) -> Any:
    """A line that calls the question type ``form``, as older versions did."""
    if not isinstance(value, dict):
        return value
    if "form" in value:
        warn_deprecated("the field 'form'", "'question_type'", where="standard input")
    return rename_keys(value, {"form": "question_type"})


@app.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
def run(
    arguments: Annotated[list[str] | None, typer.Argument(help="what pytest takes")] = None,
) -> None:
    """Run the cases: pytest, in the suite's own configuration wherever it is called."""
    from fakebench_suite.plugin.run_suite import run_suite

    reset_signals()
    raise SystemExit(run_suite(arguments or []))


app.command(name="plan", context_settings={"ignore_unknown_options": True})(plan)


@app.command()
def read(
    reading: Annotated[
        ReplyParserKind, typer.Option(help="the rule to read by")
    ] = ReplyParserKind.GRAMMAR,
) -> None:
    """Parse the label of replies, given as JSON lines on standard input.

    A line is {question_type, reply}; ``question_type`` is what, isfake, isreal or inference. For
    each, a line {verdict, reason} is printed; the verdict is fake, real, unparsed or refused. Of
    whichfake and whichreal it is the letter of one of ``choices``, unparsed or refused.
    """
    from fakebench_suite.grading.labels.choices import parse_choice
    from fakebench_suite.grading.verdict import select_parser

    if reading is ReplyParserKind.LIKELIHOOD:
        stop("--reading=likelihood asks the model itself; a written reply is read by the others.")
    read_reply = select_parser(reading)
    decoder = msgspec.json.Decoder(ReplyLine)
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if not line.strip():
            continue
        try:
            question = decode_json(line, decoder, rename=_rename_question)
        except FormatError as error:
            stop(
                f"line {number} of standard input is not {{question_type, reply}} as JSON: {error}"
            )
        if question.question_type in get_task(Task.COMPARISON).question_types:
            chosen = parse_choice(question.reply, question.choices, question.question_type)
            answer = {"verdict": str(chosen.choice), "reason": chosen.reason}
        else:
            parsed = read_reply(question.reply, question.question_type)
            answer = {"verdict": str(parsed.label), "reason": parsed.reason}
        sys.stdout.write(escape_json(msgspec.json.encode(answer).decode(), sys.stdout.encoding))
        sys.stdout.write("\n")
        sys.stdout.flush()


@app.command()
def tables(
    runs: Annotated[
        list[Path] | None, typer.Argument(help="run directories over one data set")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="recompute the aggregates")] = False,
) -> None:
    """Print the published Tables V to VIII, or with --check the rows that contradict themselves.

    With runs, print one table of their detection: models that write and detectors side by side.
    """
    if runs and check:
        stop("--check is about the published tables; leave it out, or name no run.")
    if runs:
        _show_leaderboard(runs)
        return
    if check:
        for line in check_published():
            say(line)
        return
    console = BrokenPipeConsole(width=200)
    for task in list_tasks():
        if not load_table(task):
            continue
        grid = format_table(task, load_table(task))
        table = Table(title=grid.title, title_justify="left", box=None, pad_edge=False)
        for name in grid.header:
            table.add_column(name, justify="left" if name == "model" else "right", no_wrap=True)
        for row in grid.rows:
            table.add_row(*row)
        console.print(table)
    console.print(FOOTNOTE)


def _show_leaderboard(runs: list[Path]) -> None:
    """Print several runs in one table."""
    from fakebench_suite.cli.leaderboard_text import format_leaderboard
    from fakebench_suite.workflows.leaderboard import rank_runs

    with show_status("scoring"):
        leaderboard = rank_runs([find_run(run) for run in runs])
    for text in format_leaderboard(leaderboard, colour=shows_colour()):
        say(text)


def _parse_data(text: str | None) -> "DataSource | Path | None":
    """What ``--data`` names, below the working directory; None where it was not given."""
    from fakebench_suite.datasets import parse_data

    return None if text is None else parse_data(text, below=Path())


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="a run directory")],
    baseline: Annotated[
        Path | None, typer.Option(help="another run directory to compare every case with")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="the run's data set, for images that are not stored yet")
    ] = None,
    size: ImagesOption = ReportImageSize.THUMBNAIL,
) -> None:
    """Write the HTML report of a run again: RUN/index.html and the files it loads."""
    from fakebench_suite.report.html import write_html_report
    from fakebench_suite.report.thumbnails import check_size, open_image_source
    from fakebench_suite.runs.differences import check_same_data
    from fakebench_suite.workflows.compare import compare_with_baseline

    run, baseline = find_run(run), baseline and find_run(baseline)
    if baseline is not None:
        check_same_data(run, baseline)
    images = open_image_source(run, _parse_data(data))
    check_size(size, images)
    compared = None if baseline is None else compare_with_baseline(run, baseline)
    page = write_html_report(run, images=images, size=size, baseline=compared)
    say(to_single_line(str(page)))


@app.command()
def merge(
    runs: Annotated[list[Path], typer.Argument(help="run directories, such as shards of one run")],
    into: Annotated[
        Path | None,
        typer.Option(help="the run directory to write, such as reports/whole; required"),
    ] = None,
    gates: Annotated[
        str | None, typer.Option(help="a gate file instead of the gates of the runs, or none")
    ] = None,
    baseline: Annotated[Path | None, typer.Option(help="an earlier run's directory")] = None,
    data: Annotated[
        str | None, typer.Option(help="the data set, for submission and images")
    ] = None,
    size: ImagesOption = ReportImageSize.THUMBNAIL,
) -> None:
    """Merge shards into one run and evaluate its gates; the exit status is as for a whole run."""
    from fakebench_suite.cli.comparison_text import format_merged_run
    from fakebench_suite.gates.config import load_gates
    from fakebench_suite.gates.status import FAILED, gates_exit_status
    from fakebench_suite.workflows.merge import merge_runs

    if into is None:
        raise UserError(
            "Where the merged run is to be written is not said. Add --into=DIR, such as "
            f"--into={Path('reports') / 'whole'}."
        )
    rules = None if gates is None else load_gates(gates, root=Path(), where=Path())
    with show_status("merging"):
        parts, before = [find_run(run) for run in runs], baseline and find_run(baseline)
        place = _parse_data(data)
        finalized = merge_runs(parts, into, gates=rules, baseline=before, data=place, size=size)
    for text in format_merged_run(finalized, colour=shows_colour()):
        say(text)
    manifest = finalized.manifest
    whole = manifest.status is RunStatus.FINISHED and not manifest.errors
    raise SystemExit(gates_exit_status(finalized.decisions) if whole else FAILED)


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="the earlier run's directory")],
    after: Annotated[Path, typer.Argument(help="the later run's directory")],
    items: Annotated[int, typer.Option(min=0, help="how many changed cases to name")] = 10,
) -> None:
    """Compare two runs: changes of metrics, and changed cases."""
    from fakebench_suite.cli.comparison_text import format_comparison
    from fakebench_suite.workflows.compare import compare_runs

    with show_status("comparing"):
        comparison = compare_runs(find_run(before), find_run(after))
    for text in format_comparison(comparison, items=items, colour=shows_colour()):
        say(text)


@app.command()
def data(
    path: Annotated[
        str | None, typer.Argument(help="a data set as for --data; default: the embedded probes")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="print all results as one JSON object")
    ] = False,
) -> None:
    """Validate a data set before a run; exit status 1 if cases would fail or scores be biased."""
    from fakebench_suite.datasets import open_dataset
    from fakebench_suite.datasets.validation import validate_dataset
    from fakebench_suite.report.data_validation_output import print_validation

    result = validate_dataset(open_dataset(_parse_data(path)))
    if as_json:
        say(escape_json(msgspec.json.encode(result).decode(), sys.stdout.encoding))
    else:
        console = BrokenPipeConsole()
        console.width = max(console.width, _LEAST_WIDTH)
        print_validation(result, console)
    raise SystemExit(not result.is_sound)


@app.command()
def models() -> None:
    """List the model cards, and whether their weights are on this machine."""
    from fakebench_suite.backends.cards import list_cards, locate_weights, read_card

    table = Table(box=None, pad_edge=False)
    for name in ("card", "checkpoint", "weights"):
        table.add_column(name, no_wrap=True)
    for name, path in list_cards().items():
        try:
            card = read_card(path, name=name)
            place = locate_weights(card)
            status = "none needed" if place is None else "here"
            source = card.repository or ("-" if place is None else str(place.name))
            if card.endpoint is not None:
                source = f"{card.endpoint.model}@{mask_url(card.endpoint.url)}"
        except MissingWeightsError:
            status, source = "absent", card.repository or "-"
        except UserError as error:
            status, source = str(error), str(path)
        table.add_row(*(Text(to_single_line(cell)) for cell in (name, source, status)))
    BrokenPipeConsole(width=UNLIMITED_WIDTH).print(table)


app.command("runs")(show_runs)
app.add_typer(judge_app, name="judge")


@app.command("audit", hidden=True)
@wraps(calibrate_judge)
def audit(*arguments: Any, **options: Any) -> None:
    """``judge calibrate``, by its old name."""
    warn_deprecated("'fakebench audit'", "'fakebench judge calibrate'", where="command line")
    calibrate_judge(*arguments, **options)


@app.command("agree", hidden=True)
@wraps(compute_agreement)
def agree(*arguments: Any, **options: Any) -> None:
    """``judge agreement``, by its old name."""
    warn_deprecated("'fakebench agree'", "'fakebench judge agreement'", where="command line")
    compute_agreement(*arguments, **options)


def main() -> None:
    """Run the command that is named on the command line."""
    unwind_at_signals()
    app(list(map(expand_home, sys.argv[1:])), prog_name="fakebench")
