"""Which cases ``--robustness`` adds to a plan, and how many prompts they take."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from fakebench_suite.backends.base import Capability
from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.perturbed import perturb_dataset
from fakebench_suite.datasets.sampling import order_cases
from fakebench_suite.errors import UserError
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.tasks.robustness import FAMILIES, SEARCH, RobustnessMode, list_ladder
from fakebench_suite.text.display import count_of
from fakebench_suite.types import Case, Task

SEARCH_PROMPTS = 100
"""Most prompts of the search about one case, the original's among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessRequest:
    """What ``--robustness`` asks for."""

    mode: RobustnessMode
    families: tuple[str, ...] | None = None
    """None for all."""
    budget: int | None = None
    """Most prompts, over all shards; None for no limit."""

    @property
    def has_ladder(self) -> bool:
        """Whether every level is asked."""
        return self.mode is not RobustnessMode.SEARCH

    @property
    def has_search(self) -> bool:
        """Whether the smallest perturbation is searched that flips a verdict."""
        return self.mode is not RobustnessMode.LADDER


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessSummary:
    """What is asked of robustness."""

    mode: RobustnessMode
    families: tuple[str, ...]
    unasked: tuple[str, ...]
    """The families that all would be, and that this model or reading cannot be asked."""
    searched: tuple[str, ...]
    """The families that the search draws from; empty without a search."""
    budget: int | None
    images: int
    """Images that are perturbed, over all shards."""
    left_out: int
    """Images with detection cases that the budget has no room for."""
    prompts: int
    """Prompts at most, over all shards."""

    def __str__(self) -> str:
        prompts = f"{'at most ' if self.searched else ''}{count_of(self.prompts, 'prompt')}"
        text = f"{self.mode}, {prompts} about {count_of(self.images, 'image')}"
        if self.left_out:
            text += f"; --robustness-budget={self.budget} leaves out {self.left_out:,} more"
        if self.unasked:
            text += f"; without {', '.join(self.unasked)}, which measure nothing here"
        return text


def choose_families(
    request: RobustnessRequest, parser: ReplyParserKind, capabilities: Collection[Capability]
) -> tuple[str, ...]:
    """The families that are asked, in the order of FAMILIES.

    Raises UserError where one cannot be that was asked for by name.
    """
    families = [name for name in FAMILIES if request.families is None or name in request.families]
    unaskable = {
        name: reason
        for name in families
        if (reason := explain_unaskable(name, parser, capabilities)) is not None
    }
    if unaskable and request.families is not None:
        name, reason = next(iter(unaskable.items()))
        raise UserError(f"{reason} Leave {name} out of --robustness-families.")
    families = [name for name in families if name not in unaskable]
    if request.mode is RobustnessMode.SEARCH and not list_searched(families):
        searchable = ", ".join(name for name, family in FAMILIES.items() if family.searched)
        raise UserError(
            f"--robustness=search changes pictures, which {', '.join(families)} does not. Choose "
            f"families among {searchable}."
        )
    return tuple(families)


def explain_unaskable(
    family: str, parser: ReplyParserKind, capabilities: Collection[Capability]
) -> str | None:
    """Why a family would measure nothing, in one sentence; None where it can be asked.

    A model without text is shown no prompt. Probabilities are read of English options, and the
    paper's rule looks for English words.
    """
    if FAMILIES[family].changes_prompt and Capability.TEXT not in capabilities:
        return f"The family {family} changes the prompt, and the model is shown none."
    if family != "language" or parser is ReplyParserKind.GRAMMAR:
        return None
    read = (
        "the options whose probabilities are compared"
        if parser is ReplyParserKind.LIKELIHOOD
        else "the words that --reading=paper looks for"
    )
    return f"The family language asks for replies in other languages, and {read} are English."


def list_searched(families: Iterable[str]) -> tuple[str, ...]:
    """The families among these that the search draws from."""
    return tuple(name for name in families if FAMILIES[name].searched)


def add_robustness(
    dataset: Dataset,
    request: RobustnessRequest,
    parser: ReplyParserKind,
    capabilities: Collection[Capability],
) -> Dataset:
    """The data set with every case that robustness could ask.

    Raises UserError where there is none.
    """
    families = choose_families(request, parser, capabilities)
    if not any(case.task == Task.DETECTION and case.label for case in dataset.cases):
        raise UserError(
            f"--robustness perturbs detection cases with a label, of which {dataset.name} has "
            "none. Leave --robustness out, or choose other data."
        )
    ladder = tuple(list_ladder(families)) if request.has_ladder else None
    search = request.has_search and bool(list_searched(families))
    return perturb_dataset(dataset, ladder, search=search)


def limit_robustness(
    drawn: Sequence[Case],
    request: RobustnessRequest,
    parser: ReplyParserKind,
    capabilities: Collection[Capability],
    *,
    seed: int,
) -> tuple[RobustnessSummary, frozenset[str]]:
    """What is asked of robustness, and the ids of the cases for which the budget has no room.

    Images are left out whole, so that every level has the same ones, and the others are a sample
    that is stratified as that of ``--sample``. Raises UserError where there is room for none.
    """
    families = choose_families(request, parser, capabilities)
    perturbed = [case for case in drawn if case.task == Task.ROBUSTNESS]
    detections = [case for case in drawn if case.task == Task.DETECTION]
    images = {case.base_image for case in perturbed}
    kept = set(images)
    if request.budget is not None:
        kept = _choose_images(
            [case for case in detections if case.image in images], perturbed, request.budget, seed
        )
    searched = list_searched(families) if request.has_search else ()
    plan = RobustnessSummary(
        mode=request.mode,
        families=families,
        unasked=() if request.families else tuple(n for n in FAMILIES if n not in families),
        searched=searched,
        budget=request.budget,
        images=len(kept),
        left_out=len(images) - len(kept),
        prompts=_count_prompts(perturbed, kept),
    )
    return plan, frozenset(case.id for case in perturbed if case.base_image not in kept)


def _choose_images(
    detections: Sequence[Case], perturbed: Sequence[Case], budget: int, seed: int
) -> set[str]:
    """The most images whose prompts are within a budget; raises UserError where there is none."""
    images = {case.image for case in detections}
    count = len(images)
    while count:
        kept = {case.image for case in order_cases(detections, seed=seed, sample=count)}
        needed = _count_prompts(perturbed, kept)
        if needed <= budget:
            return kept
        count = max(1, min(count - 1, count * budget // needed)) if count > 1 else 0
        if not count:
            raise UserError(
                f"--robustness-budget={budget} has no room for one image of every level, which "
                f"takes {count_of(needed, 'prompt')}. Give a larger budget, or fewer families by "
                "--robustness-families."
            )
    return images


def _count_prompts(perturbed: Iterable[Case], images: Collection[str]) -> int:
    return sum(
        SEARCH_PROMPTS if case.perturbation == SEARCH else 1
        for case in perturbed
        if case.base_image in images
    )


def drop_cases(dataset: Dataset, ids: Collection[str], drawn: Collection[str]) -> Dataset:
    """The data set whose robustness is that of a budget: its cases less the ones left out.

    ``drawn`` are the ids of the sample, or of everything: what is not in the sample is left out as
    well, because the budget is what robustness is over then.
    """
    if not ids:
        return dataset
    return replace(
        dataset,
        cases=tuple(
            case
            for case in dataset.cases
            if case.task != Task.ROBUSTNESS or (case.id in drawn and case.id not in ids)
        ),
    )
