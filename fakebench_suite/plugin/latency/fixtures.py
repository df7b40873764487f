"""Timing: the fixtures ``measure``, ``work`` and ``loader`` of ``cases/test_latency.py``."""

import gc
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import sha256
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from fakebench_suite.backends.base import Backend, Capability, Reply, Request
from fakebench_suite.backends.registry import load_model
from fakebench_suite.errors import EngineError, ImageError, UserError
from fakebench_suite.execution.plan import RunPlan
from fakebench_suite.execution.work_units import MIN_UNIT_PROMPTS
from fakebench_suite.plugin.collection import get_plan
from fakebench_suite.plugin.fixtures import MODEL
from fakebench_suite.types import Answer, Case, LatencyTiming, list_image_cases

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

Ask = Callable[[Backend], Sequence[Reply]]
Measure = Callable[[Ask], None]
COLD, WARM = "cold", "warm"
COLD_ROUNDS = 3
"""Each loads the model anew."""
_TIMINGS = pytest.StashKey[list[LatencyTiming]]()


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkInput:
    """What is asked while the clock runs; its images are open before."""

    first_token: Sequence[Request]
    """The group's first prompt, of whose reply only the first token is wanted."""
    prompt: Sequence[Request]
    """The group's first prompt, alone."""
    group: Sequence[Request]
    """All prompts about the image that most is asked about."""
    work_unit: Sequence[Request]
    """That group and others, as many prompts as the suite asks at a time."""

    @property
    def digest(self) -> str:
        """What has to be the same for two timings to be comparable."""
        prompts = (request.prompt for request in self.work_unit)
        texts = "\0".join("\0".join((*p.image_names, p.text)) for p in prompts)
        return sha256(texts.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class ModelReloader:
    """Loads the model again and again, never two at a time."""

    model: Backend

    def __init__(self, plan: RunPlan) -> None:
        self._plan, self._held = plan, ExitStack()

    def load(self) -> None:
        """Load the model; the test fails where it does not load."""
        try:
            self.model = self._held.enter_context(
                load_model(self._plan.card, self._plan.load_options())
            )
        except (EngineError, UserError) as error:
            pytest.fail(str(error), pytrace=False)

    def unload(self) -> None:
        """Give memory and device back."""
        self.__dict__.pop("model", None)
        self._held.close()
        gc.collect()
        torch: Any = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()

    def reload(self) -> None:
        """Start afresh."""
        self.unload()
        self.load()


@pytest.fixture(scope="session")
def work(request: pytest.FixtureRequest) -> BenchmarkInput:
    """The same for every seed, sample and shard of a data set."""
    plan = get_plan(request.config)
    groups: dict[str, list[Case]] = {}
    for case in plan.dataset.cases:
        if plan.list_needs(case) <= plan.capabilities:
            groups.setdefault(case.image, []).append(case)
    chosen: list[Case] = []
    images: dict[str, Any] = {}
    for cases in sorted(groups.values(), key=len, reverse=True):
        if len(chosen) >= MIN_UNIT_PROMPTS:
            break
        try:
            for shown in list_image_cases(cases):
                if shown.image not in images:
                    images[shown.image] = plan.dataset.open_image(shown)
        except ImageError as error:
            pytest.fail(str(error), pytrace=False)
        chosen += cases
    requests = [Request(prompt=plan.build_prompt(case), images=images) for case in chosen]
    group = [item for item in requests if item.prompt.image == requests[0].prompt.image]
    return BenchmarkInput(
        first_token=[replace(group[0], want=Capability.FIRST_TOKEN)],
        prompt=group[:1],
        group=group,
        work_unit=requests,
    )


@pytest.fixture
def loader(request: pytest.FixtureRequest) -> Generator[ModelReloader, None, None]:
    """Loads the model under test, and unloads it when the test is over."""
    loader = ModelReloader(get_plan(request.config))
    yield loader
    loader.unload()


@pytest.fixture
def measure_loading(
    request: pytest.FixtureRequest,
    benchmark: "BenchmarkFixture",
    loader: ModelReloader,
    work: BenchmarkInput,
) -> Callable[[], None]:
    """``measure_loading()`` times how long a model takes from the disk to its device."""

    def run() -> None:
        loader.reload()  # Imports what is imported once, and warms the cache of files.
        benchmark.group = "load"
        benchmark.pedantic(loader.load, setup=loader.unload, rounds=COLD_ROUNDS)
        _keep(request.config, benchmark, state=COLD, work=work)

    return run


@pytest.fixture
def measure(
    request: pytest.FixtureRequest, benchmark: "BenchmarkFixture", state: str, work: BenchmarkInput
) -> Measure:
    """``measure(ask)`` times what ``ask`` asks of the model, and keeps the timing for the run."""
    benchmark.group = request.node.originalname.removeprefix("test_").replace("_", " ")
    loader: ModelReloader | None = request.getfixturevalue("loader") if state == COLD else None
    warm: Backend | None = request.getfixturevalue("model") if state == WARM else None

    def run(ask: Ask) -> None:
        if loader is not None:
            replies = benchmark.pedantic(
                lambda: ask(loader.model), setup=loader.reload, rounds=COLD_ROUNDS
            )
        else:
            assert warm is not None
            if request.config.stash.get(MODEL, None) is not warm:
                pytest.fail(
                    "cases/ has a fixture 'model' of its own, which cannot be loaded anew. Latency "
                    "is measured of --model; give it a card.",
                    pytrace=False,
                )
            ask(warm)  # Finds the route, measures the budget, fills caches.
            replies = benchmark(ask, warm)
        _keep(request.config, benchmark, state=state, work=work, replies=replies)

    return run


def _keep(
    config: pytest.Config,
    benchmark: "BenchmarkFixture",
    *,
    state: str,
    work: BenchmarkInput,
    replies: Sequence[Reply] = (),
) -> None:
    """Note what was measured; an error is no answer, and has no latency."""
    answers = [reply for reply in replies if isinstance(reply, Answer)]
    for reply in replies:
        if not isinstance(reply, Answer):
            pytest.fail(f"The model failed while it was timed: {reply}", pytrace=False)
    if benchmark.stats is None:  # --benchmark-disable
        return
    timing = LatencyTiming(
        name=str(benchmark.group),
        state=state,
        seconds=tuple(benchmark.stats.stats.data),
        prompts=len(answers),
        tokens=sum(answer.tokens for answer in answers),
        input_digest=work.digest,
    )
    benchmark.extra_info.update(
        model=get_plan(config).card.name,
        input_digest=timing.input_digest,
        prompts=timing.prompts,
        tokens=timing.tokens,
        tokens_per_second=timing.tokens / median(timing.seconds),
    )
    config.stash.setdefault(_TIMINGS, []).append(timing)


def list_timings(config: pytest.Config) -> Sequence[LatencyTiming]:
    """What was measured in this session, in order."""
    return config.stash.get(_TIMINGS, [])
