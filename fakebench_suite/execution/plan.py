"""The plan of a run: which model, which cases in which order, and how they are asked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from fakebench_suite.backends.base import (
    NO_LIMITS,
    OPTIONS,
    Capability,
    Request,
    RequestLimits,
)
from fakebench_suite.backends.cards import Card, find_card
from fakebench_suite.backends.registry import (
    LoadOptions,
    VllmOptions,
    check_model,
    find_capabilities,
)
from fakebench_suite.datasets import DataSource, open_dataset
from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.sampling import Shard, order_cases, select_shard
from fakebench_suite.datasets.wrong_paths import find_images_above
from fakebench_suite.entry_points import name_package
from fakebench_suite.errors import DataError, UserError
from fakebench_suite.execution.budget import Budget, check_budget
from fakebench_suite.execution.flip_search import FlipSearchInput
from fakebench_suite.execution.known_answers import select_known
from fakebench_suite.execution.reusable_answers import (
    ContentKey,
    ReusableAnswers,
    is_reusable,
    select_reusable,
)
from fakebench_suite.execution.robustness import (
    SEARCH_PROMPTS,
    RobustnessRequest,
    RobustnessSummary,
    add_robustness,
    drop_cases,
    explain_unaskable,
    limit_robustness,
)
from fakebench_suite.grading.judges.registry import JudgeConfig, check_extra, check_weights
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.provenance import collect_pixels
from fakebench_suite.runs.differences import check_data
from fakebench_suite.runs.store import read_all_records, read_manifest, read_records
from fakebench_suite.tasks.boxes import BoxStyle
from fakebench_suite.tasks.prompts import PromptStyle, build_prompt
from fakebench_suite.tasks.registry import get_task, list_tasks
from fakebench_suite.tasks.robustness import SEARCH, RobustnessMode
from fakebench_suite.text.display import count_of
from fakebench_suite.types import Answer, Case, PixelDigest, Prompt, Record, Task

if TYPE_CHECKING:
    from PIL import Image

DEFAULT_MODEL = "pocket"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What the user asked for, as far as answers and verdicts depend on it."""

    model: str = DEFAULT_MODEL
    """A card's name or path, or a directory with a checkpoint."""
    data: DataSource | Path | None = None
    """A kind of data set, FakeBench's directory or a JSON-lines file; None for the probes."""
    tasks: tuple[str, ...] | None = None
    """None for all."""
    sample: int | None = None
    """Images that are drawn; None for all."""
    shard: Shard | None = None
    seed: int = 0
    style: PromptStyle = PromptStyle.PAPER
    reply_parser: ReplyParserKind = ReplyParserKind.GRAMMAR
    judge: JudgeConfig | None = None
    answers: Path | None = None
    """An earlier run whose answers are given again: no model is asked."""
    resume: Path | None = None
    """The run, broken off, that goes on."""
    reuse: Path | None = None
    """An earlier run whose answers to the same prompts and pixels are taken over."""
    budget: Budget | None = None
    """What may be spent; None for no limit."""
    limits: RequestLimits = NO_LIMITS
    """How fast, over all processes, prompts may be asked, and how long one may take."""
    robustness: RobustnessRequest | None = None
    """Which detection cases are asked perturbed as well; None for none."""
    run_timeout: float | None = None
    """Seconds for which cases are asked; None for no limit."""
    remote_code: bool = False
    batch_tokens: int | None = None
    vllm: VllmOptions | None = None
    """How vLLM answers in place of transformers; None for what the card names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """The model, the data, and the cases in order."""

    request: RunRequest
    card: Card
    dataset: Dataset
    cases: tuple[Case, ...]
    drawn: tuple[Case, ...]
    """The sample, or everything, of all tasks and over all shards."""
    planned: int
    """Cases to be asked over all shards: those of the chosen tasks in the sample."""
    capabilities: frozenset[Capability] = frozenset(Capability)
    """What the backend can be asked; everything, where answers are given again."""
    deselected: Mapping[str, str] = field(default_factory=dict)
    """Tasks that are not asked, and the capability that the backend lacks for them."""
    shown: Mapping[str, PixelDigest] = field(default_factory=dict)
    """The images shown before, where answers are given again or a run goes on."""
    known: Mapping[str, Record] = field(default_factory=dict)
    """By case id, the records of a run that goes on whose answers are kept."""
    reusable: ReusableAnswers = field(default_factory=dict)
    """Answers of an earlier run to the same prompts and pixels."""
    robustness: RobustnessSummary | None = None
    """What is asked of robustness; None for nothing."""
    features: Mapping[str, Any] | None = None
    """What a test request found out about the model's server, once one was sent."""
    boxes: BoxStyle = field(init=False)
    """How the model is asked for boxes, and writes them."""

    def __post_init__(self) -> None:
        """Look the style of boxes up once, and not for every case."""
        object.__setattr__(self, "boxes", self.card.boxes)

    def build_prompt(self, case: Case) -> Prompt:
        """The prompt of a case in the chosen wording."""
        return build_prompt(case, self.request.style, self.boxes)

    def build_request(self, case: Case, images: "Mapping[str, Image.Image]") -> Request:
        """What the backend is asked for a case; ``images`` are those of its work unit."""
        want = self.find_want(case)
        return Request(prompt=self.build_prompt(case), images=images, want=want)

    def find_search(self, case: Case) -> FlipSearchInput | None:
        """What is searched about a case; None where it is asked once, or answered before."""
        if case.perturbation != SEARCH or self.robustness is None or self.request.answers:
            return None
        return FlipSearchInput(
            case=case,
            families=self.robustness.searched,
            prompts=SEARCH_PROMPTS,
            seed=self.request.seed,
            parser=self.request.reply_parser,
        )

    def find_want(self, case: Case) -> Capability:
        """What the backend is asked for."""
        return find_want(case, self.request.reply_parser)

    def list_needs(self, case: Case) -> frozenset[Capability]:
        """All that the backend has to be capable of to be asked a case."""
        return list_needs(case, self.request.reply_parser)

    def find_reusable(
        self, case: Case, request: Request, shown: Mapping[str, PixelDigest]
    ) -> Answer | None:
        """The answer of an earlier run to the same prompt, upon the same pixels in this order.

        ``shown`` holds what each image shows, by name.
        """
        if not (self.reusable and is_reusable(case) and shown.keys() >= set(case.image_names)):
            return None
        digests = tuple(shown[name].digest for name in case.image_names)
        return self.reusable.get(ContentKey(request.prompt.text, digests, request.want))

    def load_options(self, *, workers: int = 1) -> LoadOptions:
        """How the model is loaded in one of so many processes on this machine."""
        trusted = self.card.trust_remote_code and self.request.remote_code
        budget = self.request.budget
        return LoadOptions(
            remote_code=trusted,
            batch_tokens=self.request.batch_tokens,
            workers=workers,
            limits=self.request.limits.share(workers),
            wants=frozenset(need for case in self.cases for need in self.list_needs(case)),
            budget=None if budget is None else budget.unit,
            vllm=self.request.vllm or VllmOptions(),
            features=self.features,
        )


def list_needs(case: Case, parser: ReplyParserKind) -> frozenset[Capability]:
    """All that a backend has to be capable of to be asked a case."""
    shows = {Capability.TWO_IMAGES} if case.second_image is not None else set()
    return frozenset({find_want(case, parser), *shows})


def find_want(case: Case, parser: ReplyParserKind) -> Capability:
    """What a backend is asked for by the request of a case."""
    weighs = parser is ReplyParserKind.LIKELIHOOD and case.question_type in OPTIONS
    return Capability.PROBABILITIES if weighs else Capability.TEXT


def make_plan(request: RunRequest, *, asks: bool = True) -> RunPlan:
    """Model, data and cases of a request; raises UserError when something does not fit.

    Where nothing will be asked (``asks``), weights and images need not be there.
    """
    card = choose_card(request)
    check_budget(request.budget, card)
    check_limits(request.limits, card)
    capabilities = frozenset(Capability)
    if request.answers is None:
        capabilities = find_capabilities(card)
        if asks:
            trusted = card.trust_remote_code and request.remote_code
            check_model(card, remote_code=trusted)
    request = choose_reading(request, card, capabilities)
    dataset = open_dataset(request.data)
    if request.answers is not None:
        check_data(request.answers, name=dataset.name, digest=dataset.digest)
    robustness = choose_robustness(request, capabilities)
    if robustness is not None:
        dataset = add_robustness(dataset, robustness, request.reply_parser, capabilities)
    if request.judge is not None and asks:
        check_extra(request.judge)
        check_weights(request.judge)
    if asks and request.answers is None:
        check_images(dataset, request.data)
    recorded = read_answers(request.answers)
    before = recorded or read_recorded(request.resume) or []
    offered = choose_cases(dataset.cases, recorded)
    drawn = order_cases(offered, seed=request.seed, sample=request.sample)
    perturbed = None
    if robustness is not None:
        perturbed, left_out = limit_robustness(
            drawn, robustness, request.reply_parser, capabilities, seed=request.seed
        )
        dataset = drop_cases(dataset, left_out, {case.id for case in drawn})
        drawn = [case for case in drawn if case.id not in left_out]
    given_again = recorded is not None
    cases = choose_tasks(drawn, request.tasks, name=dataset.name, on_request=given_again)
    lacking = find_lacking(cases, request.reply_parser, capabilities)
    cases = [case for case in cases if case.task not in lacking]
    if not cases and lacking:
        raise UserError(
            f"{card.name} cannot be asked {', '.join(sorted(lacking))}: its backend, "
            f"{card.backend}, lacks {', '.join(sorted(set(lacking.values())))}. Choose other tasks "
            "or another model."
        )
    planned = len(cases)
    if request.shard is not None:
        cases = choose_shard(cases, request.shard)
    return RunPlan(
        request=request,
        card=card,
        dataset=dataset,
        cases=tuple(cases),
        drawn=tuple(drawn),
        planned=planned,
        capabilities=capabilities,
        deselected=lacking if request.answers is None else read_deselected(request.answers),
        shown={name: shown for name, shown in collect_pixels(before).items() if shown},
        known=select_known(read_recorded(request.resume) or []),
        reusable=select_reusable(read_recorded(request.reuse) or []),
        robustness=perturbed,
    )


def choose_shard(cases: Sequence[Case], shard: Shard) -> list[Case]:
    """The cases of a shard; raises UserError where there is none."""
    chosen = select_shard(cases, shard)
    if not chosen:
        raise UserError(
            f"--shard={shard} holds none of {count_of(len(cases), 'case')}. Use fewer shards."
        )
    return chosen


def choose_robustness(
    request: RunRequest, capabilities: Collection[Capability]
) -> RobustnessRequest | None:
    """What is asked of robustness: of answers given again, what the earlier run asked of it.

    What that asked and this reading cannot read is left out.

    Raises UserError where ``--tasks`` leaves it out.
    """
    chosen = request.robustness
    if chosen is None and request.answers is not None:
        earlier = read_manifest(request.answers).robustness
        if earlier is not None:
            families = (
                name
                for name in earlier.families
                if explain_unaskable(name, request.reply_parser, capabilities) is None
            )
            chosen = RobustnessRequest(mode=RobustnessMode(earlier.mode), families=tuple(families))
    if chosen is not None and request.tasks is not None and Task.ROBUSTNESS not in request.tasks:
        if request.robustness is None:
            return None
        raise UserError(
            f"--robustness adds cases of the task robustness, which --tasks leaves out. Write "
            f"--tasks={','.join([*request.tasks, Task.ROBUSTNESS])}, or leave --robustness out."
        )
    return chosen


def check_images(dataset: Dataset, data: DataSource | Path | None) -> None:
    """Raise UserError where a data set has no images here."""
    if _has_images(dataset):
        return
    place = data.path if isinstance(data, DataSource) else data
    if place is None:
        raise UserError(f"The data set {dataset.name} has no images here.")
    above = find_images_above(place)
    hint = f"Did you mean --data={above}? " if above is not None else ""
    raise UserError(
        f"There are no images below {place}. {hint}Put FakeBench's fake_images/ and "
        "real_images/ somewhere below it, or add --collect-only."
    )


def _has_images(dataset: Dataset) -> bool:
    """Whether there are images; raises DataError where the data set of a package cannot say."""
    with name_package(f"Looking for the images of the data set {dataset.name!r}", DataError):
        return dataset.has_images()


def read_answers(run: Path | None) -> list[Record] | None:
    """The records of a run whose answers are judged again, all of them; None without one."""
    return None if run is None else read_all_records(run, read_manifest(run))


def read_recorded(run: Path | None) -> list[Record] | None:
    """The records of a run; None without one."""
    return None if run is None else list(read_records(run))


def choose_reading(
    request: RunRequest, card: Card, capabilities: Collection[Capability]
) -> RunRequest:
    """The request, read by what the backend gives; raises UserError where it does not give it.

    A backend that writes no text, such as a classifier, is read by its probabilities, and so are
    answers of an earlier run that was.
    """
    if request.answers is not None and request.reply_parser is ReplyParserKind.GRAMMAR:
        identity = read_manifest(request.answers).identity
        if identity is not None and identity.reply == "likelihood":
            return replace(request, reply_parser=ReplyParserKind.LIKELIHOOD)
    if (
        Capability.PROBABILITIES not in capabilities
        and request.reply_parser is ReplyParserKind.LIKELIHOOD
    ):
        raise UserError(
            f"{card.name} is {card.backend} and has no probabilities to read. "
            "Leave --reading=likelihood out, or choose a model with weights."
        )
    if Capability.TEXT in capabilities or Capability.PROBABILITIES not in capabilities:
        return request
    if request.reply_parser is ReplyParserKind.PAPER:
        raise UserError(
            f"{card.name} writes no text that --reading=paper could read; it gives probabilities. "
            "Leave --reading out."
        )
    return replace(request, reply_parser=ReplyParserKind.LIKELIHOOD)


def find_lacking(
    cases: Sequence[Case], parser: ReplyParserKind, capabilities: Collection[Capability]
) -> dict[str, Capability]:
    """The tasks of these cases that need a capability which is not there, and which it is."""
    needed = {(case.task, need) for case in cases for need in list_needs(case, parser)}
    return {task: need for task, need in sorted(needed) if need not in capabilities}


def read_deselected(run: Path) -> Mapping[str, str]:
    """The tasks that an earlier run did not ask, and the capability that was lacking."""
    return read_manifest(run).deselected


def check_limits(limits: RequestLimits, card: Card) -> None:
    """Raise UserError if the pace of a model is limited that is asked in this process."""
    if card.endpoint is None and {limits.requests_per_minute, limits.tokens_per_minute} != {None}:
        raise UserError(
            f"--max-requests-per-minute and --max-tokens-per-minute are about models behind a URL, "
            f"which {card.name} is not. Leave them out."
        )


def choose_card(request: RunRequest) -> Card:
    """The card of ``--model``, or with ``--answers`` the one the earlier run was made with."""
    if request.answers is None:
        card = find_card(request.model)
        return card if request.vllm is None else answer_by_vllm(card)
    try:
        card = msgspec.convert(read_manifest(request.answers).model.card, Card)
    except msgspec.ValidationError as error:
        raise UserError(
            f"The manifest of {request.answers} holds a card that this version cannot read: "
            f"{error}. Ask the model again: leave --answers out."
        ) from error
    names = DEFAULT_MODEL, card.name, card.repository, f"openai:{card.name}"
    if request.model not in names and not _is_card_of(request.model, card):
        raise UserError(
            f"{request.answers} holds answers of {card.name}, not of {request.model}. "
            "Leave --model out: with --answers no model is asked."
        )
    return card


def _is_card_of(model: str, card: Card) -> bool:
    """Whether ``--model`` names what a card describes, by its path."""
    try:
        other = find_card(model)
    except UserError:
        return False
    fields = ("name", "backend", "repository", "path", "endpoint")
    return all(getattr(other, field) == getattr(card, field) for field in fields)


def answer_by_vllm(card: Card) -> Card:
    """The card with vLLM in place of transformers; raises UserError where it has no checkpoint."""
    if card.backend not in ("transformers", "vllm"):
        raise UserError(
            f"vLLM loads checkpoints, and {card.name} is answered by {card.backend}. Leave "
            "--engine=vllm or --replica-engine=vllm out."
        )
    return msgspec.structs.replace(card, backend="vllm")


def choose_cases(cases: Sequence[Case], recorded: Sequence[Record] | None) -> Sequence[Case]:
    """All cases, or those of them that an earlier run recorded."""
    if recorded is None:
        return cases
    ids = {record.case.id for record in recorded}
    return [case for case in cases if case.id in ids]


def choose_tasks(
    cases: list[Case], tasks: Collection[str] | None, *, name: str, on_request: bool = False
) -> list[Case]:
    """The cases of ``--tasks``; raises UserError where a task has none in the data set.

    Without ``--tasks`` all, but those of tasks that are asked only on request, unless there are no
    others or ``on_request`` lets them in.
    """
    if tasks is None:
        kept = [case for case in cases if on_request or not get_task(case.task).on_request]
        return kept or cases
    present = {case.task for case in cases}
    for task in tasks:
        if task not in present and get_task(task).derived:
            raise UserError(f"No {task} case is asked without --{task}. Add it.")
        if task not in present:
            raise UserError(
                f"{name} has no {task} case. Leave {task} out of --tasks; it has "
                f"{', '.join(known for known in list_tasks() if known in present)}."
            )
    return [case for case in cases if case.task in tasks]
