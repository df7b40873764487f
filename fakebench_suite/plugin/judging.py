"""The text judge of this process: checked before anything is asked, and shared with workers."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.execution.grading import BatchGrader, is_gradable
from fakebench_suite.grading.judges.base import StoppableJudge, TextJudge
from fakebench_suite.grading.judges.calibration import calibrate
from fakebench_suite.grading.judges.registry import check_judge, open_judge
from fakebench_suite.plugin.collection import get_plan, will_run_cases
from fakebench_suite.plugin.options import SETTINGS, Settings, count_processes, is_worker
from fakebench_suite.provenance import JudgeInfo
from fakebench_suite.runs.manifest import ManifestCalibration
from fakebench_suite.text.redaction import redact

_CACHE = "judgements.sqlite"
_REFUSED = "fakebench_refused_parameters"
_GIVEN_UP = "fakebench_judge_given_up"
_REASONS = pytest.StashKey[list[str]]()
"""Why workers gave the judge up, in the order in which they ended."""
JUDGE = pytest.StashKey[TextJudge]()
"""The judge of this process, once it was checked or asked."""


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Ask the judge once, before anything else is asked; raises UsageError where it fails."""
    option = config.option
    if is_worker(config) or not will_run_cases(config):
        return
    if option.collectonly or option.setuponly or option.setupplan:
        return
    settings = config.stash[SETTINGS]
    if settings.judge is None or not any(is_gradable(case) for case in get_plan(config).cases):
        return
    try:
        judge = open_judge(settings.judge, cache=find_cache(settings))
        check_judge(judge)
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[JUDGE] = judge


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker which parameters the judge refuses, so that it need not find out."""
    judge = node.config.stash.get(JUDGE, None)
    if judge is not None:
        node.workerinput[_REFUSED] = judge.describe().refused_parameters


def get_judge(config: pytest.Config) -> TextJudge:
    """The judge of ``--judge`` in this process, opened at the first call."""
    settings = config.stash[SETTINGS]
    assert settings.judge is not None
    if JUDGE not in config.stash:
        config.stash[JUDGE] = open_judge(
            settings.judge,
            cache=find_cache(settings),
            dropped=getattr(config, "workerinput", {}).get(_REFUSED),
            workers=count_processes(),
        )
    return config.stash[JUDGE]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the controller why this worker gave the judge up."""
    config = session.config
    if is_worker(config):
        config.workeroutput[_GIVEN_UP] = find_given_up(config)  # type: ignore[attr-defined]  # xdist's


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker that is done told; one that crashed has told nothing."""
    reason = getattr(node, "workeroutput", {}).get(_GIVEN_UP)
    if reason is not None:
        node.config.stash.setdefault(_REASONS, []).append(reason)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close the connections to the judge."""
    judge = config.stash.get(JUDGE, None)
    if isinstance(judge, StoppableJudge):
        judge.close()


def find_given_up(config: pytest.Config) -> str | None:
    """Why the judge was not asked any more, here or in a worker; None where it was to the end."""
    judge = config.stash.get(JUDGE, None)
    own = judge.given_up if isinstance(judge, StoppableJudge) else None
    return next(filter(None, [own, *config.stash.get(_REASONS, [])]), None)


def describe_judge(config: pytest.Config) -> JudgeInfo | None:
    """What the judge says of itself, once it was checked; raises UsageError if it says nothing."""
    judge = config.stash.get(JUDGE, None)
    info = None if judge is None else judge.describe()
    if judge is not None and not isinstance(info, JudgeInfo):
        raise pytest.UsageError(
            f"The judge {judge.name} describes itself by a {type(info).__name__}. Its describe() "
            "must return a fakebench_suite.provenance.JudgeInfo."
        )
    return info


def make_grader(config: pytest.Config) -> BatchGrader | None:
    """The grader of the texts that this process asks for; None where no judge is asked."""
    choice = config.stash[SETTINGS].judge
    if choice is None:
        return None
    return BatchGrader(partial(get_judge, config), rounds=choice.rounds, name=choice.name)


def calibrate_run_judge(config: pytest.Config) -> ManifestCalibration | None:
    """The calibration of this run's judge; None where no judge was asked.

    One that was given up is not asked again, here either.
    """
    if config.stash[SETTINGS].judge is None:
        return None
    reason = find_given_up(config)
    if reason is not None:
        return ManifestCalibration(passed=False, reason=reason)
    try:
        result = calibrate(get_judge(config))
    except Exception as error:  # The scores stand; the judge is merely not vouched for.
        return ManifestCalibration(passed=False, reason=redact(str(error) or type(error).__name__))
    return ManifestCalibration(
        passed=result.passed, means=dict(result.means), right=dict(result.right)
    )


def find_cache(settings: Settings) -> Path:
    """The file of marks, shared by all runs below the same reports directory."""
    return settings.folder.parent / _CACHE
