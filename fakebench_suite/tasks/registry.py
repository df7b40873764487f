"""The tasks by name, and everything that reading, grading, scores and reports know of each.

A new task is one row here. A package of its own registers a :class:`TaskSpec` through the
entry-point group ``fakebench_suite.tasks``::

    [project.entry-points."fakebench_suite.tasks"]
    sharpness = "my_package:SPEC"

Its cases are rows of a data set with ``"task": "sharpness"``, and a test marked
``@pytest.mark.sharpness`` that asks for ``case`` is run once for each of them.
"""

import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from fakebench_suite.entry_points import Registry
from fakebench_suite.errors import describe_choices
from fakebench_suite.types import QuestionType, Task


class Grader(StrEnum):
    """What of a reply is graded, which decides the scores that a task has."""

    LABEL = "label"
    """Whether it says fake or real, as the case's label does."""
    TEXT = "text"
    """The text, against the case's reference."""
    LABEL_AND_TEXT = "label and text"
    """The label, and where there is a reference, the text."""
    CHOICE = "choice"
    """Whether it names the right option of a multiple-choice question."""
    BOX = "box"
    """Whether it points at what reveals the image as fake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTable:
    """A published table of scores (arXiv 2404.13306)."""

    number: str
    file: str
    """Name of the file in ``metrics/published``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """A task, as far as it differs from other tasks."""

    title: str
    """What the data set of the task is called."""
    question_types: tuple[QuestionType, ...]
    """How its prompts may ask; with several, the wording of a question decides."""
    grader: Grader
    headlines: tuple[str, ...]
    """The metrics over all cases that are shown, in their order."""
    colour: str
    """Of the task in figures, as ``#rrggbb``."""
    subgroups: tuple[str, ...] = ("label", "question_type", "generator")
    """The kinds of subgroups that are shown."""
    on_request: bool = False
    """Whether its cases are asked only where ``--tasks`` names it, or there are no others."""
    required_start: str | None = None
    """How a reply in the format that the prompts ask for begins, in lower case."""
    paper_table: PaperTable | None = None
    """None where no scores are published."""
    derived: bool = False
    """Whether its cases are made of other tasks' cases by an option, so that no data set has any.
    """
    submission_file: str | None = None
    """The file of FakeBench's submission that has its answers, with ``{label}`` for the label of a
    case; None where there is none."""

    @property
    def grades_labels(self) -> bool:
        """Whether replies are read for a label, or for the option of a choice."""
        return self.grader is not Grader.TEXT

    @property
    def grades_texts(self) -> bool:
        """Whether texts are compared with references."""
        return self.grader in (Grader.TEXT, Grader.LABEL_AND_TEXT)

    @property
    def only_question_type(self) -> QuestionType | None:
        """The question type of every case; None where there are several."""
        return self.question_types[0] if len(self.question_types) == 1 else None


_TEXT_SCORES = (
    "judged_score", "judge_round_sd", "judge_failed_rounds", "similarity_score", "exact_score",
    "similarity", "clue_recall", "claim_informedness", "claim_recall", "hallucinated_claim_rate",
    "claim_deletion_rate", "claim_deletion_chance",
)  # fmt: skip

TASKS = Registry(
    noun="task",
    group="fakebench_suite.tasks",
    kind=TaskSpec,
    built_in={
        Task.DETECTION: TaskSpec(
            title="FakeClass",
            question_types=(QuestionType.WHAT, QuestionType.ISFAKE, QuestionType.ISREAL),
            grader=Grader.LABEL,
            headlines=(
                "threshold_strength", "balanced_accuracy", "accuracy", "accuracy_parsed", "roc_auc",
                "average_precision", "equal_error_rate", "best_threshold_accuracy",
                "expected_calibration_error",
            ),
            colour="#3f7fc1",
            paper_table=PaperTable(number="V", file="table5_detection.csv"),
            submission_file="FakeClass_{label}.json",
        ),
        Task.INTERPRETATION: TaskSpec(
            title="FakeClue, fault-finding mode",
            question_types=(QuestionType.FAULTFINDING,),
            grader=Grader.TEXT,
            headlines=("accuracy", *_TEXT_SCORES, "format_followed"),
            colour="#c9772b",
            required_start="this is a fake image because",
            paper_table=PaperTable(number="VI", file="table6_interpretation.csv"),
            submission_file="FakeClue.json",
        ),
        Task.REASONING: TaskSpec(
            title="FakeClue, inference mode",
            question_types=(QuestionType.INFERENCE,),
            grader=Grader.LABEL_AND_TEXT,
            headlines=("accuracy", "accuracy_parsed", *_TEXT_SCORES),
            colour="#4d9a63",
            paper_table=PaperTable(number="VII", file="table7_reasoning.csv"),
            submission_file="FakeClue.json",
        ),
        Task.ANALYSIS: TaskSpec(
            title="FakeQA",
            question_types=(QuestionType.CRITERION,),
            grader=Grader.TEXT,
            headlines=("accuracy", *_TEXT_SCORES),
            colour="#9a6fc0",
            subgroups=("criterion",),
            paper_table=PaperTable(number="VIII", file="table8_analysis.csv"),
            submission_file="FakeQA.json",
        ),
        Task.COMPARISON: TaskSpec(
            title="choice of two images",
            question_types=(QuestionType.WHICHFAKE, QuestionType.WHICHREAL),
            grader=Grader.CHOICE,
            headlines=("accuracy", "accuracy_parsed", "first_choice_rate"),
            colour="#b5506e",
            subgroups=("question_type",),
        ),
        Task.ROBUSTNESS: TaskSpec(
            title="FakeClass, perturbed",
            question_types=(),
            grader=Grader.LABEL,
            headlines=(
                "flip_rate", "verdict_loss_rate", "accuracy", "search_flip_rate",
                "robust_accuracy",
            ),
            colour="#2e8c99",
            subgroups=(),
            derived=True,
        ),
        Task.POINTING: TaskSpec(
            title="boxes of what is fake",
            question_types=(QuestionType.POINT,),
            grader=Grader.BOX,
            headlines=(
                "accuracy", "accuracy_parsed", "mean_iou", "pointing_game", "box_precision",
                "box_recall", "box_f1", "false_box_rate",
            ),
            colour="#7d8a2e",
            subgroups=("generator", "criterion"),
            on_request=True,
        ),
    },
)  # fmt: skip
"""Colours are distinguishable on light and dark backgrounds and with colour blindness."""


def list_tasks() -> tuple[str, ...]:
    """The names of all tasks, those of FakeBench first."""
    return _list_names(tuple(sys.path))


def get_task(name: str) -> TaskSpec:
    """The task of this name; raises UserError where there is none, or it cannot be loaded."""
    return _get_spec(name, tuple(sys.path))


def check_task(name: str) -> None:
    """Raise ValueError, with the allowed names, where there is no task of this name."""
    if name not in list_tasks():
        raise ValueError(f"there is no task {name!r}; {describe_choices(name, list_tasks())}")


# Every case asks for its task, and finding entry points reads the directories of sys.path.
@cache
def _list_names(_path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(TASKS.list_names())


@cache
def _get_spec(name: str, _path: tuple[str, ...]) -> TaskSpec:
    return TASKS.get(name)
