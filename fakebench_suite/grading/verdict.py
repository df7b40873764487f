"""From an answer to a verdict: what passes in each task.

Detection needs the right label, comparison the right option; reasoning the right label and, with a
reference, the clue; interpretation and analysis a score of at least PASS_MARK.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from fakebench_suite.errors import JudgeError
from fakebench_suite.grading.boxes import find_centre, lies_in, parse_boxes
from fakebench_suite.grading.judges.base import Judgement
from fakebench_suite.grading.labels.choices import ParsedChoice, parse_choice
from fakebench_suite.grading.labels.keywords import parse_keywords
from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.grading.labels.result import NoLabel, ParsedLabel, ReplyParserKind
from fakebench_suite.grading.probe_grading import f1_of_named, named_criteria, parse_natural
from fakebench_suite.tasks.boxes import DEFAULT_BOXES, BoxStyle
from fakebench_suite.tasks.registry import Grader, TaskSpec, get_task
from fakebench_suite.text.display import count_of
from fakebench_suite.text.thoughts import to_visible_text
from fakebench_suite.types import (
    Answer,
    Authenticity,
    Case,
    FinishReason,
    Outcome,
    PixelDigest,
    QuestionType,
    Task,
    Verdict,
)

PASS_MARK = 1.0
"""Mean judged score, 0-2, from which a text passes."""
_EVEN = 0.5
"""Probability of equally likely options."""


def judge(
    case: Case,
    answer: Answer,
    rule: ReplyParserKind = ReplyParserKind.GRAMMAR,
    judgement: Judgement | None = None,
    judge_name: str = "exact",
    *,
    boxes: BoxStyle = DEFAULT_BOXES,
    pixels: PixelDigest | None = None,
) -> Verdict:
    """Return the verdict on an answer; texts without a reference or judge are unscored.

    ``rule`` selects how labels are parsed. ``judgement`` is the result of the text judge
    ``judge_name`` and replaces exact grading. ``boxes`` is how the model writes boxes, which are
    placed in the image by its ``pixels``. Raises JudgeError if the judge was asked and gave no
    rating, and where the size of an image with boxes is not known.
    """
    spec = get_task(case.task)
    if spec.grader is Grader.BOX:
        return judge_boxes(case, answer, boxes, pixels)
    if answer.finish_reason is FinishReason.CONTENT_FILTER:
        return _judge_refusal(case, answer, spec.grader)
    grader = TextGrader(judgement=judgement, name=judge_name)
    if answer.finish_reason is not FinishReason.LENGTH:
        return _judge(case, answer, spec, rule, grader)
    limit = "cut off at the token limit"
    if answer.tokens:  # A server may not count them.
        limit += f", {count_of(answer.tokens, 'token')}"
    if case.expected and spec.grades_texts and not to_visible_text(answer.text):
        why = f"{limit}, before it said anything"
        return Verdict(outcome=Outcome.TRUNCATED, reason=why)
    verdict = _judge(case, answer, spec, rule, grader)
    if verdict.outcome is Outcome.UNPARSED:
        why = f"{limit}, before a verdict"
        return replace(verdict, outcome=Outcome.TRUNCATED, reason=why)
    return verdict


def _judge_refusal(case: Case, answer: Answer, grader: Grader) -> Verdict:
    """Return the verdict where the server refused; what cannot be scored anyway is unscored."""
    if grader is Grader.TEXT:
        withheld = None if case.expected else "the reference is withheld"
    elif grader is Grader.CHOICE:
        withheld = None if case.expected_choice else "the right option is withheld"
    else:
        withheld = None if case.label is not None else "the label is withheld"
    if withheld is not None:
        return Verdict(outcome=Outcome.UNSCORED, reason=withheld)
    why = "the model refused" if answer.text else "the server's content filter withheld the reply"
    return Verdict(outcome=Outcome.REFUSED, reason=why)


def select_parser(rule: ReplyParserKind) -> Callable[[str, QuestionType], ParsedLabel]:
    """Return the function that parses the label of a whole reply, thoughts included."""
    return parse_keywords if rule is ReplyParserKind.PAPER else parse_label


def _judge(
    case: Case, answer: Answer, spec: TaskSpec, rule: ReplyParserKind, grade: "TextGrader"
) -> Verdict:
    """Return the verdict: labels from the whole reply, texts graded without thoughts."""
    parse_reply = select_parser(rule)
    match spec.grader:
        case Grader.LABEL if rule is ReplyParserKind.LIKELIHOOD and answer.p_fake is not None:
            verdict = judge_label(case, _read_likelihood(answer.p_fake))
        case Grader.LABEL if (
            rule is ReplyParserKind.LIKELIHOOD and answer.option_probability_mass is not None
        ):
            why = "neither option is among the first tokens whose probabilities the server gives"
            verdict = Verdict(outcome=Outcome.UNSCORED, reason=why)
        case Grader.LABEL:
            verdict = judge_label(case, parse_reply(answer.text, case.question_type))
        case Grader.CHOICE:
            verdict = judge_choice(
                case, parse_choice(answer.text, case.choices, case.question_type)
            )
        case Grader.BOX:
            raise AssertionError("a case of pointing, which judge_boxes judges, came here")
        case Grader.LABEL_AND_TEXT:
            reading = parse_reply(answer.text, case.question_type)
            verdict = grade.judge_reasoning(case, to_visible_text(answer.text), reading)
        case Grader.TEXT:
            verdict = grade.judge_text(case, to_visible_text(answer.text))
    # Other benchmarks ask for an explanation in words of their own, and for no format.
    if spec.required_start is None or spec.required_start not in case.question.lower():
        return verdict
    obeyed = to_visible_text(answer.text).lstrip().lower().startswith(spec.required_start)
    return replace(verdict, followed_format=obeyed)


def _read_likelihood(p_fake: float) -> ParsedLabel:
    """Return the label of the likelier option."""
    if p_fake == _EVEN:
        return ParsedLabel(label=NoLabel.UNPARSED, reason="both options are equally likely")
    label = Authenticity.FAKE if p_fake > _EVEN else Authenticity.REAL
    return ParsedLabel(label=label, reason=f"P(fake) is {p_fake:.3f}")


def judge_label(case: Case, reading: ParsedLabel) -> Verdict:
    """Return the verdict on a label; refused and unparsed replies are misses of their own kind."""
    if case.label is None:
        return Verdict(
            outcome=Outcome.UNSCORED, label=str(reading.label), reason="the label is withheld"
        )
    if reading.label is NoLabel.REFUSED:
        return Verdict(outcome=Outcome.REFUSED, reason=reading.reason)
    if reading.label is NoLabel.UNPARSED:
        return Verdict(outcome=Outcome.UNPARSED, reason=reading.reason)
    label = str(reading.label)
    right = reading.label == case.label
    outcome = Outcome.CORRECT if right else Outcome.INCORRECT
    return Verdict(outcome=outcome, label=label, reason=reading.reason)


def judge_choice(case: Case, reading: ParsedChoice) -> Verdict:
    """Return the verdict on a choice; its label is the letter of the option that was chosen."""
    if case.expected_choice is None:
        chosen = str(reading.choice)
        return Verdict(
            outcome=Outcome.UNSCORED, label=chosen, reason="the right option is withheld"
        )
    if isinstance(reading.choice, NoLabel):
        is_refused = reading.choice is NoLabel.REFUSED
        outcome = Outcome.REFUSED if is_refused else Outcome.UNPARSED
        return Verdict(outcome=outcome, reason=reading.reason)
    right = reading.choice == case.expected_choice
    outcome = Outcome.CORRECT if right else Outcome.INCORRECT
    return Verdict(outcome=outcome, label=reading.choice, reason=reading.reason)


def judge_boxes(case: Case, answer: Answer, style: BoxStyle, pixels: PixelDigest | None) -> Verdict:
    """Return the verdict on a reply that points; it passes by the pointing game.

    That is, the centre of its first box lies in a region (Zhang et al. 2018, arXiv 1608.00507), or
    it gives no box of a real image. ``style`` is how the model writes boxes. Raises JudgeError
    where the size of the picture is not known.
    """
    if case.label is not Authenticity.REAL and not case.regions:
        return Verdict(outcome=Outcome.UNSCORED, reason="where the image is fake is not known")
    if answer.finish_reason is FinishReason.CONTENT_FILTER:
        return Verdict(outcome=Outcome.REFUSED, reason="the model or its server refused")
    if pixels is None:
        raise JudgeError("the size of the picture is not known, so its boxes have no place")
    reading = parse_boxes(to_visible_text(answer.text), style, pixels.size)
    if reading.boxes is None:
        outcome = Outcome.REFUSED if reading.is_refused else Outcome.UNPARSED
        if outcome is Outcome.UNPARSED and answer.finish_reason is FinishReason.LENGTH:
            return Verdict(outcome=Outcome.TRUNCATED, reason=f"cut off: {reading.reason}")
        return Verdict(outcome=outcome, reason=reading.reason)
    count = "1 box" if len(reading.boxes) == 1 else f"{len(reading.boxes)} boxes"
    if case.label is Authenticity.REAL:
        passed, why = not reading.boxes, f"{count} on a real image"
    elif not reading.boxes:
        passed, why = False, "no box"
    else:
        passed = any(map(partial(lies_in, find_centre(reading.boxes[0])), case.regions))
        which = "the box" if len(reading.boxes) == 1 else f"the first of {count}"
        regions = "the region" if len(case.regions) == 1 else "a region"
        why = f"{which} {'lies in' if passed else 'lies outside'} {regions}"
    outcome = Outcome.CORRECT if passed else Outcome.INCORRECT
    return Verdict(outcome=outcome, reason=why, boxes=reading.boxes)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextGrader:
    """Grades texts by a judge's result if there is one, else exactly if possible."""

    judgement: Judgement | None
    name: str

    def judge_reasoning(self, case: Case, text: str, reading: ParsedLabel) -> Verdict:
        """Return the verdict on a reply in inference mode.

        The label must be correct and, if the clue can be graded, the clue must pass.
        """
        verdict = judge_label(case, reading)
        exact = case.paired_image is not None and case.label is not Authenticity.REAL
        if not case.expected or not (exact or self.judgement):
            return verdict
        # A failed judgement raises for right and wrong conclusions alike: dropping only the right
        # ones would bias the accuracy.
        clue = self.judge_text(case, text)
        if clue.outcome is Outcome.UNSCORED:  # A similarity score is added to the conclusion.
            return replace(verdict, score=clue.score, judge=clue.judge)
        if verdict.outcome is Outcome.CORRECT:
            return replace(clue, label=verdict.label, reason=f"{verdict.reason}; {clue.reason}")
        return replace(clue, outcome=verdict.outcome, label=verdict.label, reason=verdict.reason)

    def judge_text(self, case: Case, text: str) -> Verdict:
        """Return the verdict on a text; it passes from PASS_MARK on."""
        if not case.expected:
            return Verdict(outcome=Outcome.UNSCORED, reason="the reference is withheld")
        if self.judgement is not None:
            return self._apply(self.judgement)
        if case.paired_image is None:
            return Verdict(outcome=Outcome.UNSCORED, reason="no judge was asked to grade the text")
        return replace(judge_probe_text(case, text), judge="exact")

    def _apply(self, judgement: Judgement) -> Verdict:
        """Return the verdict by the judge's result; raises JudgeError if no round gave a rating."""
        if judgement.score is None:
            planned = len(judgement.ratings) + judgement.failed
            why = f"no round gave a rating ({judgement.failed} failed)"
            if judgement.unasked:
                why = f"the judge was not asked {judgement.unasked} of {count_of(planned, 'round')}"
            raise JudgeError(f"{why}: {judgement.reason}", failed_rounds=judgement.failed)
        if judgement.similarity is not None:
            # A similarity score never decides pass or fail.
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
    """Return the verdict on a text about a probe, from the planted criterion."""
    planted = next((clue.criterion for clue in case.expected or () if clue.criterion), None)
    if case.task == Task.ANALYSIS:
        return _judge_natural(text, expected=planted is None)
    assert planted is not None
    named = ", ".join(sorted(named_criteria(text))) or None
    score = f1_of_named(text, planted)
    outcome = Outcome.CORRECT if score >= PASS_MARK else Outcome.INCORRECT
    return Verdict(
        outcome=outcome, score=score, label=named, reason=f"named {named}, planted {planted}"
    )


def _judge_natural(text: str, *, expected: bool) -> Verdict:
    """Return the verdict on whether a criterion is natural."""
    natural = parse_natural(text)
    if natural is None:
        why = "the reply calls the criterion neither natural nor unnatural, or both"
        return Verdict(outcome=Outcome.UNPARSED, reason=why)
    answer, truth = ("natural" if value else "unnatural" for value in (natural, expected))
    right = natural == expected
    return Verdict(
        outcome=Outcome.CORRECT if right else Outcome.INCORRECT,
        score=2.0 if right else 0.0,
        label=answer,
        reason=f"said {answer}, is {truth}",
    )
