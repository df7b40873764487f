"""A package ``vllm`` as far as the suite uses it, shaped like vLLM 0.32, which computes nothing."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


class EngineDeadError(Exception):
    """The engine has ended."""


@dataclass(kw_only=True)
class SamplingParams:
    """How one prompt is answered."""

    temperature: float = 1.0
    max_tokens: int = 16
    stop_token_ids: Sequence[int] = ()
    logprob_token_ids: Sequence[int] | None = None
    detokenize: bool = True
    output_kind: str = "cumulative"


@dataclass(kw_only=True)
class Completion:
    """What was generated after a prompt."""

    token_ids: Sequence[int]
    finish_reason: str = "stop"
    logprobs: Sequence[dict[int, Any]] = ()
    corrupted: bool = False


Complete = Callable[[Sequence[int], SamplingParams], Completion]


@dataclass(kw_only=True)
class FakeVllm:
    """What the engines do, and what they were asked."""

    complete: Complete
    """Completes a prompt by its tokens, or raises what its engine raises."""
    max_num_seqs: int = 4
    refusal: Exception | None = None
    """What loading raises."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Nothing is completed before it is set."""
    arguments: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[Sequence[int], Any, SamplingParams]] = field(default_factory=list)
    """Tokens, image and parameters of each prompt, in order."""
    image_ids: list[Sequence[str]] = field(default_factory=list)
    """Names of the images of each prompt, in order."""
    dropping_s: float = 0.0
    """Seconds until a prompt that nobody waits for is dropped."""
    given: int = 0
    """Prompts that the engine has."""
    most: int = 0
    """Most that it had at once."""
    batch_invariant: bool = False
    dead: bool = False
    closed: int = 0
    """Engines that were shut down."""


class AsyncLLM:
    """An engine."""

    fake: FakeVllm

    def __init__(self, arguments: Any) -> None:
        self.fake.arguments = arguments = dict(arguments)
        if self.fake.refusal is not None:
            raise self.fake.refusal
        self.vllm_config = SimpleNamespace(
            cache_config=SimpleNamespace(enable_prefix_caching=arguments["enable_prefix_caching"]),
            parallel_config=SimpleNamespace(
                tensor_parallel_size=arguments["tensor_parallel_size"],
                data_parallel_size=arguments["data_parallel_size"],
            ),
            scheduler_config=SimpleNamespace(
                max_num_seqs=arguments.get("max_num_seqs", self.fake.max_num_seqs),
                max_num_batched_tokens=arguments.get("max_num_batched_tokens", 2048),
            ),
            model_config=SimpleNamespace(dtype="torch.float32", max_model_len=1024),
        )
        self.renderer = SimpleNamespace(render_cmpl_async=self.render)

    @classmethod
    def from_engine_args(cls, arguments: Any, usage_context: str) -> "AsyncLLM":
        """The engine of some arguments."""
        assert usage_context == "LLM_CLASS"
        return cls(arguments)

    @property
    def errored(self) -> bool:
        """Whether it has ended."""
        return self.fake.dead

    async def render(self, prompts: Sequence[Any]) -> Sequence[Any]:
        """The prompts, whose images it reads."""
        return prompts

    async def generate(
        self, prompt: Any, parameters: SamplingParams, request_id: str
    ) -> AsyncIterator[Any]:
        """The finished output of a prompt."""
        tokens, image = prompt["prompt_token_ids"], prompt["multi_modal_data"]["image"]
        self.fake.asked.append((tokens, image, parameters))
        self.fake.image_ids.append(prompt["multi_modal_uuids"]["image"])
        self.fake.given += 1
        self.fake.most = max(self.fake.most, self.fake.given)
        try:
            await self.fake.gate.wait()
            if self.fake.dead:
                raise EngineDeadError
            completion = self.fake.complete(tokens, parameters)
        except asyncio.CancelledError:  # The engine, in a process of its own, is told to drop it.
            await asyncio.sleep(self.fake.dropping_s)
            raise
        finally:
            self.fake.given -= 1
        yield SimpleNamespace(
            request_id=request_id,
            prompt_token_ids=tokens,
            outputs=[completion],
            num_cached_tokens=1,
            metrics=SimpleNamespace(is_corrupted=completion.corrupted),
        )

    async def collective_rpc(self, method: str, args: Sequence[Any]) -> Sequence[Any]:
        """What each of its two workers returns."""
        assert method == "attach_to_run"
        assert args == (os.getpid(),)
        return [["FLASH"], ["FLASH"]]

    def shutdown(self, timeout: float) -> None:
        """End its processes."""
        assert timeout > 0
        self.fake.closed += 1


def install(monkeypatch: pytest.MonkeyPatch, fake: FakeVllm) -> None:
    """Let ``import vllm`` give the fake until the test is over."""
    engine = type("AsyncLLM", (AsyncLLM,), {"fake": fake})
    contents: dict[str, dict[str, Any]] = {
        "vllm": {
            "__version__": "0.0",
            "SamplingParams": SamplingParams,
            "envs": SimpleNamespace(VLLM_BATCH_INVARIANT=fake.batch_invariant),
        },
        "vllm.engine.arg_utils": {"AsyncEngineArgs": dict},
        "vllm.platforms": {
            "current_platform": SimpleNamespace(
                device_type="cpu", get_device_name=lambda: "", is_cpu=lambda: True
            )
        },
        "vllm.sampling_params": {"RequestOutputKind": SimpleNamespace(FINAL_ONLY="final")},
        "vllm.usage.usage_lib": {"UsageContext": SimpleNamespace(LLM_CLASS="LLM_CLASS")},
        "vllm.v1.engine.async_llm": {"AsyncLLM": engine},
        "vllm.v1.engine.exceptions": {"EngineDeadError": EngineDeadError},
    }
    names = {name.rsplit(".", depth)[0] for name in contents for depth in range(3)}
    for name in names | contents.keys():
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None, origin="a test")
        module.__path__ = []
        vars(module).update(contents.get(name, {}))
        monkeypatch.setitem(sys.modules, name, module)
