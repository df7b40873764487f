"""The manifest: what was run, on what, with what, so that a number can be traced."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

import fakebench_suite
from fakebench_suite.backends.cards import locate_weights
from fakebench_suite.backends.registry import BACKENDS
from fakebench_suite.checkpoints.fingerprint import (
    digest_code,
    digest_files,
    digest_weights,
    load_package_versions,
)
from fakebench_suite.execution.plan import RunPlan, RunRequest
from fakebench_suite.grading.judges.rubric import INSTRUCTION
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.provenance import PROTOCOL, Identity, digest_parts
from fakebench_suite.runs.partial import SAMPLED
from fakebench_suite.runs.store import read_manifest

_PACKAGES = (
    "torch", "torchvision", "transformers", "tokenizers", "safetensors", "pillow", "numpy",
    "scipy", "statsmodels", "pandas", "scikit-image", "scikit-learn", "pytest", "pytest-xdist",
)  # fmt: skip


def begin_manifest(plan: RunPlan) -> dict[str, Any]:
    """Everything known before the first answer; ``status`` stays ``running`` after a crash."""
    request = plan.request
    texts = (plan.build_prompt(case).text for case in plan.dataset.cases)
    manifest = {
        "status": "running",
        "suite": fakebench_suite.__version__,
        "protocol": PROTOCOL,
        "code_digest": digest_code(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": _describe_model(plan),
        "dataset": {
            "name": plan.dataset.name,
            "kind": plan.dataset.kind,
            "digest": plan.dataset.digest,
            "cases": len(plan.dataset.cases),
        },
        "prompts": {
            "style": str(request.style),
            "digest": digest_parts(text.encode("utf-8", "surrogatepass") for text in texts),
        },
        "judge": {
            "label": str(request.reply_parser),
            **_describe_judge(plan),
        },
        "answers": request.answers and request.answers.name,
        "seed": request.seed,
        "sample": _find_sample(request),
        "planned": plan.planned,
        "shard": request.shard and str(request.shard),
        "versions": {"python": platform.python_version()} | load_package_versions(_PACKAGES),
        "hardware": {
            "machine": platform.machine(),
            "system": platform.system(),
            "processor": cpu_name(),
            "cpus": os.cpu_count(),
        },
    }
    deselected = {str(task): str(need) for task, need in plan.deselected.items()}
    if request.answers is not None:
        deselected = read_manifest(request.answers).get("deselected", {})
    if deselected:
        manifest["deselected"] = deselected
    return manifest | {"identity": _identify(plan, manifest)}


def _find_sample(request: RunRequest) -> int | None:
    """Images of ``--sample``; of answers given again, those of the earlier run's sample."""
    if request.sample is not None or request.answers is None:
        return request.sample
    earlier = read_manifest(request.answers)
    sampled = earlier.get("partial") == [SAMPLED]
    return earlier["sample"] if sampled else None


def cpu_name() -> str:
    """What the processor is called, by Linux or else by Python."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _describe_model(plan: RunPlan) -> dict[str, Any]:
    """The model's card and weights; of answers given again, those they were given with."""
    if plan.request.answers is not None:
        known: dict[str, Any] = read_manifest(plan.request.answers)["model"]
        return known
    weights = locate_weights(plan.card)
    return {
        "name": plan.card.name,
        "card": msgspec.to_builtins(plan.card),
        "weights_digest": None if weights is None else digest_weights(weights),
    }


_ABOUT = ("name", "path", "note", "held_out")
"""Fields of a card that no answer depends on: its name, its place, and words for people."""


def _identify(plan: RunPlan, manifest: Mapping[str, Any]) -> Any:
    """What the answers will depend on; of answers given again, what they depended on."""
    request = plan.request
    if request.answers is not None:
        return read_manifest(request.answers).get("identity")
    card = {k: v for k, v in msgspec.to_builtins(plan.card).items() if k not in _ABOUT}
    package = BACKENDS.find_package(plan.card.backend)
    if package is not None:
        card["package"] = package
    if card["script"] is not None:
        del card["script"]["seconds"]  # a clock's matter
    trusted = plan.load_options().remote_code
    weights = locate_weights(plan.card)
    return msgspec.to_builtins(
        Identity(
            protocol=manifest["protocol"],
            code=manifest["code_digest"],
            card=card,
            weights=manifest["model"]["weights_digest"],
            files={} if weights is None else digest_files(weights, code=trusted),
            remote_code=trusted,
            rows=plan.dataset.digest,
            prompts=manifest["prompts"]["digest"],
            style=str(request.style),
            reply="likelihood" if request.reply_parser is ReplyParserKind.LIKELIHOOD else "text",
        )
    )


def _describe_judge(plan: RunPlan) -> dict[str, Any]:
    """Who grades texts, how often, and by which instruction."""
    choice = plan.request.judge
    if choice is None:
        return {"text": "exact" if plan.dataset.kind == "probes" else None}
    described = {"text": choice.name, "rounds": choice.rounds}
    if choice.gives_ratings:
        described["instruction_digest"] = digest_parts([INSTRUCTION.encode()])
    return described


def end_manifest(
    manifest: dict[str, Any],
    *,
    offered: int,
    selected: int,
    recorded: int,
    errors: int,
    seconds: float,
) -> dict[str, Any]:
    """The manifest with the end of the run; ``partial`` lists every reason why it is partial.

    Of the data set's cases some are in the sample, of those ``offered`` in this shard, of those
    ``selected`` were to be asked, of those ``recorded`` were.
    """
    reasons = []
    if manifest["planned"] < manifest["dataset"]["cases"]:
        reasons.append("sampled")
    if manifest["shard"] is not None:
        reasons.append(f"shard {manifest['shard']}")
    if selected < offered:
        reasons.append("filtered")
    if recorded < selected:
        reasons.append("interrupted")
    return manifest | {
        "status": "interrupted" if "interrupted" in reasons else "finished",
        "partial": reasons,
        "selected": selected,
        "recorded": recorded,
        "errors": errors,
        "wall_seconds": round(seconds, 3),
    }
