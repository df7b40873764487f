"""What passes, task by task."""

from dataclasses import replace

import pytest

from fakebench_suite.datasets.probes.dataset import load_probes
from fakebench_suite.datasets.probes.forgeries import FORGERIES
from fakebench_suite.datasets.probes.reference_texts import describe_forged, describe_intact
from fakebench_suite.errors import JudgeError
from fakebench_suite.grading.judges.base import Judgement
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.grading.probe_grading import f1_of_named, named_criteria, parse_natural
from fakebench_suite.grading.verdict import judge
from fakebench_suite.metrics.scores import score_records
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.tasks.prompts import FAULTFINDING
from fakebench_suite.types import (
    Authenticity,
    Case,
    Clue,
    FinishReason,
    Outcome,
    QuestionType,
    Rating,
    Record,
    Task,
)
from tests.factories import CASE, make_answer

PROBES = load_probes(40).cases


@pytest.mark.parametrize(
    ("text", "finish_reason", "outcome"),
    [
        ("Let me look at the edges", FinishReason.LENGTH, Outcome.TRUNCATED),
        ("Let me look at the edges", FinishReason.STOP, Outcome.UNPARSED),
        ("Let me look at the edges", None, Outcome.UNPARSED),
        ("The image is fake, because", FinishReason.LENGTH, Outcome.CORRECT),
        ("The image is real, because", FinishReason.LENGTH, Outcome.INCORRECT),
    ],
)
def test_a_reply_cut_off_before_its_verdict_is_truncated(
    text: str, finish_reason: FinishReason | None, outcome: Outcome
) -> None:
    """A verdict said before the token limit counts; none said is a word of its own."""
    assert judge(CASE, make_answer(text, finish_reason)).outcome is outcome


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        (CASE, Outcome.REFUSED),
        (replace(CASE, label=None), Outcome.UNSCORED),
        (replace(CASE, task=Task.REASONING), Outcome.REFUSED),
        (replace(CASE, task=Task.ANALYSIS), Outcome.UNSCORED),
        (replace(CASE, task=Task.ANALYSIS, expected=(Clue(text="x"),)), Outcome.REFUSED),
    ],
)
@pytest.mark.parametrize("text", ["", "The image is fake."])
def test_what_the_server_withheld_is_refused(case: Case, outcome: Outcome, text: str) -> None:
    """Whatever was said before the filter stepped in; without a reference nothing is scored."""
    assert judge(case, make_answer(text, FinishReason.CONTENT_FILTER)).outcome is outcome


CHOICE = Case(
    id="a:which",
    task=Task.COMPARISON,
    image="a",
    second_image="b",
    question="Which is real?",
    question_type=QuestionType.WHICHREAL,
    choices=("The first one.", "The second one."),
    expected_choice="B",
)


@pytest.mark.parametrize(
    ("text", "finish_reason", "outcome", "label"),
    [
        ("B", None, Outcome.CORRECT, "B"),
        ("The second image is real.", None, Outcome.CORRECT, "B"),
        ("The first image is real.", None, Outcome.INCORRECT, "A"),
        ("Both are photographs.", None, Outcome.UNPARSED, None),
        ("I'm sorry, but I can't help with that.", None, Outcome.REFUSED, None),
        ("Let me compare the", FinishReason.LENGTH, Outcome.TRUNCATED, None),
        ("", FinishReason.CONTENT_FILTER, Outcome.REFUSED, None),
    ],
)
def test_a_choice_passes_with_the_right_option(
    text: str, finish_reason: FinishReason | None, outcome: Outcome, label: str | None
) -> None:
    """And what names none is a miss of its own kind, by every way of reading."""
    for rule in ReplyParserKind:
        verdict = judge(CHOICE, make_answer(text, finish_reason), rule)
        assert (verdict.outcome, verdict.label) == (outcome, label)


@pytest.mark.parametrize("finish_reason", [None, FinishReason.CONTENT_FILTER])
def test_a_choice_without_a_right_option_is_unscored(finish_reason: FinishReason | None) -> None:
    """Whatever is chosen."""
    case = replace(CHOICE, expected_choice=None)
    assert judge(case, make_answer("B", finish_reason)).outcome is Outcome.UNSCORED


def test_a_format_that_no_one_asked_for_is_not_followed_or_broken() -> None:
    """FakeBench asks how an interpretation begins; LOKI does not."""
    case = next(case for case in PROBES if case.task == Task.INTERPRETATION)
    answer = make_answer("This is a fake image because the edge is unnatural.")
    assert judge(case, answer).followed_format is True
    assert judge(case, make_answer("The edge is unnatural.")).followed_format is False
    other = replace(case, question="This is a fake image. Explain what gives it away.")
    assert judge(other, answer).followed_format is None


def test_a_reply_without_either_option_is_unscored() -> None:
    """It was weighed and found to hold neither; that is neither right nor wrong."""
    answer = replace(make_answer("The"), option_probability_mass=0.0)
    verdict = judge(CASE, answer, ReplyParserKind.LIKELIHOOD)
    assert verdict.outcome is Outcome.UNSCORED
    assert "neither option" in verdict.reason


TEXTS = [
    case for case in PROBES if case.expected and case.task in {Task.INTERPRETATION, Task.ANALYSIS}
]


@pytest.mark.parametrize("case", TEXTS[:4], ids=lambda case: case.id)
def test_a_text_that_is_cut_off_in_its_thoughts_is_truncated(case: Case) -> None:
    """Nothing was said that could be graded; thoughts are graded neither open nor closed."""
    thinking = "<think>This is a fake image because the edge is unnatural, the texture repeats"
    cut = judge(case, make_answer(thinking, FinishReason.LENGTH))
    assert (cut.outcome, cut.score) == (Outcome.TRUNCATED, None)
    reply = "The texture is natural."
    verdict = judge(case, make_answer(f"{thinking}</think>{reply}"))
    assert verdict == judge(case, make_answer(reply))


def test_an_unscored_text_stays_unscored_when_cut_off() -> None:
    """Without a reference nothing would have been scored."""
    case = replace(CASE, task=Task.INTERPRETATION, question_type=QuestionType.FAULTFINDING)
    answer = make_answer("<think>The edge", FinishReason.LENGTH)
    assert judge(case, answer).outcome is Outcome.UNSCORED


@pytest.mark.parametrize("criterion", list(FORGERIES))
def test_every_reference_is_graded_exact_against_itself(criterion: str) -> None:
    """The clue of each forgery names its own criterion and no other."""
    clue = describe_forged(criterion, FORGERIES[criterion].clue, "upper left")
    assert named_criteria(clue) == {criterion}
    assert f1_of_named(f"This is a fake image because {clue}", criterion) == 2.0
    assert parse_natural(clue) is False


@pytest.mark.parametrize("criterion", CRITERIA)
def test_natural_statements_name_nothing(criterion: str) -> None:
    """Calling a criterion natural does not put it in question."""
    assert parse_natural(describe_intact(criterion)) is True
    assert named_criteria(describe_intact(criterion)) == frozenset()


def test_naming_everything_does_not_pass() -> None:
    """A reply that lists all criteria grades below the pass mark; two too many just pass."""
    assert f1_of_named(". ".join(f"The {name} is unnatural" for name in CRITERIA), "edge") < 1
    assert f1_of_named("The edge, the texture and the clarity are unnatural.", "edge") == 1.0
    assert f1_of_named("The texture is unnatural.", "edge") == 0.0
    text = "The texture is natural but the edges are unnatural."
    assert named_criteria(text) == {"edge"}
    assert parse_natural("It is natural. It is unnatural.") is None
    assert parse_natural("A cat.") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The texture isn't natural.", False),
        ("The lighting does not look natural.", False),
        ("The shadows don't appear realistic.", False),
        ("It is far from realistic.", False),
        ("The texture lacks natural variation.", False),
        ("There is nothing unnatural about the edge.", True),
        ("There are no inconsistent shadows.", True),
        ("There are no visible artifacts.", True),
        ("There is no reason to call it natural.", False),
        ("The outline looks fine.", True),
        ("The edge is natural, but the colours are strange.", None),
    ],
)
def test_negation_turns_a_statement_round(text: str, expected: bool | None) -> None:
    """Not natural is unnatural, nothing unnatural is natural, and both at once is neither."""
    assert parse_natural(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The texture is natural, the edge is unnatural.", {"edge"}),
        ("The texture is natural and the edge is unnatural.", {"edge"}),
        ("The edge is unnatural, and everything else is normal.", {"edge"}),
        ("The texture, the edge and the shape are unnatural.", {"texture", "edge", "shape"}),
        ("The texture, the edge and the shape are natural.", set()),
        ("The texture is unnatural, with a tile that repeats.", {"texture"}),
        ("Halos along the edges, blurred detail", {"edge", "clarity"}),
    ],
)
def test_each_part_of_a_sentence_is_judged_by_its_own_words(text: str, expected: set[str]) -> None:
    """What one part calls natural does not hide, or share in, what the other finds wrong."""
    assert named_criteria(text) == expected


def test_detection_passes_on_the_asserted_label_alone() -> None:
    """Right, wrong, unread, refused and unlabelled replies are five different things."""
    outcomes = {
        text: judge(CASE, make_answer(text)).outcome
        for text in ("fake", "real", "perhaps", "I'm sorry, I can't help.")
    }
    assert list(outcomes.values()) == [
        Outcome.CORRECT,
        Outcome.INCORRECT,
        Outcome.UNPARSED,
        Outcome.REFUSED,
    ]
    for text, label in (("fake", "fake"), ("perhaps", "unparsed")):
        unlabelled = judge(replace(CASE, label=None), make_answer(text))
        assert (unlabelled.outcome, unlabelled.label) == (Outcome.UNSCORED, label)


def test_texts_without_a_gradable_reference_are_unscored() -> None:
    """Withheld references, and references nobody was asked to grade by, are no miss."""
    unreferenced = replace(
        CASE,
        task=Task.INTERPRETATION,
        question=FAULTFINDING,
        question_type=QuestionType.FAULTFINDING,
    )
    referenced = replace(unreferenced, expected=(Clue(text="Six fingers."),))
    for case in (unreferenced, referenced):
        verdict = judge(case, make_answer("This is a fake image because of the hand."))
        assert verdict.outcome is Outcome.UNSCORED
        assert verdict.followed_format is True
    assert judge(unreferenced, make_answer("The hand.")).followed_format is False


def find(task: str, **facts: object) -> Case:
    """The first probe of a task with these attributes."""
    return next(
        case
        for case in PROBES
        if case.task == task and all(getattr(case, k) == v for k, v in facts.items())
    )


def test_reasoning_needs_label_and_clue() -> None:
    """For probes the conclusion and the named criterion must both be right."""
    case = find(Task.REASONING, criterion="edge")
    right_clue, wrong_clue = "The edge is unnatural.", "The texture is unnatural."
    fake, real = "The image is fake.", "The image is real."
    results = {
        (clue, end): judge(case, make_answer(f"{clue} {end}"))
        for clue in (right_clue, wrong_clue)
        for end in (fake, real)
    }
    assert results[right_clue, fake].outcome is Outcome.CORRECT
    assert results[right_clue, fake].label == "fake"
    assert results[wrong_clue, fake].outcome is Outcome.INCORRECT
    assert results[right_clue, real].outcome is Outcome.INCORRECT
    assert results[right_clue, real].score == 2.0
    assert judge(case, make_answer(right_clue)).outcome is Outcome.UNPARSED
    official = replace(CASE, task=Task.REASONING, question_type=QuestionType.INFERENCE)
    assert judge(official, make_answer(f"{wrong_clue} {fake}")).outcome is Outcome.CORRECT


REASONED = replace(
    CASE,
    task=Task.REASONING,
    question_type=QuestionType.INFERENCE,
    expected=(Clue(text="Six fingers."),),
)


@pytest.mark.parametrize("end", ["The image is fake.", "The image is real."])
def test_a_failed_judgement_drops_right_and_wrong_conclusions_alike(end: str) -> None:
    """Were only the right ones lost, the accuracy of reasoning would be bent downwards."""
    judgement = Judgement(failed=3, reason="no luck")
    with pytest.raises(JudgeError, match="no luck") as exc_info:
        judge(REASONED, make_answer(end), judgement=judgement, judge_name="one@here")
    assert exc_info.value.failed_rounds == 3


def test_marks_of_one_on_average_reach_the_pass_mark() -> None:
    """Whatever the rounds: thirds that are added up come to a hair less than the whole."""
    for rounds in ((1, 3, 3, 4, 4), (2, 2, 4, 4), (0, 2, 4, 6)):
        ratings = tuple(
            Rating(completeness=min(total, 2), preciseness=max(0, min(total - 2, 2)),
                   relevance=max(0, total - 4), reason="so")
            for total in rounds
        )  # fmt: skip
        verdict = judge(REASONED, make_answer("It is fake."), judgement=Judgement(ratings=ratings))
        assert (verdict.score, verdict.outcome) == (1.0, Outcome.CORRECT)


def test_a_stand_in_decides_no_conclusion() -> None:
    """Its score stands beside the conclusion's own verdict, and the accuracy names no judge."""
    judgement = Judgement(similarity=0.3)
    records = []
    for end, outcome in (("fake", Outcome.CORRECT), ("real", Outcome.INCORRECT)):
        answer = make_answer(f"The image is {end}.")
        verdict = judge(REASONED, answer, judgement=judgement, judge_name="embedding:m")
        assert (verdict.outcome, verdict.score, verdict.judge) == (outcome, 0.3, "embedding:m")
        case = replace(REASONED, id=end)
        records.append(Record(case=case, prompt="?", answer=answer, verdict=verdict, worker=""))
    scores = {score.metric: score for score in score_records(records) if score.subgroup == "all"}
    accuracy, stand_in = scores["accuracy"], scores["similarity_score"]
    assert (accuracy.value, accuracy.n, accuracy.judge) == (0.5, 2, None)
    assert stand_in.value == pytest.approx(0.3)
    assert stand_in.judge == "embedding:m"


def test_analysis_of_a_probe_is_graded_by_what_was_planted() -> None:
    """The planted criterion must be called unnatural, a spared one natural."""
    forged_case = next(
        c for c in PROBES if c.task == Task.ANALYSIS and c.expected and c.expected[0].criterion
    )
    intact_case = next(
        c for c in PROBES if c.task == Task.ANALYSIS and c.expected and not c.expected[0].criterion
    )
    for case, text, outcome in (
        (forged_case, "It is unnatural.", Outcome.CORRECT),
        (forged_case, "It is natural.", Outcome.INCORRECT),
        (intact_case, "It is natural.", Outcome.CORRECT),
        (intact_case, "It looks inconsistent.", Outcome.INCORRECT),
        (intact_case, "A harbour at dusk.", Outcome.UNPARSED),
    ):
        assert judge(case, make_answer(text)).outcome is outcome
    assert forged_case.label is Authenticity.FAKE


def test_a_perfect_model_passes_every_probe() -> None:
    """Answering with the references themselves is correct everywhere."""
    for case in PROBES:
        reference = case.expected[0].text if case.expected else ""
        is_yes = (case.question_type is QuestionType.ISFAKE) == (case.label is Authenticity.FAKE)
        reply = {
            QuestionType.WHAT: f"{case.label}",
            QuestionType.ISFAKE: "Yes" if is_yes else "No",
            QuestionType.ISREAL: "Yes" if is_yes else "No",
            QuestionType.FAULTFINDING: f"This is a fake image because {reference}",
            QuestionType.INFERENCE: f"{reference} The image is fake.",
            QuestionType.CRITERION: reference,
        }[case.question_type]
        assert judge(case, make_answer(reply)).outcome is Outcome.CORRECT, case
