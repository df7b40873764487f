"""Runs for the report's tests: any number of records, every field filled, no model needed."""

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fakebench_suite.metrics.scores import score_records
from fakebench_suite.runs.store import RunWriter
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.types import (
    Answer,
    Authenticity,
    Case,
    Clue,
    Outcome,
    QuestionType,
    Rating,
    Record,
    Task,
    Verdict,
)
from tests.factories import make_manifest_table

GENERATORS = ("proGAN", "styleGAN", "cogview2", "Glide", "sd", "dalle3", "midjourney")
CASES_PER_IMAGE = 18
_WORDS = (
    "texture", "repeats", "along", "left", "edge", "light", "from", "two", "sides", "shadow",
    "falls", "wrong", "may", "be", "generated", "some", "model", "taken", "old", "camera", "rain",
)  # fmt: skip
_OUTCOMES = tuple(Outcome)
_WEIGHTS = (60, 20, 5, 4, 3, 8, 1, 1, 1)
MANIFEST: dict[str, object] = {
    "dataset": {"kind": "jsonl", "name": "synthetic", "digest": "d" * 64, "cases": 0},
    "model": {"name": "nobody", "card": {"note": "these records are made up"}},
    "judge": {"label": "grammar", "text": "judge@url"},
    "partial": [],
}


def make_records(count: int, seed: int = 0) -> list[Record]:
    """``count`` records over images of 18 cases each, the same for the same seed."""
    rng = random.Random(seed)
    return [_make_record(number, rng) for number in range(count)]


def _make_record(number: int, rng: random.Random) -> Record:
    image, index = divmod(number, CASES_PER_IMAGE)
    generator = GENERATORS[image % len(GENERATORS)]
    task, question_type = _ask(number, index)
    fake = image % 3 > 0
    name = f"{generator}-{image:05}.png" if fake else f"photo-{image:05}.jpg"
    criterion = CRITERIA[index - 4] if index > 3 else None
    case = Case(
        id=f"{name}:{question_type}-{index}",
        task=task,
        image=name,
        question=f"Question {index} about it?",
        question_type=question_type,
        label=Authenticity.FAKE if fake else Authenticity.REAL,
        generator=generator if fake else None,
        criterion=criterion,
        content_categories=rng.choice(("photo", "scenery, photo", "art", None)),
        expected=(
            (Clue(text="The edge is torn.", criterion="edge" if image % 10 == 0 else None),)
            if index > 1
            else None
        ),
    )
    outcome = rng.choices(_OUTCOMES, _WEIGHTS)[0]
    text = f"{' '.join(rng.choices(_WORDS, k=rng.randint(10, 90)))}. It is fake. Mark {number:05}."
    p_fake = rng.random() if task == Task.DETECTION else None
    answer = Answer(
        text=text, tokens=40, seconds=rng.lognormvariate(-1, 0.5), batch_size=8, p_fake=p_fake
    )
    verdict = Verdict(
        outcome=outcome,
        reason="'it is fake'",
        label=rng.choice(("fake", "real")) if task == Task.DETECTION else None,
    )
    if criterion and not outcome.is_error:
        ratings = tuple(
            Rating(
                completeness=1,
                preciseness=2,
                relevance=0,
                reason=f"round {round_number} of {number}",
            )
            for round_number in range(2)
        )
        verdict = replace(verdict, score=2 * rng.random(), judge="judge@url", ratings=ratings)
    return Record(
        case=case,
        prompt=case.question,
        answer=None if outcome.is_error else answer,
        verdict=verdict,
        worker="gw0",
    )


def _ask(number: int, index: int) -> tuple[str, QuestionType]:
    if index < 2:
        return Task.DETECTION, (QuestionType.WHAT, QuestionType.ISFAKE, QuestionType.ISREAL)[
            number % 3
        ]
    if index == 2:
        return Task.INTERPRETATION, QuestionType.FAULTFINDING
    return (
        (Task.REASONING, QuestionType.INFERENCE)
        if index == 3
        else (Task.ANALYSIS, QuestionType.CRITERION)
    )


def write_run(
    folder: Path,
    records: Sequence[Record],
    *,
    rulings: Iterable[dict[str, str]] = (),
    scored_count: int = 2000,
    **manifest: Any,
) -> Path:
    """A run directory as the suite leaves it; of many records, the first are scored."""
    store = RunWriter(folder)
    store.open()
    for record in records:
        store.append(record)
    store.close()
    table = make_manifest_table(**MANIFEST | {"recorded": len(records)} | manifest)
    (folder / "manifest.json").write_text(json.dumps(table), encoding="utf-8")
    store.write_scores(score_records(records[:scored_count]))
    store.write_texts({})
    (folder / "gates.json").write_text(json.dumps(list(rulings)), encoding="utf-8")
    return folder
