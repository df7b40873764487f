"""Collection: one pytest item per case, in an order that the seed alone decides."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest

from fakebench_suite.backends.cards import BackendKind, Card, check_checkpoint, find_card
from fakebench_suite.datasets import open_dataset
from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.sampling import order_cases, select_shard
from fakebench_suite.datasets.wrong_paths import find_images_above
from fakebench_suite.errors import UserError
from fakebench_suite.grading.judges.registry import check_extra, check_weights
from fakebench_suite.grading.labels.result import ReplyParser
from fakebench_suite.plugin.options import (
    DEFAULT_MODEL,
    SETTINGS,
    Settings,
    is_worker,
    read_settings,
)
from fakebench_suite.runs.differences import check_data
from fakebench_suite.runs.store import check_run, read_manifest, read_records
from fakebench_suite.text.display import count_of
from fakebench_suite.types import Case, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What this run is about: the model, the data, and the cases in order."""

    settings: Settings
    card: Card
    dataset: Dataset
    cases: tuple[Case, ...]
    drawn: tuple[Case, ...]
    """The sample, or everything, of all tasks and over all shards."""
    planned: int
    """Cases to be asked over all shards: those of the chosen tasks in the sample."""


_PLAN = pytest.StashKey[RunPlan]()


def get_plan(config: pytest.Config) -> RunPlan:
    """The plan of this run, made at the first call; raises UsageError when it cannot be made."""
    if _PLAN not in config.stash:
        try:
            config.stash[_PLAN] = make_plan(
                config.stash[SETTINGS], asks=not config.option.collectonly
            )
        except UserError as error:
            raise pytest.UsageError(str(error)) from None
    return config.stash[_PLAN]


def name_folder(config: pytest.Config, folder: Path) -> None:
    """Let the settings, and the plan where there is one, name the run directory that was taken."""
    settings = replace(config.stash[SETTINGS], folder=folder)
    config.stash[SETTINGS] = settings
    if _PLAN in config.stash:
        config.stash[_PLAN] = replace(config.stash[_PLAN], settings=settings)


def make_plan(settings: Settings, *, asks: bool) -> RunPlan:
    """Model, data and cases of these settings; raises UserError when something does not fit.

    Where nothing will be asked, weights and images need not be there.
    """
    card = choose_card(settings)
    asks_model = asks and settings.answers is None
    if asks_model:
        remote_code = card.trust_remote_code and settings.remote_code
        check_checkpoint(card, remote_code=remote_code)
    if settings.reply_parser is ReplyParser.LIKELIHOOD and card.adapter is BackendKind.SCRIPTED:
        raise UserError(
            f"{card.name} is scripted and has no probabilities to read. "
            "Leave --reading=likelihood out, or choose a model with weights."
        )
    dataset = open_dataset(settings.data)
    for run in filter(None, (settings.answers, settings.baseline)):
        check_data(run, name=dataset.name, digest=dataset.digest)
    if settings.baseline is not None and asks:
        check_run(settings.baseline)
    if settings.judge is not None and asks:
        check_extra(settings.judge)
        check_weights(settings.judge)
    if asks_model and not dataset.has_images():
        assert settings.data is not None
        above = find_images_above(settings.data)
        hint = f"Did you mean --data={above}? " if above is not None else ""
        raise UserError(
            f"There are no images below {settings.data}. {hint}Put FakeBench's fake_images/ and "
            "real_images/ somewhere below it, or add --collect-only."
        )
    drawn = order_cases(
        choose_cases(settings.answers, dataset), seed=settings.seed, sample=settings.sample
    )
    cases = choose_tasks(drawn, settings.tasks, name=dataset.name)
    planned = len(cases)
    if settings.shard is not None:
        cases = select_shard(cases, settings.shard)
        if not cases:
            raise UserError(
                f"--shard={settings.shard} holds none of {count_of(planned, 'case')}. "
                "Use fewer shards."
            )
    return RunPlan(
        settings=settings,
        card=card,
        dataset=dataset,
        cases=tuple(cases),
        drawn=tuple(drawn),
        planned=planned,
    )


def choose_card(settings: Settings) -> Card:
    """The card of ``--model``, or with ``--answers`` the one the earlier run was made with."""
    if settings.answers is None:
        return find_card(settings.model)
    try:
        card = msgspec.convert(read_manifest(settings.answers)["model"]["card"], Card)
    except msgspec.ValidationError as error:
        raise UserError(
            f"The manifest of {settings.answers} holds a card that this version cannot read: "
            f"{error}. Ask the model again: leave --answers out."
        ) from error
    if settings.model not in (DEFAULT_MODEL, card.name, card.repository):
        raise UserError(
            f"{settings.answers} holds answers of {card.name}, not of {settings.model}. "
            "Leave --model out: with --answers no model is asked."
        )
    return card


def choose_cases(answers: Path | None, dataset: Dataset) -> Sequence[Case]:
    """All cases of the data set, or with ``--answers`` those the earlier run recorded."""
    if answers is None:
        return dataset.cases
    recorded = {record.case.id for record in read_records(answers)}
    return [case for case in dataset.cases if case.id in recorded]


def choose_tasks(cases: list[Case], tasks: Collection[Task] | None, *, name: str) -> list[Case]:
    """The cases of ``--tasks``; raises UserError where a task has none in the data set."""
    if tasks is None:
        return cases
    present = {case.task for case in cases}
    for task in tasks:
        if task not in present:
            raise UserError(
                f"{name} has no {task} case. Leave {task} out of --tasks; it has "
                f"{', '.join(one for one in Task if one in present)}."
            )
    return [case for case in cases if case.task in tasks]


def pytest_configure(config: pytest.Config) -> None:
    """Register the task markers, and meet the user's mistakes before any worker starts."""
    for task in Task:
        config.addinivalue_line("markers", f"{task}: FakeBench cases of this task")
    config.stash[SETTINGS] = read_settings(config)
    option = config.option
    if will_run_cases(config) and not is_worker(config) and not option.help and not option.version:
        get_plan(config)


def will_run_cases(config: pytest.Config) -> bool:
    """Whether cases are to be run: they are named, or an option speaks of them.

    Without an argument pytest runs ``cases``.
    """
    option = config.option
    spoken = (option.data, option.tasks, option.sample, option.shard, option.answers)
    named = any(is_place_of_cases(argument.partition("::")[0]) for argument in config.args)
    return named or option.model != DEFAULT_MODEL or any(one is not None for one in spoken)


def is_place_of_cases(place: str) -> bool:
    """Whether a path, or after --pyargs a module, lies in a directory ``cases``."""
    return "cases" in re.split(r"[/\\.]", place)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for ``case`` one item per case of the task it is marked with."""
    task = find_task(metafunc.definition)
    if task is None or "case" not in metafunc.fixturenames:
        return
    cases = [case for case in get_plan(metafunc.config).cases if case.task is task]
    metafunc.parametrize("case", cases, ids=[case.id for case in cases])


def find_task(node: pytest.Item) -> Task | None:
    """The task a test is marked with."""
    return next((task for task in Task if node.get_closest_marker(task)), None)


def get_case(item: pytest.Item) -> Case | None:
    """The case an item stands for; None for any other test."""
    params: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    case = params.get("case")
    return case if isinstance(case, Case) else None


def find_case(cases: Iterable[Case], nodeid: str) -> Case | None:
    """The case a node id stands for, as pytest wrote its id; None for any other test."""
    wanted = nodeid.partition("[")[2].removesuffix("]")
    return next(
        (case for case in cases if wanted in (case.id, case.id.encode("unicode_escape").decode())),
        None,
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Bring the cases into the plan's order: all tasks of an image lie side by side.

    A task without cases in this data set leaves no item behind. Other tests come first.
    """
    if not any(find_task(item) for item in items):
        return
    place = {case.id: index for index, case in enumerate(get_plan(config).cases)}
    empty = [item for item in items if get_case(item) is None and find_task(item)]
    if empty:
        config.hook.pytest_deselected(items=empty)
    kept = [item for item in items if item not in empty] if empty else items
    kept.sort(key=lambda item: place[case.id] if (case := get_case(item)) else -1)
    items[:] = kept
