"""Models that answer at once, and fail, hang or die as a test wants.

:func:`tests.helpers.use_model` lets the cases of a project ask one of them.
"""

import gc
import json
import os
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from fakebench_suite.backends.base import (
    OPTIONS,
    Backend,
    Capability,
    InferenceInfo,
    Reply,
    Request,
)
from fakebench_suite.errors import ModelError
from fakebench_suite.types import Answer, FinishReason

Requests = Sequence[Request]
_FROZEN_BEFORE = gc.get_freeze_count()
"""Objects that were out of the collector's sight before a session made its cases."""


@dataclass(kw_only=True)
class FakeModel(Backend):
    """Says the same to every prompt, and what a subclass says in ``reply``."""

    text: str = "fake"
    path: str = "plain"
    """How it says that it was asked."""
    calls: list[list[str]] = field(default_factory=list)
    """The cases of each call, in order."""

    def run(self, requests: Requests) -> Sequence[Reply]:
        """One reply each."""
        self.calls.append([request.prompt.case for request in requests])
        return [self.reply(request, len(requests)) for request in requests]

    def reply(self, request: Request, size: int) -> Reply:
        """The reply to one request of a call of this size."""
        del request
        return Answer(text=self.text, tokens=1, seconds=0.1, batch_size=size)

    def describe(self) -> InferenceInfo:
        """What the manifest is told."""
        return InferenceInfo(path=self.path, reason="It is a test.")


@dataclass(kw_only=True)
class FailingModel(FakeModel):
    """Fails at prompts that hold a word."""

    word: str = "edge"

    def reply(self, request: Request, size: int) -> Reply:
        """An error, where the word is asked about."""
        failed = self.word in request.prompt.text
        return ModelError("out of tape") if failed else super().reply(request, size)


@dataclass(kw_only=True)
class FlakyModel(FakeModel):
    """Fails at some cases as often as it is told."""

    cases: set[str]
    failures: int = 1

    def reply(self, request: Request, size: int) -> Reply:
        """An error, in the first calls that ask one of the cases."""
        case = request.prompt.case
        attempts = sum(case in call for call in self.calls)
        failed = case in self.cases and attempts <= self.failures
        return ModelError("out of tape") if failed else super().reply(request, size)


@dataclass(kw_only=True)
class SickModel(FakeModel):
    """Fails at everything in some workers, after so many sound calls."""

    workers: set[str]
    sound: int = 0

    def run(self, requests: Requests) -> Sequence[Reply]:
        """Errors where it is sick, soon; answers elsewhere, later."""
        replies = super().run(requests)
        is_sick = os.environ.get("PYTEST_XDIST_WORKER") in self.workers
        if is_sick and len(self.calls) > self.sound:
            return [ModelError("uncorrectable ECC error") for _ in requests]
        time.sleep(0.2)
        return replies


@dataclass(kw_only=True)
class HangingModel(FakeModel):
    """Takes minutes over calls that hold a case."""

    case: str

    def run(self, requests: Requests) -> Sequence[Reply]:
        """Too late, or at once."""
        if any(request.prompt.case == self.case for request in requests):
            time.sleep(300)
        return super().run(requests)


@dataclass(kw_only=True)
class DyingModel(FakeModel):
    """Takes its process along, so many times in all; with a ``case``, in calls that hold it."""

    deaths: int
    case: str | None = None

    def run(self, requests: Requests) -> Sequence[Reply]:
        """Nothing, or answers; what died is counted by files beside the run."""
        deaths = len(list(Path().glob("died-*")))
        is_asked = self.case is None or any(
            request.prompt.case == self.case for request in requests
        )
        if is_asked and deaths < self.deaths:
            Path(f"died-{deaths}").touch()
            os._exit(9)
        return super().run(requests)


@dataclass(kw_only=True)
class SpyingModel(FakeModel):
    """Writes all it was shown to ``seen.jsonl``."""

    text: str = "real"

    def reply(self, request: Request, size: int) -> Reply:
        """An answer, after a line."""
        image = request.image
        row = {
            "text": request.prompt.text,
            "mode": image.mode,
            "info": sorted(map(str, image.info)),
            "exif": len(image.getexif()),
            "attributes": [str(value) for value in vars(image).values()],
        }
        with Path("seen.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
        return super().reply(request, size)


@dataclass(kw_only=True)
class CutOffModel(FakeModel):
    """Reaches its token limit where a prompt holds "real"; it has tensors left over."""

    text: str = "It is"

    def reply(self, request: Request, size: int) -> Reply:
        """Two words, whole or cut off."""
        end = FinishReason.LENGTH if "real" in request.prompt.text else FinishReason.STOP
        return Answer(text=self.text, tokens=2, seconds=0.1, batch_size=size, finish_reason=end)

    def describe(self) -> InferenceInfo:
        """What the manifest is told, with the names of tensors."""
        return InferenceInfo(path=self.path, reason="It is a test.", left_over=["mtp.a", "mtp.b"])


@dataclass(kw_only=True)
class WeighedModel(FakeModel):
    """Is the surer of a fake the more red the first pixel is; detection it answers no other way."""

    capabilities = frozenset({Capability.TEXT, Capability.PROBABILITIES})

    def reply(self, request: Request, size: int) -> Reply:
        """The likelihood of a fake, or a text where none of the two options would do."""
        wants_probabilities = request.prompt.question_type in OPTIONS
        assert wants_probabilities == (request.want is Capability.PROBABILITIES)
        if not wants_probabilities:
            return super().reply(request, size)
        return Answer(
            text="x",
            tokens=1,
            seconds=0.1,
            batch_size=size,
            p_fake=request.image.convert("RGB").tobytes()[0] / 255,
            option_probability_mass=0.9,
        )


class _Tensor:
    """A cycle of its own."""

    def __init__(self) -> None:
        self.itself = self


@dataclass(kw_only=True)
class LitteringModel(FakeModel):
    """Leaves cycles behind, and sees to it that they are collected, and no case is looked at."""

    def run(self, requests: Requests) -> Sequence[Reply]:
        """Answers, once the collector has done its work."""
        assert gc.isenabled()
        assert gc.get_freeze_count() > _FROZEN_BEFORE + 1_000
        reference = weakref.ref(_Tensor())
        gc.collect()
        assert reference() is None
        return super().run(requests)


@dataclass(kw_only=True)
class TroubledModel(FakeModel):
    """Runs a line of code in its first call, and answers every other."""

    trouble: str

    def run(self, requests: Requests) -> Sequence[Reply]:
        """Whatever the code does, or answers."""
        replies = super().run(requests)
        if len(self.calls) == 1:
            exec(self.trouble, {})  # noqa: S102 - a test's own line
        return replies


@dataclass(kw_only=True)
class SharpnessModel(FakeModel):
    """Calls pictures fake whose neighbouring pixels differ by at least ``limit`` on average.

    Lossy coding and blur lower that, the more the stronger they are.
    """

    limit: float

    def reply(self, request: Request, size: int) -> Reply:
        """One of the two options of the question."""
        fake, real = OPTIONS[request.prompt.question_type]
        text = fake if measure_sharpness(request.image) >= self.limit else real
        return Answer(text=text, tokens=1, seconds=0.1, batch_size=size)


def measure_sharpness(image: Image.Image) -> float:
    """The mean difference of pixels side by side, 0 to 255."""
    pixels = np.asarray(image.convert("L"), dtype=np.float64)
    return float(np.abs(np.diff(pixels, axis=1)).mean())
