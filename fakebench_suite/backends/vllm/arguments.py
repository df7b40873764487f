"""From a card to the arguments of vLLM's engine, and what of the card vLLM has no use for."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fakebench_suite.backends.base import Capability
from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.registry import LoadOptions
from fakebench_suite.errors import CardError

ENVIRONMENT: Mapping[str, str] = {
    "HF_HUB_OFFLINE": "1",  # A run never downloads.
    "VLLM_NO_USAGE_STATS": "1",  # Nothing about a run is sent anywhere.
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_COMPUTE_NANS_IN_LOGITS": "1",  # Of a prompt whose scores are NaN there is no answer.
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",  # This process has threads, which no fork survives.
}
"""Variables that vLLM reads, where the user has set them to nothing else."""
BATCH_INVARIANT = "VLLM_BATCH_INVARIANT"
"""The variable that makes replies independent of what else is in the batch."""
CPU_THREADS = "VLLM_CPU_OMP_THREADS_BIND"
"""The variable that says on which cores the threads of vLLM for CPUs compute."""
DRAIN_S = 30
"""Seconds in which vLLM's own process, which Ctrl-C reaches as well, finishes what it has begun."""
_MEMORY = 0.9
"""Share of a machine's memory that all its engines may take; vLLM's own default is 0.92 for one."""
ADVICE = "Use --engine=local."
"""What to do about a checkpoint that vLLM does not load."""
RESERVED = frozenset({
    "model", "tokenizer", "revision", "dtype", "trust_remote_code", "tensor_parallel_size",
    "data_parallel_size", "enable_prefix_caching", "generation_config", "limit_mm_per_prompt",
    "disable_log_stats", "enable_log_requests", "shutdown_timeout", "seed",
    "worker_extension_cls",
})  # fmt: skip
"""Arguments that the suite sets, from the card or its own options."""


def build_engine_arguments(card: Card, weights: Path, options: LoadOptions) -> dict[str, Any]:
    """The arguments of the engine; raises CardError where the card asks for what vLLM cannot do."""
    check_card(card)
    arguments: dict[str, Any] = {
        "model": str(weights),
        "dtype": card.dtype,
        "trust_remote_code": options.remote_code,
        "tensor_parallel_size": options.vllm.tensor_parallel,
        "data_parallel_size": options.vllm.data_parallel,
        "enable_prefix_caching": True,
        "generation_config": "vllm",  # Shipped settings are ignored, as everywhere in the suite.
        "limit_mm_per_prompt": {"image": _count_images(options), "video": 0, "audio": 0},
        "max_model_len": -1,  # As long as the checkpoint allows and memory has room for.
        "disable_log_stats": False,  # They say whether scores were NaN.
        "shutdown_timeout": DRAIN_S,
        "worker_extension_cls": "fakebench_suite.backends.vllm.worker.WorkerExtension",
        "seed": 0,
    }
    if options.batch_tokens is not None:
        arguments["max_num_batched_tokens"] = options.batch_tokens
    if card.generation.batch_size is not None:
        arguments["max_num_seqs"] = card.generation.batch_size
    return arguments | card.options


def _count_images(options: LoadOptions) -> int:
    """Most images of one prompt: room is kept for so many, so never for more than are shown."""
    return 2 if Capability.TWO_IMAGES in options.wants else 1


def share_machine(cores: int, total: int) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """Variables and arguments of an engine that has ``cores`` of the ``total`` cores of a machine.

    By itself each of several engines would bind its threads to the same cores, and take nearly all
    of the memory. With all cores there is nothing to say: vLLM knows best which of them to use.
    """
    if cores >= total:
        return {}, {}
    variables = {CPU_THREADS: "nobind", "OMP_NUM_THREADS": str(cores)}
    return variables, {"gpu_memory_utilization": _MEMORY * cores / total}


def check_card(card: Card) -> None:
    """Raise CardError where a card asks for what vLLM cannot do, or sets what the suite sets."""
    if card.prompt.interleaved:
        raise CardError(
            f"The prompts of the card {card.name!r} are interleaved, which vLLM does not take. "
            f"{ADVICE}"
        )
    if card.dtype == "float64":
        raise CardError(f"vLLM does not compute in float64, as {card.name!r} asks. {ADVICE}")
    reserved = RESERVED & card.options.keys()
    if reserved:
        raise CardError(
            f"[options] of the card {card.name!r} sets {', '.join(sorted(reserved))}, which the "
            "suite sets itself. Leave it out."
        )


def list_unused_settings(card: Card) -> Iterator[str]:
    """The settings of a card that vLLM decides for itself."""
    if card.attention is not None:
        yield "attention"
    if card.unused_tensors:
        yield "unused_tensors"
