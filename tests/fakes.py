"""Models that answer at once, and fail, hang or die as a test wants.

:func:`tests.helpers.use_model` lets the cases of a project ask one of them.
"""

import gc
import json
import os
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from fakebench_suite.backends.base import OPTIONS, Reply
from fakebench_suite.errors import ModelError
from fakebench_suite.types import Answer, FinishReason, Prompt

Prompts = Sequence[Prompt]
Images = Mapping[str, Image.Image]


@dataclass(kw_only=True)
class FakeModel:
    """Says the same to every prompt, and what a subclass says in ``reply``."""

    text: str = "fake"
    path: str = "plain"
    """How it says that it was asked."""
    calls: list[list[str]] = field(default_factory=list)
    """The cases of each call, in order."""

    def answer(self, prompts: Prompts, images: Images) -> Sequence[Reply]:
        """One reply each."""
        self.calls.append([prompt.case for prompt in prompts])
        return [self.reply(prompt, images[prompt.image], len(prompts)) for prompt in prompts]

    def reply(self, prompt: Prompt, image: Image.Image, size: int) -> Reply:
        """The reply to one prompt of a call of this size."""
        del prompt, image
        return Answer(text=self.text, tokens=1, seconds=0.1, batch_size=size)

    def begin(self, prompts: Prompts, images: Images) -> Sequence[Reply]:
        """A first token, as fast as the whole."""
        return self.answer(prompts, images)

    def weigh(self, prompts: Prompts, images: Images) -> Sequence[Reply]:
        """No fake has probabilities, unless it says so."""
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """What the manifest is told."""
        return {"path": self.path, "why": "It is a test."}


@dataclass(kw_only=True)
class FailingModel(FakeModel):
    """Fails at prompts that hold a word."""

    word: str = "edge"

    def reply(self, prompt: Prompt, image: Image.Image, size: int) -> Reply:
        """An error, where the word is asked about."""
        failed = self.word in prompt.text
        return ModelError("out of tape") if failed else super().reply(prompt, image, size)


@dataclass(kw_only=True)
class FlakyModel(FakeModel):
    """Fails at some cases as often as it is told."""

    cases: set[str]
    failures: int = 1

    def reply(self, prompt: Prompt, image: Image.Image, size: int) -> Reply:
        """An error, in the first calls that ask one of the cases."""
        asked = sum(prompt.case in call for call in self.calls)
        failed = prompt.case in self.cases and asked <= self.failures
        return ModelError("out of tape") if failed else super().reply(prompt, image, size)


@dataclass(kw_only=True)
class SickModel(FakeModel):
    """Fails at everything in some workers, after so many sound calls."""

    workers: set[str]
    sound: int = 0

    def answer(self, prompts: Prompts, images: Images) -> Sequence[Reply]:
        """Errors where it is sick, soon; answers elsewhere, later."""
        replies = super().answer(prompts, images)
        sick = os.environ.get("PYTEST_XDIST_WORKER") in self.workers
        if sick and len(self.calls) > self.sound:
            return [ModelError("uncorrectable ECC error") for _ in prompts]
        time.sleep(0.2)
        return replies


@dataclass(kw_only=True)
class HangingModel(FakeModel):
    """Takes minutes over calls that hold a case."""

    case: str

    def answer(self, prompts: Prompts, images: Images) -> Sequence[Reply]:
        """Too late, or at once."""
        if any(prompt.case == self.case for prompt in prompts):
            time.sleep(300)
        return super().answer(prompts, images)


@dataclass(kw_only=True)
class DyingModel(FakeModel):
    """Takes its process along, so many times in all; with a ``case``, in calls that hold it."""

    deaths: int
    case: str | None = None

    def answer(self, prompts: Prompts, images: Images) -> Sequence[Reply]:
        """Nothing, or answers; what died is counted by files beside the run."""
        deaths = len(list(Path().glob("died-*")))
        asked = self.case is None or any(prompt.case == self.case for prompt in prompts)
        if asked and deaths < self.deaths:
            Path(f"died-{deaths}").touch()
            os._exit(9)
        return super().answer(prompts, images)


@dataclass(kw_only=True)
class SpyingModel(FakeModel):
    """Writes all it was shown to ``seen.jsonl``."""

    text: str = "real"

    def reply(self, prompt: Prompt, image: Image.Image, size: int) -> Reply:
        """An answer, after a line."""
        seen = {
            "text": prompt.text,
            "mode": image.mode,
            "info": sorted(map(str, image.info)),
            "exif": len(image.getexif()),
            "attributes": [str(value) for value in vars(image).values()],
        }
        with Path("seen.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(seen) + "\n")
        return super().reply(prompt, image, size)


@dataclass(kw_only=True)
class CutOffModel(FakeModel):
    """Reaches its token limit where a prompt holds "real"; it has tensors left over."""

    text: str = "It is"

    def reply(self, prompt: Prompt, image: Image.Image, size: int) -> Reply:
        """Two words, whole or cut off."""
        del image
        end = FinishReason.LENGTH if "real" in prompt.text else FinishReason.STOP
        return Answer(text=self.text, tokens=2, seconds=0.1, batch_size=size, finish_reason=end)

    def describe(self) -> dict[str, Any]:
        """What the manifest is told, with the names of tensors."""
        return super().describe() | {"left_over": ["mtp.a", "mtp.b"]}


@dataclass(kw_only=True)
class WeighedModel(FakeModel):
    """Is the surer of a fake the more red the first pixel is; detection it answers no other way."""

    def reply(self, prompt: Prompt, image: Image.Image, size: int) -> Reply:
        """A text, where none of the two options would do."""
        assert prompt.question_type not in OPTIONS
        return super().reply(prompt, image, size)

    def weigh(self, prompts: Prompts, images: Images) -> Sequence[Reply]:
        """The likelihoods."""
        return [
            Answer(
                text="x",
                tokens=1,
                seconds=0.1,
                batch_size=1,
                p_fake=images[prompt.image].convert("RGB").tobytes()[0] / 255,
                option_probability_mass=0.9,
            )
            for prompt in prompts
        ]


class _Tensor:
    """A cycle of its own."""

    def __init__(self) -> None:
        self.itself = self


@dataclass(kw_only=True)
class LitteringModel(FakeModel):
    """Leaves cycles behind, and sees to it that they are collected, and no case is looked at."""

    def answer(self, prompts: Prompts, images: Images) -> Sequence[Reply]:
        """Answers, once the collector has done its work."""
        assert gc.isenabled()
        assert gc.get_freeze_count() > 10_000
        seen = weakref.ref(_Tensor())
        gc.collect()
        assert seen() is None
        return super().answer(prompts, images)


@dataclass(kw_only=True)
class TroubledModel(FakeModel):
    """Runs a line of code in its first call, and answers every other."""

    trouble: str

    def answer(self, prompts: Prompts, images: Images) -> Sequence[Reply]:
        """Whatever the code does, or answers."""
        replies = super().answer(prompts, images)
        if len(self.calls) == 1:
            exec(self.trouble, {})  # noqa: S102 - a test's own line
        return replies
