"""A model that looks at nothing: fixed or coin-tossed replies, for gates, tests and load."""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fakebench_suite.backends.base import Reply
from fakebench_suite.backends.cards import ScriptedReplies
from fakebench_suite.errors import UserError
from fakebench_suite.types import Answer, FinishReason, Prompt

if TYPE_CHECKING:
    from PIL import Image


class ScriptedBackend:
    """Replies by the prompt's question type; where a type has several, the case id draws one."""

    def __init__(self, script: ScriptedReplies) -> None:
        self._script = script

    def answer(
        self, prompts: Sequence[Prompt], images: "Mapping[str, Image.Image]"
    ) -> Sequence[Reply]:
        """One scripted reply per prompt; tokens are counted as words."""
        del images
        started = time.perf_counter()
        time.sleep(self._script.seconds)
        texts = [self._reply(prompt) for prompt in prompts]
        seconds = (time.perf_counter() - started) / max(1, len(prompts))
        return [
            Answer(
                text=text,
                tokens=len(text.split()),
                seconds=seconds,
                batch_size=len(prompts),
                finish_reason=FinishReason.STOP,
            )
            for text in texts
        ]

    def begin(
        self, prompts: Sequence[Prompt], images: "Mapping[str, Image.Image]"
    ) -> Sequence[Reply]:
        """The first word of each reply; it takes as long as the whole."""
        return [
            replace(reply, text=reply.text.partition(" ")[0], tokens=1, finish_reason=None)
            for reply in self.answer(prompts, images)
            if isinstance(reply, Answer)
        ]

    def weigh(
        self, prompts: Sequence[Prompt], images: "Mapping[str, Image.Image]"
    ) -> Sequence[Reply]:
        """Raises UserError: a script has replies, not probabilities."""
        del prompts, images
        raise UserError("A scripted model has no probabilities; leave --reading=likelihood out.")

    def _reply(self, prompt: Prompt) -> str:
        choices: list[str] = getattr(self._script, prompt.question_type)
        return random.Random(prompt.case).choice(choices)
