"""Slices: whole image groups that are answered in one call and stay on one worker."""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count

import pytest

from fakebench_suite.adapters.adapter import OPTIONS, Reply
from fakebench_suite.adapters.engine import Engine, Slice
from fakebench_suite.errors import ImageError, ModelError, UserError
from fakebench_suite.judges.reading import Rule
from fakebench_suite.plugin.collection import Plan, get_case
from fakebench_suite.plugin.judging import SliceJudgements
from fakebench_suite.plugin.lookahead import Opening, Pictures, decode_beside
from fakebench_suite.prompts import build_prompt
from fakebench_suite.types import Answer, Case, PixelDigest


def find_group(nodeid: str) -> str:
    """The image group in a node id, ``...[<image>:<what is asked>]``; else the id itself."""
    _, bracket, parameter = nodeid.partition("[")
    image, colon, _ = parameter.partition(":")
    return image if bracket and colon else nodeid


SLICE_PROMPTS = 64


def cut_slices(nodeids: Sequence[str]) -> dict[str, int]:
    """The slice of each node id: runs of whole image groups, at least SLICE_PROMPTS long.

    A function of the ordered ids alone, so that controller and workers agree without a word.
    """
    slices: dict[str, int] = {}
    number, size, current = 0, 0, ""
    for nodeid in nodeids:
        group = find_group(nodeid)
        if group != current and size >= SLICE_PROMPTS:
            number, size = number + 1, 0
        current, size = group, size + 1
        slices[nodeid] = number
    return slices


AHEAD = 64
"""Slices after the asked one that may be answered already; a stopped run asks these anew."""


class SliceAnswers:
    """Answers whole slices at the first question of each, and hands the replies out one by one.

    Where it is known what comes next, the next slice's pictures are opened meanwhile, and further
    slices begun if the engine has room. Cases of ``suspects`` are asked one by one.
    """

    def __init__(
        self,
        items: Sequence[pytest.Item],
        plan: Plan,
        engine: Engine,
        *,
        ahead: bool,
        suspects: Collection[int] = (),
        judgements: SliceJudgements,
    ) -> None:
        self._plan, self._engine = plan, engine
        self.judgements = judgements
        """What the text judge made of the answers, slice by slice."""
        self.pixels: dict[str, PixelDigest] = {}
        """The pictures shown so far, by image."""
        self._ready: dict[str, Reply | ImageError] = {}
        self._slices: dict[str, int] = {}
        self._waiting: dict[int, list[Case]] = {}
        """Slices not begun, in the order of the items."""
        self._opening: dict[int, Opening] = {}
        """Pictures of waiting slices that are being opened: one slice's at most."""
        self._begun: dict[int, list[Case]] = {}
        """Slices the engine has."""
        numbers = cut_slices([item.nodeid for item in items])
        for item in items:
            case, number = get_case(item), numbers[item.nodeid]
            if case is not None and number not in suspects:
                self._slices[case.id] = number
                self._waiting.setdefault(number, []).append(case)
        self._asked, self._end = -1, max(self._waiting, default=-1) + 1
        self._alone = count(self._end)
        self._ahead = AHEAD if ahead else 0

    def ask(self, case: Case) -> Answer:
        """The model's answer; raises ModelError or ImageError when there is none."""
        number = self._slices.pop(case.id, -1)
        if case.id not in self._ready and (number in self._waiting or number in self._begun):
            self._asked = max(self._asked, number)
            self._answer(number)
        if case.id not in self._ready:  # It runs twice, or its slice failed, here or elsewhere.
            number = next(self._alone)
            self._waiting[number] = [case]
            self._answer(number)
        reply = self._ready.pop(case.id)
        if isinstance(reply, Answer):
            return reply
        raise reply

    def _answer(self, number: int) -> None:
        """Have this slice answered, whatever else is begun beside it."""
        with decode_beside() as pool:
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

    def _open(self, cases: Sequence[Case], pool: ThreadPoolExecutor) -> Opening:
        return Opening(pool, cases, self._plan.dataset.open_image)

    def _begin(self, number: int, pool: ThreadPoolExecutor) -> None:
        """Give a slice to the engine, less the cases whose pictures are broken."""
        cases = self._waiting.pop(number)
        images, broken = (self._opening.pop(number, None) or self._open(cases, pool)).finish()
        if self._plan.settings.answers is not None:
            broken = {}  # an answer that was given stands, whether its picture is still here or not
        else:
            self.pixels |= images.digests
        self._ready |= {case.id: broken[case.image] for case in cases if case.image in broken}
        sound = [case for case in cases if case.image not in broken]
        if sound:
            self._begun[number] = sound
            self._engine.submit(self._make_slice(number, sound, images))

    def _make_slice(self, number: int, cases: Sequence[Case], images: Pictures) -> Slice:
        settings = self._plan.settings
        prompts = [build_prompt(case, settings.style) for case in cases]
        weighs = settings.rule is Rule.LIKELIHOOD
        return Slice(
            number=number,
            written=[prompt for prompt in prompts if not weighs or prompt.form not in OPTIONS],
            weighed=[prompt for prompt in prompts if weighs and prompt.form in OPTIONS],
            images=images,
            sizes=images.sizes,
        )

    def _collect(self, number: int) -> None:
        """Take the next answered slice; raises what the model raised over this one, a case alone.

        The cases of a slice that failed as a whole are asked alone when their turn comes.
        """
        answered = self._engine.wait()
        cases = self._begun.pop(answered.number)
        if isinstance(answered.replies, Exception):
            mistaken = isinstance(answered.replies, UserError)
            if answered.number == number and (mistaken or len(cases) == 1):
                raise answered.replies
            return
        replies = {case.id: mend_text(answered.replies[case.id]) for case in cases}
        self._ready |= replies
        graded = [(case, replies[case.id]) for case in cases]
        self.judgements.grade([(c, reply) for c, reply in graded if isinstance(reply, Answer)])


def mend_text(reply: Reply) -> Reply:
    """The reply as text that UTF-8 can carry: half a surrogate pair becomes U+FFFD."""
    if isinstance(reply, Answer):
        return replace(reply, text=_mend(reply.text))
    return ModelError(_mend(str(reply)))


def _mend(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
