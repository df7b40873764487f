"""Interface of every backend: requests in, one reply per request out.

A backend is what answers: a checkpoint in this process, a server, a classifier, a script. It states
its capabilities, and the suite asks it for nothing else. See :mod:`.registry` for how one is found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import msgspec

from fakebench_suite.endpoints.pacing import NO_LIMITS, RequestLimits
from fakebench_suite.errors import ModelError
from fakebench_suite.provenance import InferenceInfo
from fakebench_suite.text.display import to_single_line
from fakebench_suite.types import Answer, FinishReason, Prompt, QuestionType

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "NO_LIMITS",
    "OPTIONS",
    "Backend",
    "BudgetUnit",
    "Capability",
    "InferenceInfo",
    "NotAsked",
    "Reply",
    "Request",
    "RequestLimits",
]


@dataclass(frozen=True, slots=True)
class NotAsked:
    """A prompt that was not sent; the run is stopped, and a resumption asks it."""

    reason: str
    """Why no prompt is sent any more, as a sentence."""
    model_ended: bool = False
    """Whether the reason is that this copy of the model has ended: another copy can be asked."""


Reply = Answer | ModelError | NotAsked


class Capability(StrEnum):
    """What a request can ask of a backend."""

    TEXT = "text"
    """A reply in words."""
    FIRST_TOKEN = "first_token"  # noqa: S105  # no password
    """The first token of a reply and no more, to be timed."""
    PROBABILITIES = "probabilities"
    """The likelier option of a detection prompt, with ``p_fake``; no reply is written."""
    TWO_IMAGES = "two_images"
    """Two images in one prompt, whatever is wanted; no request wants this alone."""


class BudgetUnit(StrEnum):
    """What a budget is counted in."""

    MONEY = "money"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A prompt, the image or the two images it is about, and what is wanted."""

    prompt: Prompt
    images: "Mapping[str, Image.Image]" = field(repr=False, compare=False)
    """The images of the work unit by name: decoded, RGB, some of them only when asked for."""
    want: Capability = Capability.TEXT

    @property
    def image(self) -> "Image.Image":
        """The image that the prompt is about; of two, the first."""
        return self.images[self.prompt.image]

    @property
    def prompt_images(self) -> "tuple[Image.Image, ...]":
        """All images that the prompt is about, in the order in which they are shown."""
        return tuple(self.images[name] for name in self.prompt.image_names)


class Backend(Protocol):
    """A loaded model. A class that inherits from this one writes text, a work unit at a time."""

    capabilities: frozenset[Capability] = frozenset({Capability.TEXT})
    """What requests may want."""
    max_in_flight: int = 1
    """Work units it takes at once: 1 where a model computes here, more where a server does."""
    limits_prompts: bool = False
    """Whether it gives up a prompt by itself after ``LoadOptions.limits.prompt_seconds``."""

    @property
    def requests_in_flight(self) -> int | None:
        """Requests that a server has at present; None where there is no server."""
        return None

    def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """One reply per request, in order.

        A request that the model fails on gets a ModelError in its place; the others get their
        answers. Requests want nothing that is not among the capabilities. NotAsked says that no
        prompt can be asked any more, such as after an outage, and stops the run.
        """
        ...

    def stop(self, reason: str) -> None:
        """Send nothing more: what was not sent is NotAsked; called from any thread at any time.

        A backend that cannot do this answers what it was given.
        """
        del reason

    def give_up(self) -> None:
        """Wait no longer, after ``stop``, for what was sent: what has no reply is NotAsked.

        Called from any thread at any time. A backend that cannot do this answers what it has.
        """
        return

    def describe(self) -> InferenceInfo:
        """How requests have been answered so far."""
        return InferenceInfo()


def describe_inference(backend: Backend) -> InferenceInfo:
    """What a backend tells, as plain data; where its ``describe()`` fails, why.

    A run is worth more than its description: what another package raises here costs no record.
    """
    try:
        info = backend.describe()
        if not isinstance(info, InferenceInfo):
            raise TypeError(f"it gave a {type(info).__name__}, not an InferenceInfo")
        return msgspec.convert(msgspec.to_builtins(info), InferenceInfo)
    except Exception as error:
        name = f"{type(backend).__module__}.{type(backend).__qualname__}"
        reason = to_single_line(f"{type(error).__name__}: {error}")
        return InferenceInfo(
            error=f"How {name} answered is not known, its describe() failed: {reason}."
        )


OPTIONS = {
    QuestionType.WHAT: ("fake", "real"),
    QuestionType.ISFAKE: ("yes", "no"),
    QuestionType.ISREAL: ("no", "yes"),
}
"""The two options of each question type of detection, the one that means fake first."""

_EVEN = 0.5
MIN_MASS = 0.01
"""Probability of both options together below which a reply would begin with other words, and which
of them is likelier means little."""


def choose_option(
    question_type: QuestionType,
    fake: float,
    real: float,
    *,
    seconds: float,
    batch_size: int,
    rendered: str | None = None,
) -> Reply:
    """The likelier option as an answer of one token, or a ModelError where neither is likely.

    ``fake`` and ``real`` are the probabilities that the next token begins the option of a question
    of this type that means so, over all spellings; ``seconds`` is the prompt's share of the time of
    a batch of ``batch_size`` prompts, ``rendered`` the digest of its tokens.
    """
    if not fake + real > 0:  # Also true of NaN.
        return ModelError(f"the options have the probability {fake + real}")
    p_fake = fake / (fake + real)
    return Answer(
        text=OPTIONS[question_type][0 if p_fake >= _EVEN else 1],
        tokens=1,
        seconds=seconds,
        batch_size=batch_size,
        p_fake=p_fake,
        option_probability_mass=min(1.0, fake + real),
        rendered=rendered,
    )


def lacks_options(answer: Answer) -> bool:
    """Whether an answer says why it has no probability.

    The options were not among the likeliest tokens, or the server refused.
    """
    refused = answer.finish_reason is FinishReason.CONTENT_FILTER
    return refused or answer.option_probability_mass is not None
