"""Answer -> verdict: what passes, task by task (docs/concepts.md, "What passes")."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from fakebench_suite.errors import JudgeError
from fakebench_suite.grading.judges.base import Judgement
from fakebench_suite.grading.labels.keywords import parse_keywords
from fakebench_suite.grading.labels.language.thinking import to_visible_text
from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.grading.labels.result import NoLabel, ParsedLabel, ReplyParser
from fakebench_suite.grading.probe_texts import f1_of_named, named_criteria, parse_natural
from fakebench_suite.text.display import count_of
from fakebench_suite.types import (
    Answer,
    Authenticity,
    Case,
    FinishReason,
    Outcome,
    QuestionType,
    Task,
    Verdict,
)

PASS_MARK = 1.0
"""Mean judged score, of 2, from which a text passes."""
_EVEN = 0.5
_REQUIRED_START = "this is a fake image because"


def judge(
    case: Case,
    answer: Answer,
    rule: ReplyParser = ReplyParser.GRAMMAR,
    judgement: Judgement | None = None,
    judge_name: str = "exact",
) -> Verdict:
    """The verdict on one answer; texts without a gradable reference are unscored.

    ``judgement`` is a text judge's, and takes the place of exact grading. Raises JudgeError when
    the judge was asked and gave nothing.
    """
    text = to_visible_text(answer.text)
    cut = answer.finish_reason is FinishReason.LENGTH
    limit = f"cut off at the token limit, {count_of(answer.tokens, 'token')}"
    if cut and not text and case.task is not Task.DETECTION and case.expected:
        why = f"{limit}, before it said anything"
        return Verdict(outcome=Outcome.TRUNCATED, reason=why)
    grader = TextGrader(judgement=judgement, name=judge_name)
    verdict = _judge(case, answer, text, rule, grader)
    if verdict.outcome is Outcome.UNPARSED and cut:
        why = f"{limit}, before a verdict"
        return replace(verdict, outcome=Outcome.TRUNCATED, reason=why)
    return verdict


def select_parser(rule: ReplyParser) -> Callable[[str, QuestionType], ParsedLabel]:
    """What reads the label of a whole reply, thoughts included, in a run as on the command line."""
    return parse_keywords if rule is ReplyParser.PAPER else parse_label


def _judge(
    case: Case, answer: Answer, text: str, rule: ReplyParser, grade: "TextGrader"
) -> Verdict:
    """Labels are read from the whole reply, texts are graded without its thoughts."""
    read = select_parser(rule)
    match case.task:
        case Task.DETECTION if rule is ReplyParser.LIKELIHOOD and answer.p_fake is not None:
            return judge_label(case, _read_likelihood(answer.p_fake))
        case Task.DETECTION:
            return judge_label(case, read(answer.text, case.question_type))
        case Task.INTERPRETATION:
            obeyed = text.lstrip().lower().startswith(_REQUIRED_START)
            return replace(grade.judge_text(case, text), followed_format=obeyed)
        case Task.REASONING:
            return grade.judge_reasoning(case, text, read(answer.text, case.question_type))
        case Task.ANALYSIS:
            return grade.judge_text(case, text)


def _read_likelihood(p_fake: float) -> ParsedLabel:
    if p_fake == _EVEN:
        return ParsedLabel(label=NoLabel.UNPARSED, reason="both options are equally likely")
    said = Authenticity.FAKE if p_fake > _EVEN else Authenticity.REAL
    return ParsedLabel(label=said, reason=f"P(fake) is {p_fake:.3f}")


def judge_label(case: Case, reading: ParsedLabel) -> Verdict:
    """Correct when the reply asserts the label; everything else is a miss of its own kind."""
    if case.label is None:
        return Verdict(
            outcome=Outcome.UNSCORED, label=str(reading.label), reason="the label is withheld"
        )
    if reading.label is NoLabel.REFUSED:
        return Verdict(outcome=Outcome.REFUSED, reason=reading.reason)
    if reading.label is NoLabel.UNPARSED:
        return Verdict(outcome=Outcome.UNPARSED, reason=reading.reason)
    said = str(reading.label)
    right = reading.label == case.label
    outcome = Outcome.CORRECT if right else Outcome.INCORRECT
    return Verdict(outcome=outcome, label=said, reason=reading.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextGrader:
    """Grades texts: by a judge's judgement where there is one, else exactly, else not at all."""

    judgement: Judgement | None
    name: str

    def judge_reasoning(self, case: Case, text: str, reading: ParsedLabel) -> Verdict:
        """The conclusion must be right and, where the clue can be graded, the clue must pass."""
        verdict = judge_label(case, reading)
        exact = case.paired_image is not None and case.label is not Authenticity.REAL
        if not case.expected or not (exact or self.judgement):
            return verdict
        # A failed judgement raises for right and wrong conclusions alike: dropping only the right
        # ones would bend the accuracy.
        clue = self.judge_text(case, text)
        if clue.outcome is Outcome.UNSCORED:  # A stand-in's score stands beside the conclusion.
            return replace(verdict, score=clue.score, judge=clue.judge)
        if verdict.outcome is Outcome.CORRECT:
            return replace(clue, label=verdict.label, reason=f"{verdict.reason}; {clue.reason}")
        return replace(clue, outcome=verdict.outcome, label=verdict.label, reason=verdict.reason)

    def judge_text(self, case: Case, text: str) -> Verdict:
        """A text passes from PASS_MARK on; without reference or judge it is unscored."""
        if not case.expected:
            return Verdict(outcome=Outcome.UNSCORED, reason="the reference is withheld")
        if self.judgement is not None:
            return self._apply(self.judgement)
        if case.paired_image is None:
            return Verdict(outcome=Outcome.UNSCORED, reason="no judge was asked to grade the text")
        return replace(judge_probe_text(case, text), judge="exact")

    def _apply(self, judgement: Judgement) -> Verdict:
        if judgement.score is None:
            raise JudgeError(
                f"no round gave marks ({judgement.failed} failed): {judgement.reason}",
                failed_rounds=judgement.failed,
            )
        if judgement.similarity is not None:
            # Rule 6: what a stand-in makes of a text is no verdict on it.
            why = f"{self.name} found a similarity of {judgement.score / 2:.2f}"
            return Verdict(
                outcome=Outcome.UNSCORED, score=judgement.score, reason=why, judge=self.name
            )
        passed = judgement.score >= PASS_MARK
        rounds = count_of(len(judgement.ratings), "round")
        return Verdict(
            outcome=Outcome.CORRECT if passed else Outcome.INCORRECT,
            score=judgement.score,
            reason=f"{self.name} gave {judgement.score:.2f} of 2 over {rounds}",
            judge=self.name,
            ratings=judgement.ratings,
            failed_rounds=judgement.failed,
        )


def judge_probe_text(case: Case, text: str) -> Verdict:
    """A text on a probe against what was planted, which is known exactly."""
    planted = next((clue.criterion for clue in case.expected or () if clue.criterion), None)
    if case.task is Task.ANALYSIS:
        return _judge_natural(text, sound=planted is None)
    assert planted is not None
    named = ", ".join(sorted(named_criteria(text))) or None
    score = f1_of_named(text, planted)
    outcome = Outcome.CORRECT if score >= PASS_MARK else Outcome.INCORRECT
    return Verdict(
        outcome=outcome, score=score, label=named, reason=f"named {named}, planted {planted}"
    )


def _judge_natural(text: str, *, sound: bool) -> Verdict:
    said = parse_natural(text)
    if said is None:
        why = "the reply calls the criterion neither natural nor unnatural, or both"
        return Verdict(outcome=Outcome.UNPARSED, reason=why)
    word, truth = ("natural" if value else "unnatural" for value in (said, sound))
    right = said == sound
    return Verdict(
        outcome=Outcome.CORRECT if right else Outcome.INCORRECT,
        score=2.0 if right else 0.0,
        label=word,
        reason=f"said {word}, is {truth}",
    )
