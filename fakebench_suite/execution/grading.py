"""Grading of texts: those of a work unit go to the judge together, each case takes its own."""

from collections.abc import Callable, Sequence

from fakebench_suite.errors import RunStoppedError
from fakebench_suite.grading.judges.base import Judgement, StoppableJudge, TextJudge
from fakebench_suite.grading.judges.rubric import RatingRequest
from fakebench_suite.tasks.registry import get_task
from fakebench_suite.text.redaction import redact
from fakebench_suite.text.thoughts import to_visible_text
from fakebench_suite.types import Answer, Case, FinishReason

_STOPPED = "the run was stopped before the judge was asked"


class BatchGrader:
    """Grades the texts of answered work units with a judge that is opened when the first is there.

    ``find_judge`` gives the judge. ``rounds`` is how often it rates each text, and ``name`` what
    its scores are called.
    """

    def __init__(self, find_judge: Callable[[], TextJudge], *, rounds: int, name: str) -> None:
        self._find_judge, self._rounds, self.name = find_judge, rounds, name
        self._ready: dict[str, Judgement] = {}
        self._stopped = False
        self._judge: TextJudge | None = None
        """Once it was asked."""

    def stop(self) -> None:
        """Ask the judge about no further text: what is left is a judge error, graded on resume.

        A judge that can be stopped sends nothing any more, and soon gives up what it has sent.
        """
        self._stopped = True
        if isinstance(self._judge, StoppableJudge):
            self._judge.stop(_STOPPED)

    def grade(self, answered: Sequence[tuple[Case, Answer]]) -> None:
        """Grade what can be graded; whatever breaks is each text's judge error, and no verdict."""
        gradable = [
            (case, answer)
            for case, answer in answered
            if is_gradable(case) and answer.finish_reason is not FinishReason.CONTENT_FILTER
        ]
        if not gradable:
            return
        try:
            if not self._stopped:
                self._judge = self._find_judge()
            if self._stopped or self._judge is None:
                raise RunStoppedError(_STOPPED)
            judgements = list(self._judge.grade([make_request(*pair) for pair in gradable]))
            if len(judgements) != len(gradable):
                raise ValueError(f"{len(judgements)} judgements on {len(gradable)} texts")
        except Exception as error:  # The answers are kept; only their scores are missing.
            kind = "" if self._stopped else f"{type(error).__name__}: "
            judgements = [self._lose(f"{kind}{error}")] * len(gradable)
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

        A text that was not graded with its work unit, because something broke that off, is graded
        now.
        """
        if case.id not in self._ready:
            self.grade([(case, answer)])
        return self._ready.pop(case.id, None)


def is_gradable(case: Case) -> bool:
    """Whether there is a reference that a judge can compare the text with."""
    return get_task(case.task).grades_texts and bool(case.expected)


def make_request(case: Case, answer: Answer) -> RatingRequest:
    """What the judge is shown of a case: never label, image name, generator or thoughts."""
    return RatingRequest(
        question=case.question,
        reference=[clue.text for clue in case.expected or ()],
        text=to_visible_text(answer.text),
    )
