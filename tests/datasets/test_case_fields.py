"""The type of a question and the shapes of a reference."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakebench_suite.datasets.case_fields import parse_clues, parse_question_type
from fakebench_suite.errors import DataError
from fakebench_suite.tasks.prompts import DETECTION
from fakebench_suite.text.display import count_of
from fakebench_suite.types import QuestionType

WORDS = st.sampled_from(
    ["fake", "real", "Fake", "REAL", "image", "or", "not", "yes", "no", "?", ","]
)


@pytest.mark.parametrize(("question_type", "question"), DETECTION.items())
def test_fakebenchs_own_questions_are_known(question_type: QuestionType, question: str) -> None:
    """Each of FakeClass's three wordings has its question type, in any case."""
    assert parse_question_type(question) is parse_question_type(question.upper()) is question_type


@pytest.mark.parametrize(
    ("question", "question_type"),
    [
        ("Real or fake?", QuestionType.WHAT),
        ("Is this fake?", QuestionType.ISFAKE),
        ('Is this image real? Answer "yes" or "no".', QuestionType.ISREAL),
        ("Is this image real? Answer no or yes.", QuestionType.ISREAL),
        ("Is it unreal?", None),
        ("Is this image not real, yes or no?", None),
        ("Isn't this image fake, yes or no?", None),
        ("Isn\u2019t this image fake, yes or no?", None),
        ("Is this image AI-generated or real?", None),
        ("Is the image free of fake content, yes or no?", None),
        ("Is this a non-fake image, yes or no?", None),
        ("Is this image fake-free, yes or no?", None),
        ("Is this fake? Answer yes or no, without explanation.", QuestionType.ISFAKE),
        ("Look closely, nothing is too small. Is this real, yes or no?", QuestionType.ISREAL),
        ("Is there nothing fake in this image, yes or no?", None),
        ("Does this image lack fake parts, yes or no?", None),
        ("Is it false that this is a fake image, yes or no?", None),
        ("Is it unlikely that this is a real image, yes or no?", None),
        ("Is this image anything but real, yes or no?", None),
        ("Is this image too good to be real, yes or no?", None),
        ("Do you doubt that this image is real, yes or no?", None),
        ("Is this image real? Answer no for real and yes for any other.", None),
        ("Is this a fake image, or a real one?", None),
        ("Is anything in this image fake? yes or no", QuestionType.ISFAKE),
        ("Without any explanation, is this image fake?", QuestionType.ISFAKE),
        ("Looking at the hard shadows, is this fake?", QuestionType.ISFAKE),
        ("Is this free stock image real?", QuestionType.ISREAL),
        ("", None),
    ],
)
def test_only_plain_questions_have_a_form(
    question: str, question_type: QuestionType | None
) -> None:
    """A negation or an alternative would turn the meaning of "yes", so none is guessed."""
    assert parse_question_type(question) is question_type


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=8).map(" ".join))
def test_a_form_asks_about_the_word_it_is_named_after(question: str) -> None:
    """Whatever the question, ISFAKE says fake and not real, ISREAL the reverse, WHAT both."""
    words = {word for word in ("fake", "real") if word in question.lower().split()}
    expected = {
        QuestionType.WHAT: {"fake", "real"},
        QuestionType.ISFAKE: {"fake"},
        QuestionType.ISREAL: {"real"},
    }
    question_type = parse_question_type(question)
    assert question_type is None or words == expected[question_type]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=5), st.sampled_from(["Edge", " theme ", ""]))))
def test_clues_keep_their_own_categories(pairs: list[tuple[str, str]]) -> None:
    """Blank clues are dropped with their categories, and no other changes its category."""
    clues = parse_clues([text for text, _ in pairs], [name for _, name in pairs], location="here")
    expected = [
        (text.strip(), name.strip().lower() or None) for text, name in pairs if text.strip()
    ]
    assert (clues is None) == (not expected)
    assert [(clue.text, clue.criterion) for clue in clues or ()] == expected


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.integers(2, 6))
def test_categories_that_do_not_fit_are_refused(clues: int, names: int) -> None:
    """Several categories must be as many as the clues, as a list or with commas."""
    for categories in (["edge"] * names, ", ".join(["edge"] * names)):
        if isinstance(categories, str) and clues == 1:
            continue
        if clues == names:
            assert len(parse_clues(["x"] * clues, categories, location="here") or ()) == clues
        else:
            with pytest.raises(
                DataError, match=f"here: {count_of(clues, 'clue')} but {names} categories"
            ):
                parse_clues(["x"] * clues, categories, location="here")


@pytest.mark.parametrize("texts", [5, True, {"a": 1}, ["x", None], [["x"]], Fraction(1, 2)])
def test_a_reference_is_made_of_texts(texts: object) -> None:
    """Anything but a text or a list of texts is refused, and shown."""
    with pytest.raises(DataError, match=r"^here: a reference must be a text or a list of texts"):
        parse_clues(texts, None, location="here")
