"""Collection: one pytest item per case, in an order that the seed alone decides."""

import re
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path

import pytest

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.errors import UserError
from fakebench_suite.execution.plan import DEFAULT_MODEL, RunPlan, make_plan
from fakebench_suite.plugin.options import (
    SETTINGS,
    is_worker,
    read_settings,
    shows_information,
)
from fakebench_suite.runs.differences import check_data
from fakebench_suite.runs.store import check_run
from fakebench_suite.tasks.registry import get_task, list_tasks
from fakebench_suite.types import Case

_PLAN = pytest.StashKey[RunPlan]()


def get_plan(config: pytest.Config) -> RunPlan:
    """The plan of this run, made at the first call; raises UsageError when it cannot be made."""
    if _PLAN not in config.stash:
        settings = config.stash[SETTINGS]
        asks = not (config.option.collectonly or shows_information(config))
        try:
            plan = make_plan(settings, asks=asks)
            if settings.baseline is not None:
                check_baseline(settings.baseline, plan.dataset, whole=asks)
        except UserError as error:
            raise pytest.UsageError(str(error)) from None
        config.stash[_PLAN] = plan
    return config.stash[_PLAN]


def find_plan(config: pytest.Config) -> RunPlan | None:
    """The plan of this run, if it was made."""
    return config.stash.get(_PLAN, None)


def set_plan(config: pytest.Config, plan: RunPlan) -> None:
    """Let this be the plan of this run."""
    config.stash[_PLAN] = plan


def check_baseline(baseline: Path, dataset: Dataset, *, whole: bool) -> None:
    """Raise UserError where a run over other data is given, or with ``whole``, none that ended."""
    check_data(baseline, name=dataset.name, digest=dataset.digest)
    if whole:
        check_run(baseline)


def pytest_configure(config: pytest.Config) -> None:
    """Register the task markers, and meet the user's mistakes before any worker starts."""
    for task in list_tasks():
        config.addinivalue_line("markers", f"{task}: cases of this task ({get_task(task).title})")
    config.stash[SETTINGS] = read_settings(config)
    if will_run_cases(config) and not is_worker(config):
        get_plan(config)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say how much of robustness is asked, and what its budget leaves out."""
    plan = find_plan(config)
    if plan is None or plan.robustness is None:
        return []
    return [f"robustness: {plan.robustness}"]


def will_run_cases(config: pytest.Config) -> bool:
    """Whether cases are to be run: they are named, or an option speaks of them.

    Without an argument pytest runs ``cases``.
    """
    if shows_information(config):
        return False
    option = config.option
    choices = (
        option.data, option.tasks, option.sample, option.shard, option.answers, option.robustness,
    )  # fmt: skip
    named = any(is_place_of_cases(argument.partition("::")[0]) for argument in config.args)
    return named or option.model != DEFAULT_MODEL or any(choice is not None for choice in choices)


def is_place_of_cases(place: str) -> bool:
    """Whether a path, or after --pyargs a module, lies in a directory ``cases``."""
    return "cases" in re.split(r"[/\\.]", place)


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for ``case`` one item per case of the task it is marked with.

    It is the first to parametrize a test, so that the case comes first in node ids.
    """
    task = find_task(metafunc.definition)
    if task is None or "case" not in metafunc.fixturenames or shows_information(metafunc.config):
        return
    cases = [case for case in get_plan(metafunc.config).cases if case.task == task]
    metafunc.parametrize("case", cases, ids=[case.id for case in cases])


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector) -> Generator[None, object, object]:
    """Collect no test of a task without cases, for which pytest would count a placeholder.

    The data set has no case of it, or the task is asked on request and was not requested.
    """
    items = yield
    if not isinstance(items, list) or not items or not isinstance(items[0], pytest.Function):
        return items
    task = find_task(items[0])
    if task is None or get_case(items[0]) is not None or "case" not in items[0].fixturenames:
        return items
    if shows_information(collector.config):
        return items
    plan = get_plan(collector.config)
    cases = plan.cases if get_task(task).on_request else plan.dataset.cases
    return items if any(case.task == task for case in cases) else []


def find_task(node: pytest.Item) -> str | None:
    """The task a test is marked with."""
    return next((task for task in list_tasks() if node.get_closest_marker(task)), None)


def get_case(item: pytest.Item) -> Case | None:
    """The case an item stands for; None for any other test."""
    callspec = getattr(item, "callspec", None)
    case = None if callspec is None else callspec.params.get("case")
    return case if isinstance(case, Case) else None


def image_of(nodeid: str) -> str:
    """The image group in a node id, ``...[<image>:<what is asked>]``; else the id itself."""
    _, bracket, parameter = nodeid.partition("[")
    image, colon, _ = parameter.partition(":")
    return image if bracket and colon else nodeid


def match_cases(cases: Iterable[Case], nodeids: Iterable[str]) -> dict[str, Case]:
    """The case of each node id that stands for one, as pytest writes node ids.

    Further parameters of a test stand behind the case, a hyphen before each.
    """
    known: dict[str, Case] = {}
    for case in cases:
        known[case.id] = known[case.id.encode("unicode_escape").decode()] = case
    functions: dict[str, list[str]] = {}
    for nodeid in nodeids:
        function, bracket, parameters = nodeid.partition("[")
        if bracket:
            functions.setdefault(function, []).append(parameters.removesuffix("]"))
    matched = {}
    for function, texts in functions.items():
        # All tests of a function have the same parameters, so its ids are all exact or none is.
        exact = all(text in known for text in texts)
        for text in texts:
            match = known[text] if exact else _match_beginning(known, text)
            if match is not None:
                matched[f"{function}[{text}]"] = match
    return matched


def _match_beginning(cases: Mapping[str, Case], text: str) -> Case | None:
    """The case with the longest id that a text begins with, before a hyphen."""
    end = text.rfind("-")
    while end > 0:
        if text[:end] in cases:
            return cases[text[:end]]
        end = text.rfind("-", 0, end)
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Bring the cases into the plan's order: all tasks of an image lie side by side.

    A task without cases in this data set leaves no item behind. Other tests come first.
    """
    if shows_information(config) or not any(find_task(item) for item in items):
        return
    place = {case.id: index for index, case in enumerate(get_plan(config).cases)}
    empty = [item for item in items if is_without_case(item)]
    if empty:
        config.hook.pytest_deselected(items=empty)
    kept = [item for item in items if item not in empty] if empty else items
    kept.sort(key=lambda item: place[case.id] if (case := get_case(item)) else -1)
    items[:] = kept
    share_locations(items)


def is_without_case(item: pytest.Item) -> bool:
    """Whether a test asks for a case of its task, and there is none."""
    asks = isinstance(item, pytest.Function) and "case" in item.fixturenames
    return asks and get_case(item) is None and find_task(item) is not None


def share_locations(items: Iterable[pytest.Item]) -> None:
    """Give all cases of a test function the file and line that pytest finds for the first of them.

    pytest looks for them anew in each item when it runs, which takes a twentieth of a run whose
    model takes no time (benchmarks/harness.py). Only the end of the third part, the name of the
    test, differs.
    """
    places: dict[tuple[object, str], tuple[str, int | None, str]] = {}
    for item in items:
        if type(item) is not pytest.Function or get_case(item) is None:
            continue  # A class of another package may have a place of its own for each item.
        function = item.parent, item.originalname
        if function not in places:
            file, line, name = item.location
            places[function] = file, line, name.removesuffix(item.name)
        file, line, prefix = places[function]
        item.location = file, line, f"{prefix}{item.name}"
