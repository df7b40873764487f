"""Wrong words in ``-m`` and in node ids: the nearest right one is named."""

import re
from collections.abc import Collection, Iterator

import pytest

from fakebench_suite.errors import describe_choices, find_nearest
from fakebench_suite.execution.plan import RunPlan
from fakebench_suite.plugin.collection import (
    get_plan,
    is_place_of_cases,
    match_cases,
    will_run_cases,
)
from fakebench_suite.plugin.options import is_worker
from fakebench_suite.tasks.registry import get_task, list_tasks

_OPERATORS = frozenset({"and", "or", "not", "True", "False", "None"})
_ARGUMENTS = re.compile(r"\([^()]*=[^()]*\)")
"""Of a marker, as in ``device(serial=1)``."""


def list_marks(expression: str) -> Iterator[str]:
    """The markers that an expression of ``-m`` names."""
    for name in re.findall(r"[^\W\d]\w*", _ARGUMENTS.sub("", expression)):
        if name not in _OPERATORS:
            yield name


def check_marks(config: pytest.Config) -> None:
    """Raise UsageError where ``-m`` names a marker that no test may have."""
    lines: Collection[str] = config.getini("markers")
    known = {re.split(r"[:(]", line, maxsplit=1)[0].strip() for line in lines}
    for name in list_marks(config.option.markexpr or ""):
        if name not in known:
            raise pytest.UsageError(
                f"-m names {name!r}, which is no task and no registered marker; "
                f"{describe_choices(name, list_tasks())}. To use a marker of your own, register "
                "it in the setting 'markers' of pytest."
            )


def check_derived(config: pytest.Config) -> None:
    """Raise UsageError where ``-m`` asks for nothing but cases that an option has to add."""
    task = (config.option.markexpr or "").strip()
    if task not in list_tasks():
        return
    spec = get_task(task)
    if not (spec.derived or spec.on_request):
        return
    if not any(case.task == task for case in get_plan(config).cases):
        option = f"--{task}" if spec.derived else f"--tasks={task}"
        raise pytest.UsageError(f"-m {task} selects no case without {option}. Add it.")


def check_nodeids(config: pytest.Config, plan: RunPlan) -> None:
    """Raise UsageError where a node id names a case that there is not."""
    for argument in config.args:
        place, _, test = argument.partition("::")
        name, bracket, rest = test.partition("[")
        if not bracket or not is_place_of_cases(place):
            continue
        wanted = rest.removesuffix("]")
        if match_cases(plan.cases, [argument]):
            continue
        if match_cases(plan.dataset.cases, [argument]):
            raise pytest.UsageError(
                f"{wanted} is left out by --tasks, --sample, --shard or --answers. Leave these "
                "out, or name another case."
            )
        task = name.removeprefix("test_")
        ids = [case.id for case in plan.cases]
        near = find_nearest(wanted, [c.id for c in plan.cases if c.task == task] or ids)
        hint = f"; nearest: {place}::{name}[{near}]" if near is not None else ""
        raise pytest.UsageError(
            f"{plan.dataset.name} has no case {wanted!r}{hint}. --collect-only -q lists all."
        )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check once all markers are registered, before a worker starts."""
    if is_worker(config) or not will_run_cases(config):
        return
    check_marks(config)
    check_derived(config)
    check_nodeids(config, get_plan(config))
