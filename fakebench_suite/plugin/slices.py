"""Slices: whole image groups that are answered in one call and stay on one worker."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from fakebench_suite.adapters.adapter import OPTIONS, Adapter, Reply
from fakebench_suite.errors import ImageError, ModelError
from fakebench_suite.judges.reading import Rule
from fakebench_suite.plugin.collection import Plan, get_case
from fakebench_suite.plugin.judging import SliceJudgements
from fakebench_suite.prompts import build_prompt
from fakebench_suite.types import Answer, Case


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


class SliceAnswers:
    """Answers whole slices at the first question of each, and hands the replies out one by one."""

    def __init__(self, items: Sequence[pytest.Item], plan: Plan, model: Adapter) -> None:
        self._plan, self._model = plan, model
        self.judgements = SliceJudgements(plan.settings)
        """What the text judge made of the answers, slice by slice."""
        self._ready: dict[str, Reply | ImageError] = {}
        self._members: dict[int, list[Case]] = {}
        self._slices: dict[str, int] = {}
        numbers = cut_slices([item.nodeid for item in items])
        for item in items:
            case = get_case(item)
            if case is not None:
                number = numbers[item.nodeid]
                self._slices[case.id] = number
                self._members.setdefault(number, []).append(case)

    def ask(self, case: Case) -> Answer:
        """The model's answer; raises ModelError or ImageError when there is none."""
        if case.id not in self._ready:
            # The slice is forgotten once answered: a case that runs twice is asked alone.
            members = self._members.pop(self._slices.get(case.id, -1), [])
            self._answer(members if case in members else [case])
        reply = self._ready.pop(case.id)
        if isinstance(reply, Answer):
            return reply
        raise reply

    def _answer(self, cases: Sequence[Case]) -> None:
        images, prompts = {}, []
        broken: dict[str, ImageError] = {}
        for case in cases:
            unseen = case.image not in images and case.image not in broken
            if unseen and self._plan.settings.answers is None:
                try:
                    images[case.image] = self._plan.dataset.open_image(case)
                except ImageError as error:
                    broken[case.image] = error
            if case.image in broken:
                self._ready[case.id] = broken[case.image]
            else:
                prompts.append(build_prompt(case, self._plan.settings.style))
        weighed, written = [], prompts
        if self._plan.settings.rule is Rule.LIKELIHOOD:
            weighed = [prompt for prompt in prompts if prompt.form in OPTIONS]
            written = [prompt for prompt in prompts if prompt.form not in OPTIONS]
        replied = list(zip(written, self._model.answer(written, images), strict=True))
        if weighed:
            replied += zip(weighed, self._model.weigh(weighed, images), strict=True)
        for prompt, reply in replied:
            self._ready[prompt.case] = mend_text(reply)
        replies = [(case, self._ready[case.id]) for case in cases]
        self.judgements.grade([(c, reply) for c, reply in replies if isinstance(reply, Answer)])


def mend_text(reply: Reply) -> Reply:
    """The reply as text that UTF-8 can carry: half a surrogate pair becomes U+FFFD."""
    if isinstance(reply, Answer):
        return replace(reply, text=_mend(reply.text))
    return ModelError(_mend(str(reply)))


def _mend(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
