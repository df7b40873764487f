"""The search for the smallest perturbation that changes a verdict, by Hypothesis, in whole batches.

Hypothesis draws chains of perturbations and shrinks one that flips, but it asks for one at a time.
So it runs over a table of what is known: a chain that is not in it is noted and taken for no flip.
What all cases of a work unit have noted is asked together, the table grows, and Hypothesis runs
again, which draws the same from the same seed. It ends when nothing is noted any more: Hypothesis
then has drawn and shrunk on known replies alone.
"""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fakebench_suite.backends.base import Backend, NotAsked, Reply, Request
from fakebench_suite.datasets.perturbations import perturb
from fakebench_suite.errors import ModelError
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.tasks.robustness import (
    FAMILIES,
    Chain,
    Perturbation,
    format_chain,
    name_image,
)
from fakebench_suite.text.display import count_of
from fakebench_suite.types import Answer, Case, FlipSearch, Usage

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy
    from PIL import Image

_DRAWN = 20
"""Perturbations that are drawn of those a single one of which may flip, and as many chains of
several where none does."""
_LONGEST = 3
"""Perturbations in a chain."""
_HYPOTHESIS = threading.Lock()
"""Units may be answered in several threads, and Hypothesis has settings for all of them."""
_FIRST_NUMBER = 3 * 500_000_000
"""Where the numbers begin that Hypothesis draws. Of small ones it prefers those that it finds in
the code around, and draws would depend on what is loaded."""
_BATCH_BYTES = 256_000_000
"""Bytes of pictures that are perturbed for one batch; Pillow stores four for a pixel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipSearchInput:
    """What is searched about one case."""

    case: Case
    families: tuple[str, ...]
    """The families that are drawn from; of several that flip, the first is shrunk."""
    prompts: int
    """Most prompts, the original's among them."""
    seed: int
    parser: ReplyParserKind


class FlipTable:
    """What is known of one case: the chains that were asked, and whether they flip its verdict."""

    def __init__(self, request: FlipSearchInput) -> None:
        self._request = request
        self._singles = [
            tuple(Perturbation(family=name, strength=level) for level in FAMILIES[name].searched)
            for name in request.families
        ]
        self.flips: dict[Chain, bool] = {}
        """Whether a chain flips."""
        self.best: Chain | None = None
        """The smallest known chain that flips, after :meth:`list_wanted`."""
        self.is_minimal = False
        """Whether Hypothesis could shrink it on known replies alone, or has nothing to shrink."""

    def list_wanted(self) -> Sequence[Chain]:
        """The chains that have to be known next, none at the end; finds the smallest known flip.

        At first they are the strongest level of each family, and some levels that are drawn. Then
        the weakest level is searched of the first family that flips by itself, for strengths of
        different families cannot be compared; where none does, chains of two and three are drawn.
        """
        strongest: list[Chain] = [(levels[-1],) for levels in self._singles]
        flipping = [levels for levels in self._singles if self._flips_alone(levels)]
        self.best, noted = self._shrink(_draw_single(flipping[:1] or self._singles))
        if self.best is None and flipping:
            # Hypothesis has not drawn what is known to flip, and cannot shrink it.
            levels = self._narrow(flipping[0])
            self.best, noted = self._shrink(_draw_single([levels]))
            self.best = self.best or (levels[-1],)
        wanted = [chain for chain in strongest if chain not in self.flips]
        wanted += [chain for chain in noted if chain not in wanted]
        if not (self.best or wanted) and len(self._singles) > 1:
            self.best, noted = self._shrink(_draw_chain(self._singles))
            wanted = list(noted)
        self.is_minimal = not wanted
        return wanted

    def _narrow(self, levels: Sequence[Perturbation]) -> Sequence[Perturbation]:
        """The weakest level that is known to flip, and the unknown ones just below it."""
        known = [self.flips.get((level,)) for level in levels]
        weakest = known.index(True)
        below = [place for place in range(weakest) if known[place] is False]
        return levels[max(below, default=-1) + 1 : weakest + 1]

    def _flips_alone(self, levels: Sequence[Perturbation]) -> bool:
        return any(self.flips.get((level,), False) for level in levels)

    def _shrink(self, chains: "SearchStrategy[Chain]") -> tuple[Chain | None, Iterable[Chain]]:
        """The smallest chain that is known to flip, and what was not known on the way to it."""
        from hypothesis import HealthCheck, Phase, find, settings
        from hypothesis.errors import NoSuchExample

        noted: dict[Chain, None] = {}

        def flips(chain: Chain) -> bool:
            if chain not in self.flips:
                noted[chain] = None
            return self.flips.get(chain, False)

        options = settings(
            max_examples=_DRAWN, database=None, deadline=None, report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        seed = Random(f"{self._request.seed} {self._request.case.original_case}")
        with _HYPOTHESIS, _leave_nothing():
            try:
                return find(chains, flips, settings=options, random=seed), noted
            except NoSuchExample:
                return None, noted


def _draw_one(families: Sequence[Sequence[Perturbation]]) -> "SearchStrategy[Perturbation]":
    """A level, of each family as often; the first families and the weakest levels are simplest."""
    from hypothesis import strategies as st

    slots = max(map(len, families))

    def find_level(number: int) -> Perturbation:
        family, slot = divmod(number - _FIRST_NUMBER, slots)
        return families[family][slot * len(families[family]) // slots]

    return st.integers(_FIRST_NUMBER, _FIRST_NUMBER + len(families) * slots - 1).map(find_level)


def _draw_single(families: Sequence[Sequence[Perturbation]]) -> "SearchStrategy[Chain]":
    """One perturbation."""
    return _draw_one(families).map(lambda drawn: (drawn,))


def _draw_chain(families: Sequence[Sequence[Perturbation]]) -> "SearchStrategy[Chain]":
    """Two or three perturbations of different families."""
    from hypothesis import strategies as st

    longest = min(_LONGEST, len(families))
    return st.lists(
        _draw_one(families), min_size=2, max_size=longest, unique_by=lambda drawn: drawn.family
    ).map(tuple)


@contextmanager
def _leave_nothing() -> Generator[None, None, None]:
    """Let Hypothesis write where nothing stays, what it found in the code of the suite."""
    from hypothesis.configuration import set_hypothesis_home_dir, storage_directory

    before = storage_directory(intent_to_write=False).home_directory
    with TemporaryDirectory() as folder:
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(before)


@dataclass(slots=True, kw_only=True, eq=False)
class _Search:
    """One case on its way."""

    request: FlipSearchInput
    asked: Request
    """The request of the case: its prompt, and its picture unperturbed."""
    table: FlipTable
    replies: dict[Chain, Reply] = field(default_factory=dict)
    rounds: int = 0
    original_label: str | None = None

    @property
    def left(self) -> int:
        """Prompts that may still be asked."""
        return self.request.prompts - len(self.replies)

    def list_wanted(self) -> Sequence[Chain]:
        """What is asked in the next round; nothing where there is nothing to flip."""
        original = self.replies.get(())
        if original is None:
            # What is drawn first does not depend on the reply to the original.
            return [(), *self.table.list_wanted()][: self.left]
        if self.original_label is None or not isinstance(original, Answer):
            return []
        if any(isinstance(reply, NotAsked) for reply in self.replies.values()):
            return []
        return self.table.list_wanted()[: max(0, self.left)]

    def take(self, replies: Mapping[Chain, Reply]) -> None:
        """Note the replies of a round; an error is taken for no flip, as what is unknown is."""
        self.replies |= replies
        self.rounds += 1
        original = self.replies[()]
        if isinstance(original, Answer) and self.original_label is None:
            self.original_label = self._read(original)
        for chain, reply in replies.items():
            label = self._read(reply) if isinstance(reply, Answer) else None
            if chain:
                self.table.flips[chain] = None not in (label, self.original_label) and (
                    label != self.original_label
                )

    def _read(self, answer: Answer) -> str | None:
        """What a reply asserts, ``fake`` or ``real``; None for nothing."""
        from fakebench_suite.grading.verdict import judge  # which compiles the grammar of replies

        return judge(self.request.case, answer, self.request.parser).label

    def finish(self) -> Reply:
        """The reply to the case: that to the smallest flip, or to the original, with the search.

        Where prompts failed and nothing flips, it is an error: one of them might have flipped.
        """
        original = self.replies[()]
        stopped = [reply for reply in self.replies.values() if isinstance(reply, NotAsked)]
        if stopped:
            return stopped[0]
        if not isinstance(original, Answer):
            return original
        best = None
        if self.original_label is not None:
            if not self.table.is_minimal:
                self.table.list_wanted()  # of what was known when the prompts came to their end
            best = self.table.best
        errors = [reply for reply in self.replies.values() if isinstance(reply, ModelError)]
        if errors and best is None and self.original_label is not None:
            return ModelError(
                f"{len(errors):,} of {count_of(len(self.replies), 'prompt')} of the search failed, "
                f"and no other changed the verdict. The first: {errors[0]}"
            )
        shown = original if best is None else self.replies[best]
        assert isinstance(shown, Answer)
        answers = [reply for reply in self.replies.values() if isinstance(reply, Answer)]
        search = FlipSearch(
            prompts=len(self.replies),
            rounds=self.rounds,
            flip=None if best is None else format_chain(best),
            is_minimal=self.table.is_minimal and not errors,
            original_text=original.text,
            original_label=self.original_label,
            failed=len(errors),
        )
        return replace(sum_answers(shown, answers), search=search)


def search_flips(
    backend: Backend,
    requests: Sequence[Request],
    searches: Mapping[str, FlipSearchInput],
    *,
    is_stopped: Callable[[], str | None] = lambda: None,
) -> Sequence[Reply]:
    """One reply per request, after the rounds of all of them together.

    ``searches`` says by case id what is searched. In each round the backend is asked once for all
    cases, or more often where their pictures have no room side by side. Once ``is_stopped`` gives a
    reason, no further round begins, and what has not come to its end is NotAsked.
    """
    states = [
        _Search(request=search, asked=request, table=FlipTable(search))
        for request in requests
        for search in [searches[request.prompt.case]]
    ]
    wanted = {
        place: chains for place, state in enumerate(states) if (chains := state.list_wanted())
    }
    while wanted:
        reason = is_stopped()
        if reason is not None:
            return [
                NotAsked(reason) if place in wanted else state.finish()
                for place, state in enumerate(states)
            ]
        pairs = [(states[place], chain) for place, chains in wanted.items() for chain in chains]
        replies = _ask(backend, pairs)
        for place, chains in wanted.items():
            states[place].take({chain: next(replies) for chain in chains})
        wanted = {place: chains for place in wanted if (chains := states[place].list_wanted())}
    return [state.finish() for state in states]


def _ask(backend: Backend, wanted: Sequence[tuple[_Search, Chain]]) -> Iterator[Reply]:
    """One reply for each case under a chain."""
    requests: list[Request] = []
    images: dict[str, Image.Image] = {}
    size = 0
    for state, chain in wanted:
        case, asked = state.request.case, state.asked
        name = name_image(case.base_image, format_chain(chain))
        if name not in images:
            images[name] = perturb(asked.image, chain)
            size += 4 * images[name].width * images[name].height
        prompt = replace(
            asked.prompt, case=f"{case.original_case}@{format_chain(chain)}", image=name
        )
        requests.append(replace(asked, prompt=prompt, images=images))
        if size > _BATCH_BYTES:
            yield from _run(backend, requests)
            requests, images, size = [], {}, 0
    if requests:
        yield from _run(backend, requests)


def _run(backend: Backend, requests: Sequence[Request]) -> Iterator[Reply]:
    for _, reply in zip(requests, backend.run(requests), strict=True):
        yield reply


def sum_answers(shown: Answer, answers: Sequence[Answer]) -> Answer:
    """The answer that is shown, with the tokens, times and costs of all."""
    usages = [answer.usage for answer in answers if answer.usage is not None]
    return replace(
        shown,
        tokens=sum(answer.tokens for answer in answers),
        seconds=sum(answer.seconds for answer in answers),
        usage=None if shown.usage is None else sum_usages(shown.usage, usages),
    )


def sum_usages(shown: Usage, usages: Sequence[Usage]) -> Usage:
    """The usage that is shown with the sums over all; None where the server did not count one."""

    def add(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) if len(known) == len(values) else None

    def count(values: Sequence[int | None]) -> int | None:
        total = add(values)
        return None if total is None else int(total)

    return replace(
        shown,
        prompt_tokens=count([usage.prompt_tokens for usage in usages]),
        cached_tokens=count([usage.cached_tokens for usage in usages]),
        completion_tokens=count([usage.completion_tokens for usage in usages]),
        reasoning_tokens=count([usage.reasoning_tokens for usage in usages]),
        cost=add([usage.cost for usage in usages]),
        attempts=sum(usage.attempts for usage in usages),
    )
