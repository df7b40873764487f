"""Judging: the texts of a whole slice are graded together, and each case takes its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fakebench_suite.judges.audit import audit_judge
from fakebench_suite.judges.choice import open_judge
from fakebench_suite.judges.language.thinking import drop_thinking
from fakebench_suite.judges.panel import Judgement, TextJudge
from fakebench_suite.judges.rubric import Request
from fakebench_suite.plugin.options import Settings
from fakebench_suite.types import Answer, Case, Task

_CACHE = "judgements.sqlite"


class SliceJudgements:
    """Opens the judge at the first slice that has a text to grade."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._judge: TextJudge | None = None
        self._ready: dict[str, Judgement] = {}

    def grade(self, answered: Sequence[tuple[Case, Answer]]) -> None:
        """Grade what can be graded; whatever breaks is each text's judge error, and no verdict."""
        choice = self._settings.judge
        gradable = [(case, answer) for case, answer in answered if is_gradable(case)]
        if choice is None or not gradable:
            return
        try:
            if self._judge is None:
                self._judge = open_judge(choice, cache=find_cache(self._settings))
            judgements = self._judge.grade([make_request(*pair) for pair in gradable])
        except Exception as error:  # The answers are kept; only their grades are missing.
            why = f"{type(error).__name__}: {error}"
            judgements = [Judgement(failed=choice.rounds, why=why)] * len(gradable)
        for (case, _), judgement in zip(gradable, judgements, strict=True):
            self._ready[case.id] = judgement

    def take(self, case: Case) -> Judgement | None:
        """The judgement on a case's text; None where no judge was asked about it."""
        return self._ready.pop(case.id, None)


def audit_run(settings: Settings) -> dict[str, Any] | None:
    """The audit of this run's judge, for the manifest; None where no judge was asked."""
    if settings.judge is None:
        return None
    try:
        found = audit_judge(open_judge(settings.judge, cache=find_cache(settings)))
    except Exception as error:  # The scores stand; the judge is merely not vouched for.
        return {"passed": False, "why": f"{type(error).__name__}: {error}"}
    return {"passed": found.passed, "means": dict(found.means), "right": dict(found.right)}


def is_gradable(case: Case) -> bool:
    """Whether a judge has something to hold the text against."""
    return case.task is not Task.DETECTION and bool(case.expected)


def make_request(case: Case, answer: Answer) -> Request:
    """What the judge is shown of a case: never label, image name, generator or thoughts."""
    return Request(
        question=case.question,
        reference=[clue.text for clue in case.expected or ()],
        text=drop_thinking(answer.text),
    )


def find_cache(settings: Settings) -> Path:
    """The file of marks, shared by all runs below the same reports directory."""
    return settings.folder.parent / _CACHE
