"""``fakebench judge``: calibrate a judge, and measure how far two judges agree."""

from contextlib import closing, nullcontext
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from fakebench_suite.cli.errors import MACHINE, say, show_status, stop
from fakebench_suite.errors import CalibrationError, UserError
from fakebench_suite.grading.judges.base import StoppableJudge
from fakebench_suite.grading.judges.calibration import MIN_ORDERED_SHARE, calibrate
from fakebench_suite.grading.judges.registry import (
    ALLOWED_JUDGES,
    MAX_ROUNDS,
    check_judge,
    open_judge,
    parse_judge,
)
from fakebench_suite.runs.differences import check_other_run
from fakebench_suite.runs.last import find_run
from fakebench_suite.runs.store import read_all_records, read_manifest
from fakebench_suite.text.display import count_of, to_single_line

judge_app = typer.Typer(no_args_is_help=True, help="Calibrate a judge, or compare two.")


@judge_app.command("calibrate")
def calibrate_judge(
    judge: Annotated[
        str | None, typer.Option(help=f"the judge to calibrate: {ALLOWED_JUDGES}; required")
    ] = None,
    rounds: Annotated[
        int,
        typer.Option("--judge-rounds", min=1, max=MAX_ROUNDS, help="rounds per text, averaged"),
    ] = 5,
    reports: Annotated[Path, typer.Option(help="directory of the cache of ratings")] = Path(
        "reports"
    ),
) -> None:
    """Calibrate a judge on texts whose order is known.

    The exit status is 1 if it ranks them wrongly, 2 if it cannot be asked, and 3 if the judge or
    this machine fails before the calibration ends.
    """
    if judge is None:
        raise UserError(f"Which judge to calibrate is not said. Add --judge={ALLOWED_JUDGES}.")
    choice = parse_judge(judge, rounds=rounds)
    try:
        with show_status("asking the judge"):
            opened = open_judge(choice, cache=reports / "judgements.sqlite")
            with closing(opened) if isinstance(opened, StoppableJudge) else nullcontext():
                check_judge(opened)
                calibration = calibrate(opened)
    except CalibrationError as error:
        message = f"The judge {choice.name} could not be calibrated: {to_single_line(str(error))}"
        stop(message, status=MACHINE)
    if not any(value is not None for value in calibration.means.values()):
        stop(f"The judge {choice.name} gave no ratings of known texts.", status=MACHINE)
    name = to_single_line(calibration.judge)
    say(f"{name}, {count_of(rounds, 'round')}" if choice.gives_ratings else name)
    described = msgspec.to_builtins(opened.describe())
    for key, value in (described | described.pop("details", {})).items():
        words = ", ".join(value) if isinstance(value, list) else value
        say(f"  {key.replace('_', ' ')}: {words}")
    for kind, value in calibration.means.items():
        say(f"  {kind:<12} {'no ratings' if value is None else f'{value:.2f} of 2'}")
    for comparison, share in calibration.right.items():
        verdict = "sufficient" if share >= MIN_ORDERED_SHARE else f"below {MIN_ORDERED_SHARE:.0%}"
        say(f"  {comparison:<24} right on {share:.0%} of the images: {verdict}")
    say("calibration passed" if calibration.passed else "calibration failed")
    raise SystemExit(not calibration.passed)


@judge_app.command("agreement")
def compute_agreement(
    run: Annotated[Path, typer.Argument(help="a run directory with judged texts")],
    other: Annotated[
        Path, typer.Argument(help="a run directory with the same texts, judged by another judge")
    ],
) -> None:
    """Measure the agreement of two runs' judges on the same texts (Krippendorff's alpha)."""
    from fakebench_suite.metrics.agreement import measure_agreement

    folders = find_run(run), find_run(other)
    check_other_run(*folders)
    first, second = (read_all_records(folder, read_manifest(folder)) for folder in folders)
    agreement = measure_agreement(first, second)
    judges = " and ".join(map(to_single_line, agreement.judges))
    say(f"{count_of(agreement.texts, 'text')} graded by both: {judges}")
    say(f"alpha {agreement.alpha:.3f} (interval scale; 1 is perfect, 0 is chance)")
    say(f"mean difference {agreement.difference:+.3f} of 2")
