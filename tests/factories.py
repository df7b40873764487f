"""Cases, answers, records and runs for tests, with all preset that a test does not care about."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.runs.store import RunWriter
from fakebench_suite.types import (
    Answer,
    Authenticity,
    Case,
    FinishReason,
    Outcome,
    PixelDigest,
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


def make_perturbed(
    image: str, perturbation: str, outcome: Outcome = Outcome.CORRECT, p_fake: float | None = 0.9
) -> Record:
    """A record of a detection case about a fake ``image`` that was asked perturbed."""
    record = make_record(f"{image}@{perturbation}", outcome, task=Task.ROBUSTNESS)
    case = replace(
        record.case,
        id=f"{image}:what@{perturbation}",
        perturbation=perturbation,
        original_case=f"{image}:what",
        original_image=image,
    )
    label = {Outcome.CORRECT: "fake", Outcome.INCORRECT: "real"}.get(outcome)
    answer = None if outcome.is_error else replace(make_answer("x"), p_fake=p_fake)
    return replace(record, case=case, answer=answer, verdict=replace(record.verdict, label=label))


def make_record(
    image: str,
    outcome: Outcome,
    *,
    fake: bool = True,
    task: str = Task.DETECTION,
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
    label = None
    if outcome in (Outcome.CORRECT, Outcome.INCORRECT):
        label = "fake" if fake == (outcome is Outcome.CORRECT) else "real"
    judge = None if score is None else "exact"
    verdict = Verdict(outcome=outcome, reason="because", label=label, score=score, judge=judge)
    answer = None if outcome.is_error else make_answer("said")
    return Record(case=case, prompt="?", answer=answer, verdict=verdict, worker="main")


def make_records(
    *outcomes: Outcome, first: int = 0, pixels: PixelDigest | None = None
) -> list[Record]:
    """A record of each outcome, on an image of its own: ``0.png``, ``1.png`` and so on."""
    return [
        replace(make_record(f"{number}.png", outcome), pixels=pixels)
        for number, outcome in enumerate(outcomes, start=first)
    ]


IDENTITY: dict[str, Any] = {
    "protocol": 2,
    "code": "c",
    "card": {"dtype": "auto", "generation": {"max_new_tokens": 9}},
    "weights": "w",
    "files": {"chat_template.jinja": "t", "processor_config.json": "p"},
    "remote_code": False,
    "rows": "r",
    "prompts": "p",
    "style": "paper",
    "reply": "text",
    "generation": {"num_beams": 1},
    "rendering": ["today"],
}
MANIFEST: dict[str, Any] = {
    "status": "finished",
    "suite": "0.1.0",
    "code_digest": "c",
    "started": "2026-01-01T00:00:00+00:00",
    "model": {"name": "m", "weights_digest": "w", "card": {"path": "/here/m"}},
    "dataset": {"name": "d", "kind": "jsonl", "digest": "r", "cases": 4},
    "prompts": {"style": "paper", "digest": "p"},
    "judge": {"label": "grammar", "text": None},
    "answers": None,
    "seed": 0,
    "sample": None,
    "planned": 4,
    "shard": None,
    "versions": {"torch": "2"},
    "hardware": {},
    "identity": IDENTITY,
    "population": {"detection": {"all": 4}},
    "partial": ["filtered"],
    "selected": 4,
    "recorded": 4,
    "errors": 0,
}


def make_manifest_table(**settings: object) -> dict[str, Any]:
    """What the manifest of a run that has ended holds, with these entries changed.

    A table that is given is completed with the preset entries of that table.
    """
    return MANIFEST | {
        key: MANIFEST[key] | value
        if isinstance(value, dict) and isinstance(MANIFEST.get(key), dict)
        else value
        for key, value in settings.items()
    }


def make_manifest(**settings: object) -> Manifest:
    """The manifest of a run that has ended, with these entries changed."""
    return msgspec.convert(make_manifest_table(**settings), Manifest)


def write_run(folder: Path, records: Sequence[Record], **settings: object) -> Path:
    """A run directory as a run leaves it behind, without scores."""
    store = RunWriter(folder)
    store.open()
    for record in records:
        store.append(record)
    store.close()
    counts = {"selected": len(records), "recorded": len(records)}
    table = make_manifest_table(**counts | settings)
    (folder / "manifest.json").write_text(json.dumps(table), encoding="utf-8")
    return folder
