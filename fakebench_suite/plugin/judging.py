"""Judging: the texts of a whole slice are graded together, and each case takes its own."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.grading.judges.base import Judgement, TextJudge
from fakebench_suite.grading.judges.calibration import calibrate
from fakebench_suite.grading.judges.registry import open_judge
from fakebench_suite.grading.judges.rubric import Request
from fakebench_suite.grading.labels.language.thinking import to_visible_text
from fakebench_suite.plugin.collection import get_plan, will_run_cases
from fakebench_suite.plugin.options import SETTINGS, Settings, is_worker
from fakebench_suite.text.redaction import redact
from fakebench_suite.types import Answer, Case, Task

_CACHE = "judgements.sqlite"
_REFUSED = "fakebench_refused_parameters"
JUDGE = pytest.StashKey[TextJudge]()
"""The judge of this process, once it was checked or asked."""


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Ask the judge once, before anything else is asked; raises UsageError where it fails."""
    option = config.option
    if is_worker(config) or not will_run_cases(config) or option.help or option.version:
        return
    if option.collectonly or option.setuponly or option.setupplan:
        return
    settings = config.stash[SETTINGS]
    if settings.judge is None or not any(is_gradable(case) for case in get_plan(config).cases):
        return
    try:
        judge = open_judge(settings.judge, cache=find_cache(settings))
        judge.check()
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[JUDGE] = judge


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker which parameters the judge refuses, so that it need not find out."""
    judge = node.config.stash.get(JUDGE, None)
    if judge is not None:
        node.workerinput[_REFUSED] = list(judge.describe().get("refused_parameters", ()))


def get_judge(config: pytest.Config) -> TextJudge | None:
    """The judge of this process, opened at the first call; None where none was asked for."""
    settings = config.stash[SETTINGS]
    if settings.judge is None:
        return None
    if JUDGE not in config.stash:
        config.stash[JUDGE] = open_judge(
            settings.judge,
            cache=find_cache(settings),
            dropped=getattr(config, "workerinput", {}).get(_REFUSED),
        )
    return config.stash[JUDGE]


def describe_judge(config: pytest.Config) -> Mapping[str, object]:
    """What the manifest says of the judge beside its name, once it was checked."""
    judge = config.stash.get(JUDGE, None)
    return {} if judge is None else judge.describe()


def make_grader(config: pytest.Config) -> "BatchGrader":
    """The judgements of this process on what it asks."""
    choice = config.stash[SETTINGS].judge
    return BatchGrader(partial(get_judge, config), rounds=choice.rounds if choice else 0)


class BatchGrader:
    """Opens the judge at the first slice that has a text to grade."""

    def __init__(self, find_judge: Callable[[], TextJudge | None], *, rounds: int) -> None:
        self._find_judge, self._rounds = find_judge, rounds
        self._ready: dict[str, Judgement] = {}

    def grade(self, answered: Sequence[tuple[Case, Answer]]) -> None:
        """Grade what can be graded; whatever breaks is each text's judge error, and no verdict."""
        gradable = [(case, answer) for case, answer in answered if is_gradable(case)]
        if not gradable:
            return
        try:
            judge = self._find_judge()
            if judge is None:
                return
            judgements = judge.grade([make_request(*pair) for pair in gradable])
        except Exception as error:  # The answers are kept; only their grades are missing.
            judgements = [self._lose(f"{type(error).__name__}: {error}")] * len(gradable)
        for (case, _), judgement in zip(gradable, judgements, strict=True):
            self._ready[case.id] = judgement

    def fail(self, case: Case, why: str) -> None:
        """Grade no text of this case: something broke its grading off."""
        if self._rounds and is_gradable(case) and case.id not in self._ready:
            self._ready[case.id] = self._lose(why)

    def _lose(self, why: str) -> Judgement:
        """The judgement where no round was answered."""
        return Judgement(failed=self._rounds, unanswered=self._rounds, reason=redact(why))

    def take(self, case: Case, answer: Answer) -> Judgement | None:
        """The judgement on a case's text; None where no judge has to be asked about it.

        A text that was not graded with its slice, because something broke that off, is graded now.
        """
        if case.id not in self._ready:
            self.grade([(case, answer)])
        return self._ready.pop(case.id, None)


def calibrate_run_judge(config: pytest.Config) -> dict[str, Any] | None:
    """The audit of this run's judge, for the manifest; None where no judge was asked."""
    try:
        judge = get_judge(config)
        if judge is None:
            return None
        found = calibrate(judge)
    except Exception as error:  # The scores stand; the judge is merely not vouched for.
        return {"passed": False, "why": redact(str(error) or type(error).__name__)}
    return {"passed": found.passed, "means": dict(found.means), "right": dict(found.right)}


def is_gradable(case: Case) -> bool:
    """Whether a judge has something to hold the text against."""
    return case.task is not Task.DETECTION and bool(case.expected)


def make_request(case: Case, answer: Answer) -> Request:
    """What the judge is shown of a case: never label, image name, generator or thoughts."""
    return Request(
        question=case.question,
        reference=[clue.text for clue in case.expected or ()],
        text=to_visible_text(answer.text),
    )


def find_cache(settings: Settings) -> Path:
    """The file of marks, shared by all runs below the same reports directory."""
    return settings.folder.parent / _CACHE
