"""Print the validation of a data set: counts, issues, leakage and the conclusion."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fakebench_suite.datasets.validation.issues import (
    Issue,
    IssueInstance,
    LeakageResult,
    Reach,
    Severity,
    SubgroupCount,
    ValidationResult,
)
from fakebench_suite.text.display import count_of, to_single_line

_MAX_INSTANCES, _MAX_VALUES, _MAX_ROWS = 3, 2, 20
"""Most instances of an issue, values of a feature and rows of a count that are shown."""
_VALUE_LENGTH, _NAME_LENGTH, _DETAIL_LENGTH = 24, 60, 240
"""Lengths at which a value, a name and an explanation are shortened."""
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}
_LEAKS_NOTE = (
    "Balanced accuracy of the best rule over one feature alone, by 5-fold "
    "cross-validation (0.5 is chance, * significantly above it):"
)
_EXPOSURE_NOTE = (
    "Models receive decoded RGB pixels and the question. Names, folders and metadata never reach "
    "them; size and wording do; format, coding and colour mode leave traces in the pixels."
)


def print_validation(result: ValidationResult, console: Console) -> None:
    """Print all results, the conclusion last; names are untrusted and never markup."""
    totals = result.totals
    console.print(
        Text(f"{to_single_line(result.name)} ({result.kind}), digest {result.digest[:12]}", "bold")
    )
    if result.licence is not None:
        console.print(Text(f"Licence: {to_single_line(result.licence)}"))
    if result.note:
        console.print(Text(f"{to_single_line(result.note)}."))
    console.print(
        f"{count_of(totals.cases, 'case')} on {count_of(totals.images, 'image')}; "
        f"{totals.withheld:,} of {count_of(totals.texts, 'reference')} withheld; "
        f"{totals.unlabelled:,} of {count_of(totals.detections, 'detection label')} missing",
        highlight=False,
    )
    console.print()
    console.print(_counts_table(result.counts))
    for finding in result.findings:
        console.print()
        _print_issue(finding, console)
    console.print()
    _print_leaks(result.leaks, console)
    console.print()
    console.print(_conclude(result))


def _counts_table(counts: Sequence[SubgroupCount]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("by")
    table.add_column("value")
    table.add_column("cases", justify="right")
    table.add_column("images", justify="right")
    for by in dict.fromkeys(count.by for count in counts):
        rows = [count for count in counts if count.by == by]
        for number, count in enumerate(rows[:_MAX_ROWS]):
            label = "" if number else by
            table.add_row(
                label, _shorten(count.value, _NAME_LENGTH), f"{count.cases:,}", f"{count.images:,}"
            )
        if len(rows) > _MAX_ROWS:
            table.add_row("", f"and {len(rows) - _MAX_ROWS:,} more", "", "")
    return table


def _print_issue(finding: Issue, console: Console) -> None:
    line = Text(f"{finding.severity}: ", _STYLES[finding.severity])
    count = f": {len(finding.items):,}" if finding.items else ""
    console.print(line.append(f"{to_single_line(finding.name)}{count}", "default"))
    lines = [finding.meaning, *map(_describe_item, finding.items[:_MAX_INSTANCES])]
    if len(finding.items) > _MAX_INSTANCES:
        lines.append(f"... and {len(finding.items) - _MAX_INSTANCES:,} more (--json lists all)")
    for text in lines:
        console.print(Padding(Text(text), (0, 0, 0, 4), expand=False))


def _describe_item(item: IssueInstance) -> str:
    if item.detail.startswith(item.images[0]):  # Errors name their image themselves.
        return f"- {_shorten(item.detail, _DETAIL_LENGTH)}"
    names = " = ".join(_shorten(name, _NAME_LENGTH) for name in item.images[:_MAX_INSTANCES])
    more = (
        f" = {len(item.images) - _MAX_INSTANCES:,} more"
        if len(item.images) > _MAX_INSTANCES
        else ""
    )
    return f"- {names}{more}{f' ({_shorten(item.detail, _DETAIL_LENGTH)})' if item.detail else ''}"


def _print_leaks(leaks: Sequence[LeakageResult], console: Console) -> None:
    if not leaks:
        console.print("No image has a label.")
        return
    console.print(Text("Can the label be predicted without the pixels?", "bold"))
    console.print(Text(_LEAKS_NOTE))
    varied = [leak for leak in leaks if leak.values > 1]
    if varied:
        console.print(_leaks_table(varied))
    same = [leak.feature for leak in leaks if leak.values == 1]
    if same:
        console.print(Text(f"The same for every image: {', '.join(same)}."))
    console.print(Text(_EXPOSURE_NOTE))


def _leaks_table(leaks: Sequence[LeakageResult]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("feature", no_wrap=True)
    table.add_column("accuracy", justify="right", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    table.add_column("exposed", no_wrap=True)
    table.add_column("for instance (fake, real)")
    for leak in leaks:
        value = leak.balanced_accuracy
        shown = "too few" if value is None else f"{value:.3f}{'*' if leak.tells else ' '}"
        loud = leak.tells and leak.reach is not Reach.NEVER
        table.add_row(
            leak.feature,
            Text(shown, "bold yellow" if loud else ""),
            f"{leak.n:,}",
            leak.reach,
            Text("; ".join(_list_shares(leak))),
        )
    return table


def _list_shares(leak: LeakageResult) -> Iterator[str]:
    for share in leak.shares[:_MAX_VALUES]:
        yield f"{_shorten(share.value, _VALUE_LENGTH)} ({share.fake:,}, {share.real:,})"


def _conclude(result: ValidationResult) -> Text:
    errors = sum(finding.severity is Severity.ERROR for finding in result.findings)
    warnings = len(result.findings) - errors
    telling = [leak for leak in result.leaks if leak.tells]
    loud = [leak.feature for leak in telling if leak.reach is not Reach.NEVER]
    given = {"directory"} if result.kind == "folder" else set()
    quiet = [
        leak.feature for leak in telling if leak.reach is Reach.NEVER and leak.feature not in given
    ]
    text = Text()
    if errors:
        text.append(f"Not fit to run: {errors} kind{'s' * (errors > 1)} of error", "bold red")
    else:
        text.append("No errors", "bold green")
    text.append(f", {count_of(warnings, 'warning') if warnings else 'no warnings'}")
    text.append("." if errors else ": every image can be shown, and none has both labels.")
    if loud:
        text.append(
            f"\nThe label can be predicted from {', '.join(loud)}, which models are exposed to: "
            "scores may partly depend on it.",
            "yellow",
        )
    if quiet:
        text.append(
            f"\nThe label can be predicted from {', '.join(quiet)}, which models never receive."
        )
    if given:
        text.append(
            "\nThe directories are the labels, as you laid them out; models never see them."
        )
    return text


def _shorten(name: str, length: int) -> str:
    name = to_single_line(name)
    return name if len(name) <= length else f"{name[: length - 3]}..."
