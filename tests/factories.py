"""Cases, answers and records for tests, with everything preset that a test does not care about."""

from dataclasses import replace

from fakebench_suite.types import (
    Answer,
    Authenticity,
    Case,
    FinishReason,
    Outcome,
    QuestionType,
    Record,
    Task,
    Verdict,
)

CASE = Case(
    id="sd-1.png:what",
    task=Task.DETECTION,
    image="sd-1.png",
    question="Fake or real?",
    question_type=QuestionType.WHAT,
    label=Authenticity.FAKE,
    generator="sd",
)


def make_answer(text: str, finish_reason: FinishReason | None = None) -> Answer:
    """An answer of that text."""
    tokens = max(1, len(text.split()))
    return Answer(text=text, tokens=tokens, seconds=0.5, batch_size=2, finish_reason=finish_reason)


def make_record(
    image: str,
    outcome: Outcome,
    *,
    fake: bool = True,
    task: Task = Task.DETECTION,
    suffix: str = "what",
    category: str | None = None,
    score: float | None = None,
) -> Record:
    """A record of a case about ``image`` with that outcome."""
    case = replace(
        CASE,
        id=f"{image}:{suffix}",
        task=task,
        image=image,
        label=Authenticity.FAKE if fake else Authenticity.REAL,
        generator="sd" if fake else None,
        content_categories=category,
    )
    said = None
    if outcome in (Outcome.CORRECT, Outcome.INCORRECT):
        said = "fake" if fake == (outcome is Outcome.CORRECT) else "real"
    judge = None if score is None else "exact"
    verdict = Verdict(outcome=outcome, reason="because", label=said, score=score, judge=judge)
    answer = None if outcome.is_error else make_answer("said")
    return Record(case=case, prompt="?", answer=answer, verdict=verdict, worker="main")
