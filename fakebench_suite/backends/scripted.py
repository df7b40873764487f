"""A model that looks at nothing: fixed or coin-tossed replies, for gates, tests and load."""

import random
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from fakebench_suite.backends.base import Backend, Capability, InferenceInfo, Reply, Request
from fakebench_suite.backends.cards import Card, ScriptedReplies
from fakebench_suite.backends.registry import LoadOptions
from fakebench_suite.errors import CardError
from fakebench_suite.types import Answer, FinishReason, Prompt


class ScriptedBackend(Backend):
    """Replies by question type; where a type has several replies, the case id draws one."""

    capabilities = frozenset({Capability.TEXT, Capability.FIRST_TOKEN, Capability.TWO_IMAGES})
    max_in_flight = 1

    def __init__(self, script: ScriptedReplies) -> None:
        self._script = script

    def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """One scripted reply per request; tokens are counted as words.

        A first token is the first word, and takes as long as the whole reply.
        """
        started = time.perf_counter()
        time.sleep(self._script.seconds)
        texts = [self._reply(request.prompt) for request in requests]
        seconds = (time.perf_counter() - started) / max(1, len(requests))
        answers = [
            Answer(
                text=text,
                tokens=len(text.split()),
                seconds=seconds,
                batch_size=len(requests),
                finish_reason=FinishReason.STOP,
            )
            for text in texts
        ]
        return [
            keep_first_word(answer) if request.want is Capability.FIRST_TOKEN else answer
            for request, answer in zip(requests, answers, strict=True)
        ]

    def describe(self) -> InferenceInfo:
        """Nothing is computed."""
        return InferenceInfo()

    def _reply(self, prompt: Prompt) -> str:
        choices: list[str] = getattr(self._script, prompt.question_type)
        return random.Random(prompt.case).choice(choices)


def keep_first_word(answer: Answer) -> Answer:
    """The answer as far as its first word."""
    return replace(answer, text=answer.text.partition(" ")[0], tokens=1, finish_reason=None)


@contextmanager
def load(card: Card, options: LoadOptions) -> Generator[ScriptedBackend, None, None]:
    """The script of a card; raises CardError where it has none."""
    del options
    if card.script is None:
        raise CardError(f"The card {card.name!r} has no [script], which its backend replies from.")
    yield ScriptedBackend(card.script)
