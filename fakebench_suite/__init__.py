"""A pytest-based conformance suite for FakeBench (arXiv 2404.13306).

The names in ``__all__`` are the public interface: what other packages, test files and notebooks
build on (docs/python.md). Each is imported at its first use, so that importing this package, as
pytest's entry point does in every session of an environment, imports nothing else.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
"""As type checkers take it; ``typing`` would be an import."""
if TYPE_CHECKING:
    from fakebench_suite.backends.base import (
        OPTIONS,
        Backend,
        Capability,
        NotAsked,
        Reply,
        Request,
        RequestLimits,
    )
    from fakebench_suite.backends.cards import Card
    from fakebench_suite.backends.registry import BackendSpec, LoadOptions, load_model
    from fakebench_suite.datasets.dataset import Dataset
    from fakebench_suite.datasets.registry import DatasetSpec, DataSource, open_dataset
    from fakebench_suite.errors import (
        CaseError,
        EngineError,
        JudgeError,
        MachineError,
        ModelError,
        RunStoppedError,
        SuiteError,
        UserError,
    )
    from fakebench_suite.execution.budget import Budget, parse_budget
    from fakebench_suite.execution.plan import RunPlan, RunRequest, make_plan
    from fakebench_suite.execution.runner import execute
    from fakebench_suite.grading.judges.base import Judgement, TextJudge
    from fakebench_suite.grading.judges.registry import (
        JudgeOptions,
        JudgeSpec,
        open_judge,
        parse_judge,
    )
    from fakebench_suite.grading.judges.rubric import RatingRequest
    from fakebench_suite.grading.labels.result import ReplyParserKind
    from fakebench_suite.metrics.dataframe import records_to_frame
    from fakebench_suite.metrics.scores import score_records
    from fakebench_suite.provenance import InferenceInfo, JudgeInfo
    from fakebench_suite.runs.store import read_manifest, read_records, read_scores
    from fakebench_suite.tasks.prompts import PromptStyle
    from fakebench_suite.tasks.registry import Grader, TaskSpec, get_task, list_tasks
    from fakebench_suite.types import (
        Answer,
        Authenticity,
        Case,
        Clue,
        FinishReason,
        GateOutcome,
        GateResult,
        Outcome,
        PixelDigest,
        Prompt,
        QuestionType,
        Rating,
        Record,
        Region,
        Score,
        Task,
        Usage,
        Verdict,
    )

_MODULES = {
    "types": "Answer Authenticity Case Clue FinishReason GateOutcome GateResult Outcome "
    "PixelDigest Prompt QuestionType Rating Record Region Score Task Usage Verdict",
    "errors": "CaseError EngineError JudgeError MachineError ModelError RunStoppedError "
    "SuiteError UserError",
    "tasks.registry": "Grader TaskSpec get_task list_tasks",
    "datasets.dataset": "Dataset",
    "datasets.registry": "DataSource DatasetSpec open_dataset",
    "backends.base": "Backend Capability NotAsked OPTIONS Reply Request RequestLimits",
    "backends.cards": "Card",
    "backends.registry": "BackendSpec LoadOptions load_model",
    "provenance": "InferenceInfo JudgeInfo",
    "grading.judges.base": "Judgement TextJudge",
    "grading.judges.rubric": "RatingRequest",
    "grading.judges.registry": "JudgeOptions JudgeSpec open_judge parse_judge",
    "execution.budget": "Budget parse_budget",
    "execution.plan": "RunPlan RunRequest make_plan",
    "grading.labels.result": "ReplyParserKind",
    "tasks.prompts": "PromptStyle",
    "execution.runner": "execute",
    "metrics.scores": "score_records",
    "metrics.dataframe": "records_to_frame",
    "runs.store": "read_manifest read_records read_scores",
}
"""The public names by the module, below this package, that defines them."""
_PLACES = {name: module for module, names in _MODULES.items() for name in names.split()}
__all__ = [
    "OPTIONS",
    "Answer",
    "Authenticity",
    "Backend",
    "BackendSpec",
    "Budget",
    "Capability",
    "Card",
    "Case",
    "CaseError",
    "Clue",
    "DataSource",
    "Dataset",
    "DatasetSpec",
    "EngineError",
    "FinishReason",
    "GateOutcome",
    "GateResult",
    "Grader",
    "InferenceInfo",
    "JudgeError",
    "JudgeInfo",
    "JudgeOptions",
    "JudgeSpec",
    "Judgement",
    "LoadOptions",
    "MachineError",
    "ModelError",
    "NotAsked",
    "Outcome",
    "PixelDigest",
    "Prompt",
    "PromptStyle",
    "QuestionType",
    "Rating",
    "RatingRequest",
    "Record",
    "Region",
    "Reply",
    "ReplyParserKind",
    "Request",
    "RequestLimits",
    "RunPlan",
    "RunRequest",
    "RunStoppedError",
    "Score",
    "SuiteError",
    "Task",
    "TaskSpec",
    "TextJudge",
    "Usage",
    "UserError",
    "Verdict",
    "execute",
    "get_task",
    "list_tasks",
    "load_model",
    "make_plan",
    "open_dataset",
    "open_judge",
    "parse_budget",
    "parse_judge",
    "read_manifest",
    "read_records",
    "read_scores",
    "records_to_frame",
    "score_records",
]


def __getattr__(name: str) -> object:
    """Import a public name at its first use (PEP 562)."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> "list[str]":  # Python 3.8 must come as far as to the sentence that it is old.
    """The public names, imported or not."""
    return sorted({*globals(), *__all__})
