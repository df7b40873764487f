"""Evaluate pocket on probes of the test photographs, with the suite's own backend and grader."""

from pathlib import Path

import tomli_w
from statsmodels.stats.proportion import proportion_confint

from fakebench_suite.backends.base import Request
from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.transformers.model import TransformersBackend
from fakebench_suite.datasets.probes.dataset import load_probes
from fakebench_suite.errors import ModelError
from fakebench_suite.grading.verdict import judge
from fakebench_suite.tasks.prompts import build_prompt
from fakebench_suite.types import Case, Outcome, QuestionType, Task

NOTE = (
    "pocket proves the pipeline; it knows planted forgeries only, so its scores mean nothing else"
)


def evaluate(checkpoint: Path) -> dict[str, str]:
    """Return the scores of detection (one question per image) and of naming the criterion.

    Each score has a 95 % Wilson interval.
    """
    card = Card(name="pocket", path=str(checkpoint), dtype="float32")
    backend = TransformersBackend(card, checkpoint, device="cpu", remote_code=False)
    probes = load_probes()
    detection = [case for case in probes.cases if case.question_type is QuestionType.WHAT]
    clues = [case for case in probes.cases if case.task == Task.INTERPRETATION]

    def count_correct(cases: list[Case]) -> int:
        images = {case.image: probes.open_image(case) for case in cases}
        replies = backend.run([Request(prompt=build_prompt(case), images=images) for case in cases])
        return sum(
            not isinstance(reply, ModelError) and judge(case, reply).outcome is Outcome.CORRECT
            for case, reply in zip(cases, replies, strict=True)
        )

    return {
        "detection_accuracy": _with_interval(count_correct(detection), len(detection)),
        "criterion_named": _with_interval(count_correct(clues), len(clues)),
    }


def _with_interval(hits: int, total: int) -> str:
    low, high = proportion_confint(hits, total, method="wilson")
    return f"{hits / total:.3f} [{low:.3f}, {high:.3f}] n={total}"


def write_card(path: Path, figures: dict[str, str], *, minutes: float) -> None:
    """Write the card of the trained checkpoint, with these scores."""
    card = {
        "path": ".",
        "dtype": "float32",
        "note": NOTE,
        "generation": {"max_new_tokens": 48, "batch_size": 96},
        "held_out": figures | {"training_minutes": f"{minutes:.0f}"},
    }
    path.write_text(tomli_w.dumps(card), encoding="utf-8")
