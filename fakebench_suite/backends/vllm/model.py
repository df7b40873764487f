"""A checkpoint in vLLM's engine: the prompts of many work units are in its scheduler together.

This module imports vllm, so it is imported only when a model is loaded.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import vllm
from transformers import AutoConfig, AutoProcessor
from vllm import SamplingParams, envs
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.platforms import current_platform
from vllm.sampling_params import RequestOutputKind
from vllm.usage.usage_lib import UsageContext
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError

from fakebench_suite.backends.base import (
    NO_LIMITS,
    OPTIONS,
    Backend,
    Capability,
    InferenceInfo,
    NotAsked,
    Reply,
    Request,
    RequestLimits,
)
from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.transformers.generation import (
    describe_settings,
    greedy_config,
    load_shipped_settings,
)
from fakebench_suite.backends.transformers.outputs import list_first_tokens
from fakebench_suite.backends.transformers.processor import Encoder
from fakebench_suite.backends.vllm.answers import FAILED, AnswerBuilder
from fakebench_suite.backends.vllm.arguments import BATCH_INVARIANT, list_unused_settings
from fakebench_suite.backends.vllm.image_ids import ImageIds
from fakebench_suite.backends.vllm.time_shares import TimeShares
from fakebench_suite.endpoints.event_loops import LoopThread
from fakebench_suite.errors import CardError, ModelError
from fakebench_suite.provenance import digest_tokens

_UNIT_PROMPTS = 64
"""Prompts of a work unit, at least, as the suite makes them; the last may have fewer."""
_BATCHES_AHEAD = 2
"""Prompts that vLLM is given, in full batches: one that it computes, and one that waits."""
_TRIES = 5
"""Times that a prompt is asked. vLLM sends an image once and then its name, and where a prompt with
the name arrives before the image does, the prompt ends as FAILED, and the image is sent again."""
_CLOSING_S = 10.0
"""Seconds that vLLM's processes get to end before they are killed."""
_DEAD = (
    "vLLM's engine has ended, and no prompt can be asked any more; its own messages say why. What "
    "was answered is recorded, and --resume asks the rest."
)


class VllmBackend(Backend):
    """A checkpoint in an engine of vLLM, answering greedily. It has to be closed.

    The engine takes prompts one by one, at any time, and batches them itself: as many prompts as
    fill it twice are handed over, whatever work units they are of, and the others wait here.
    """

    capabilities = frozenset(Capability)
    limits_prompts = True

    def __init__(
        self,
        card: Card,
        weights: Path,
        arguments: Mapping[str, Any],
        *,
        remote_code: bool,
        limits: RequestLimits = NO_LIMITS,
    ) -> None:
        self._card = card
        self._prompt_seconds = limits.prompt_seconds
        self._batch_invariant = bool(envs.VLLM_BATCH_INVARIANT)
        if self._batch_invariant and current_platform.is_cpu():
            raise CardError(
                "vLLM has no batch-invariant kernels for CPUs, so --deterministic needs a GPU. "
                f"Leave it out, and {BATCH_INVARIANT} too."
            )
        self._load_processor(weights, remote_code=remote_code)
        self._engine = AsyncLLM.from_engine_args(
            AsyncEngineArgs(**arguments), usage_context=UsageContext.LLM_CLASS
        )
        config = self._engine.vllm_config
        replicas: int = config.parallel_config.data_parallel_size
        self._batch_size: int = replicas * config.scheduler_config.max_num_seqs
        self._slots = asyncio.Semaphore(_BATCHES_AHEAD * self._batch_size)
        self.max_in_flight = 1 + -(-_BATCHES_AHEAD * self._batch_size // _UNIT_PROMPTS)
        """One unit more than fills the slots: its images are opened while others are answered."""
        self._stopped: NotAsked | None = None
        """What is said of every prompt that is not handed over any more."""
        self._waits: set[asyncio.Timeout] = set()
        """Those for the prompts that vLLM has."""
        self._gave_up = False
        self._time = TimeShares()
        self._numbers = count()
        self._image_ids = ImageIds()
        self._prompt_tokens = self._cached_tokens = 0
        self._same_tokens: bool | None = None
        """Whether transformers makes the same tokens of a prompt; None before the first."""
        self._loop = LoopThread("fakebench-vllm")
        attached = self._loop.run(self._engine.collective_rpc("attach_to_run", args=(os.getpid(),)))
        self._attention = sorted({name for names in attached for name in names})

    def _load_processor(self, weights: Path, *, remote_code: bool) -> None:
        """Load what renders prompts and reads replies; raises CardError where it cannot."""
        local = {"local_files_only": True, "trust_remote_code": remote_code}
        processor = AutoProcessor.from_pretrained(weights, **local)
        tokenizer = getattr(processor, "tokenizer", processor)
        shipped = load_shipped_settings(weights, AutoConfig.from_pretrained(weights, **local))
        settings = greedy_config(shipped, self._card, tokenizer)
        self._settings = describe_settings(settings, shipped, self._card)
        self._encoder = Encoder(self._card, processor, tokenizer)
        thought = self._encoder.find_thought()
        ends: list[int] = settings.eos_token_id
        self._tokenizer, self._ends = tokenizer, ends
        self._answers = AnswerBuilder(tokenizer, ends, thought=thought)

    def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """One reply per request; from any thread, several at a time."""
        return self._loop.run(self._answer_all(requests))

    @property
    def requests_in_flight(self) -> int:
        """Prompts that vLLM has."""
        return self._time.in_flight

    def stop(self, reason: str) -> None:
        """Hand nothing over any more; what vLLM has is still answered."""
        self._loop.call(self._stop, reason)

    def _stop(self, reason: str) -> None:
        self._stopped = self._stopped or NotAsked(reason)

    def give_up(self) -> None:
        """Wait no longer for what vLLM has, which drops it."""
        self._loop.call(self._give_up)

    def _give_up(self) -> None:
        if self._stopped is None:
            return
        self._gave_up, now = True, asyncio.get_running_loop().time()
        for wait in self._waits:
            if not wait.expired():  # It ends already, as soon as vLLM has dropped the prompt.
                wait.reschedule(now)

    def close(self) -> None:
        """Give up what is in flight, and end vLLM's processes."""

        async def end() -> None:
            return

        self._loop.close(end())
        self._engine.shutdown(timeout=_CLOSING_S)

    def describe(self) -> InferenceInfo:
        """The version and settings of vLLM, and how many tokens its cache of prefixes had."""
        config = self._engine.vllm_config
        caching: bool = config.cache_config.enable_prefix_caching
        parallel, scheduler = config.parallel_config, config.scheduler_config
        details = {
            "vllm": vllm.__version__,
            "dtype": str(config.model_config.dtype).removeprefix("torch."),
            "prefix_caching": caching,
            "batch_invariant": self._batch_invariant,
            "attention": self._attention,
            "tensor_parallel_size": parallel.tensor_parallel_size,
            "data_parallel_size": parallel.data_parallel_size,
            "max_num_seqs": scheduler.max_num_seqs,
            "max_model_len": config.model_config.max_model_len,
            "prompt_tokens": self._prompt_tokens,
            "cached_tokens": self._cached_tokens,
            "tokens_as_transformers": self._same_tokens,
        }
        if unused := list(list_unused_settings(self._card)):
            details["unused_settings"] = unused
        return InferenceInfo(
            path="prefix" if caching else "plain",
            reason="vLLM schedules prompts and shares their prefixes.",
            shared=caching,
            mixes=True,
            device=str(current_platform.get_device_name() or current_platform.device_type),
            batch_tokens=scheduler.max_num_batched_tokens,
            generation=self._settings
            | ({"batch_invariant": True} if self._batch_invariant else {}),
            rendering=self._encoder.rendering,
            details=details,
        )

    async def _answer_all(self, requests: Sequence[Request]) -> Sequence[Reply]:
        tasks = [asyncio.create_task(self._answer(request)) for request in requests]
        try:
            return await asyncio.gather(*tasks)
        except BaseException:  # An image is gone: the suite asks case by case.
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def _answer(self, request: Request) -> Reply:
        """The reply to one request, once there is a slot for it."""
        async with self._slots:
            if self._stopped is not None:
                return self._stopped
            images = request.prompt_images
            begun, wait = self._time.begin(), asyncio.timeout(self._prompt_seconds)
            try:
                async with wait:
                    self._waits.add(wait)
                    output = await self._generate(request, images)
            except Exception as error:  # Only this prompt fails, if vLLM lives.
                self._time.end(begun)
                return self._explain(error)
            finally:
                self._waits.discard(wait)
            taken = self._time.end(begun)
        self._prompt_tokens += len(output.prompt_token_ids)
        self._cached_tokens += output.num_cached_tokens or 0
        batch_size = min(taken.prompts, self._batch_size)
        return self._answers.build(request, output, seconds=taken.seconds, batch_size=batch_size)

    async def _generate(self, request: Request, images: Sequence[Any]) -> Any:
        """The finished output of a prompt, which is asked again where vLLM's own caches fail it."""
        for _ in range(_TRIES):
            output = await self._generate_once(request, images)
            if output.outputs[0].finish_reason != FAILED:
                break
        if self._same_tokens is None:
            self._same_tokens = self._compare_tokens(request, output)
        return output

    async def _generate_once(self, request: Request, images: Sequence[Any]) -> Any:
        prompt = {
            "prompt_token_ids": self._encoder.tokenize(request.prompt),
            "multi_modal_data": {"image": images[0] if len(images) == 1 else list(images)},
            "multi_modal_uuids": {"image": self._image_ids.list_ids(images)},
        }
        (rendered,) = await self._engine.renderer.render_cmpl_async([prompt])
        name, output = f"fakebench-{next(self._numbers)}", None
        async for finished in self._engine.generate(rendered, self._make_sampling(request), name):
            output = finished
        return output

    def _compare_tokens(self, request: Request, output: Any) -> bool:
        """Whether vLLM made the tokens of a prompt, its image's too, that transformers makes.

        Each answer records its own (``rendered``); this says at once whether runs are comparable.
        """
        prompt = request.prompt
        try:
            self._encoder.encode([prompt], request.images)
        except Exception:  # A processor may raise anything, where vLLM's own does not.
            return False
        expected = self._encoder.rendered[prompt.case]
        self._encoder.clear()
        return digest_tokens(output.prompt_token_ids) == expected

    def _make_sampling(self, request: Request) -> SamplingParams:
        """Greedy decoding; of probabilities, those of the tokens that begin an option."""
        limits: dict[str, Any] = {"max_tokens": 1}
        if request.want is Capability.TEXT:
            limits = {"max_tokens": self._card.generation.max_new_tokens}
        elif request.want is Capability.PROBABILITIES:
            starts = list_first_tokens(self._tokenizer, OPTIONS[request.prompt.question_type])
            limits["logprob_token_ids"] = sorted(frozenset.union(*starts))
        return SamplingParams(
            temperature=0.0,
            stop_token_ids=list(self._ends),
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
            **limits,
        )

    def _explain(self, error: Exception) -> Reply:
        """A prompt's error; of an engine that has ended, that nothing is asked any more."""
        if isinstance(error, EngineDeadError) or self._engine.errored:
            self._stopped = self._stopped or NotAsked(_DEAD, model_ended=True)
            return self._stopped
        if isinstance(error, TimeoutError):
            if self._gave_up and self._stopped is not None:
                return self._stopped
            return ModelError(f"no answer within --case-timeout={self._prompt_seconds:g}")
        cause = error.__cause__ or error  # vLLM wraps what it did not expect.
        return ModelError(f"{type(cause).__name__}: {cause}")
