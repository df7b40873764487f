"""Slices: whole image groups that are answered in one call and stay on one worker."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import count

import pytest

from fakebench_suite.backends.base import OPTIONS, Reply
from fakebench_suite.errors import ImageError, MachineError, ModelError, UserError
from fakebench_suite.execution.engine import Engine, WorkUnit
from fakebench_suite.execution.prefetch import Pictures, PrefetchedImages, decoder_pool
from fakebench_suite.grading.labels.result import ReplyParser
from fakebench_suite.plugin.collection import RunPlan, get_case
from fakebench_suite.plugin.judging import BatchGrader
from fakebench_suite.tasks.prompts import build_prompt
from fakebench_suite.types import Answer, Case, PixelDigest


def image_of(nodeid: str) -> str:
    """The image group in a node id, ``...[<image>:<what is asked>]``; else the id itself."""
    _, bracket, parameter = nodeid.partition("[")
    image, colon, _ = parameter.partition(":")
    return image if bracket and colon else nodeid


MIN_UNIT_PROMPTS = 64
ENDS_RUN = (KeyboardInterrupt, pytest.exit.Exception)
"""Exceptions that end the run; any other ends one case."""


def assign_work_units(nodeids: Sequence[str]) -> dict[str, int]:
    """The slice of each node id: runs of whole image groups, at least MIN_UNIT_PROMPTS long.

    A function of the ordered ids alone, so that controller and workers agree without a word.
    """
    slices: dict[str, int] = {}
    number, size, current = 0, 0, ""
    for nodeid in nodeids:
        group = image_of(nodeid)
        if group != current and size >= MIN_UNIT_PROMPTS:
            number, size = number + 1, 0
        current, size = group, size + 1
        slices[nodeid] = number
    return slices


MAX_UNITS_AHEAD = 64
"""Slices after the asked one that may be answered already; a stopped run asks these anew."""


class CaseRunner:
    """Answers whole slices at the first question of each, and hands the replies out one by one.

    Where it is known what comes next, the next slice's pictures are opened meanwhile, and further
    slices begun if the engine has room. Cases of ``suspects`` are asked one by one. ``waiting`` is
    told what the model is waited for.
    """

    def __init__(
        self,
        items: Sequence[pytest.Item],
        plan: RunPlan,
        engine: Engine,
        *,
        ahead: bool,
        suspects: Collection[int] = (),
        judgements: BatchGrader,
        waiting: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext(),
    ) -> None:
        self._plan, self._engine, self._wait = plan, engine, waiting
        self.judgements = judgements
        """What the text judge made of the answers, slice by slice."""
        self.pixels: dict[str, PixelDigest] = {}
        """The pictures shown so far, by image."""
        self._ready: dict[str, Reply | ImageError | MachineError] = {}
        self._slices: dict[str, int] = {}
        self._waiting: dict[int, list[Case]] = {}
        """Slices not begun, in the order of the items."""
        self._opening: dict[int, PrefetchedImages] = {}
        """Pictures of waiting slices that are being opened: one slice's at most."""
        self._begun: dict[int, list[Case]] = {}
        """Slices the engine has."""
        numbers = assign_work_units([item.nodeid for item in items])
        for item in items:
            case, number = get_case(item), numbers[item.nodeid]
            if case is not None and number not in suspects:
                self._slices[case.id] = number
                self._waiting.setdefault(number, []).append(case)
        self._asked, self._end = -1, max(self._waiting, default=-1) + 1
        self._alone = count(self._end)
        self._ahead = MAX_UNITS_AHEAD if ahead else 0

    def ask(self, case: Case) -> Answer:
        """The model's answer; raises ModelError, ImageError or MachineError when there is none.

        A time-out, or whatever else breaks off the wait for the slice, costs this case alone: what
        the engine still has is waited for by the next case, and the others are asked one by one.
        """
        try:
            self._ask(case)
        except (Exception, *ENDS_RUN):
            self._drop_lost()
            raise
        except BaseException as error:
            self._drop_lost()
            if case.id not in self._ready:
                raise ModelError(describe_error(error)) from error
            # It was answered, and a text of its slice was being graded.
            self.judgements.fail(case, describe_error(error))
        reply = self._ready.pop(case.id)
        if isinstance(reply, Answer):
            return reply
        raise reply

    def _ask(self, case: Case) -> None:
        number = self._slices.pop(case.id, -1)
        if case.id not in self._ready and (number in self._waiting or number in self._begun):
            self._asked = max(self._asked, number)
            self._answer(number)
        if case.id not in self._ready:  # It runs twice, or its slice failed, here or elsewhere.
            number = next(self._alone)
            self._waiting[number] = [case]
            self._answer(number)

    def _drop_lost(self) -> None:
        """Forget what was begun and will not be finished: slices, and pictures of the next one."""
        self._opening.clear()
        for number in [one for one in self._begun if not self._engine.holds(one)]:
            del self._begun[number]

    def _answer(self, number: int) -> None:
        """Have this slice answered, whatever else is begun beside it."""
        with decoder_pool() as pool:
            if number in self._waiting:
                self._begin(number, pool)
            while number in self._begun:
                while self._engine.has_room and (following := self._find_next()) is not None:
                    self._begin(following, pool)
                following = self._find_next()
                if following is not None and following not in self._opening:
                    self._opening = {following: self._open(self._waiting[following], pool)}
                self._collect(number)

    def _find_next(self) -> int | None:
        """The next slice that nobody has begun; None where there is none or it is not known."""
        following = range(self._asked + 1, min(self._end, self._asked + 1 + self._ahead))
        return next((number for number in following if number in self._waiting), None)

    def _open(self, cases: Sequence[Case], pool: ThreadPoolExecutor) -> PrefetchedImages:
        return PrefetchedImages(pool, cases, self._plan.dataset.open_image)

    def _begin(self, number: int, pool: ThreadPoolExecutor) -> None:
        """Give a slice to the engine, less the cases whose pictures are broken.

        Those that the machine could not open beside others are opened again, for one case alone.
        """
        cases = self._waiting.pop(number)
        images, broken = (self._opening.pop(number, None) or self._open(cases, pool)).finish()
        if self._plan.settings.answers is not None:
            broken = {}  # an answer that was given stands, whether its picture is still here or not
        else:
            self.pixels |= images.digests
        for case in cases:
            error = broken.get(case.image)
            if error is not None and (number >= self._end or isinstance(error, ImageError)):
                self._ready[case.id] = error
        sound = [case for case in cases if case.image not in broken]
        if sound:
            self._begun[number] = sound
            self._engine.submit(self._make_slice(number, sound, images))

    def _make_slice(self, number: int, cases: Sequence[Case], images: Pictures) -> WorkUnit:
        settings = self._plan.settings
        prompts = [build_prompt(case, settings.style) for case in cases]
        weighs = settings.reply_parser is ReplyParser.LIKELIHOOD
        return WorkUnit(
            number=number,
            written=[
                prompt for prompt in prompts if not weighs or prompt.question_type not in OPTIONS
            ],
            weighed=[prompt for prompt in prompts if weighs and prompt.question_type in OPTIONS],
            images=images,
            sizes=images.sizes,
        )

    def _collect(self, number: int) -> None:
        """Take the next answered slice; raises what the model raised over this one, a case alone.

        The cases of a slice that failed as a whole are asked alone when their turn comes.
        """
        prompts = sum(len(cases) for cases in self._begun.values())
        with self._wait(f"{prompts} prompt{'s' if prompts > 1 else ''}"):
            answered = self._engine.wait()
        cases = self._begun.pop(answered.number, ())
        if isinstance(answered.replies, BaseException):
            error = answered.replies
            if answered.number == number and (isinstance(error, UserError) or len(cases) == 1):
                raise error if isinstance(error, UserError) else as_model_error(error)
            return
        replies = {case.id: replace_lone_surrogates(answered.replies[case.id]) for case in cases}
        self._ready |= replies
        graded = [(case, replies[case.id]) for case in cases]
        self.judgements.grade([(c, reply) for c, reply in graded if isinstance(reply, Answer)])


def as_model_error(error: BaseException) -> ModelError:
    """Whatever a model raised, as its error."""
    return error if isinstance(error, ModelError) else ModelError(describe_error(error))


def describe_error(error: BaseException) -> str:
    """An error in words; a time-out of pytest-timeout speaks for itself."""
    words = str(error)
    if isinstance(error, pytest.fail.Exception) and words:
        return words
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def replace_lone_surrogates(reply: Reply) -> Reply:
    """The reply as text that UTF-8 can carry: half a surrogate pair becomes U+FFFD."""
    if isinstance(reply, Answer):
        return replace(reply, text=_mend(reply.text))
    return ModelError(_mend(str(reply)))


def _mend(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
