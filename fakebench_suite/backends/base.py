"""Interface of every backend: requests in, one reply per request out.

A backend is what answers: a checkpoint in this process, a server, a classifier, a script. It states
its capabilities, and the suite asks it for nothing else. See :mod:`.registry` for how one is found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from fakebench_suite.errors import ModelError
from fakebench_suite.types import Answer, Prompt, QuestionType

if TYPE_CHECKING:
    from PIL import Image

Reply = Answer | ModelError


class Capability(StrEnum):
    """What a request can ask of a backend."""

    TEXT = "text"
    """A reply in words."""
    FIRST_TOKEN = "first_token"  # noqa: S105  # no password
    """The first token of a reply and no more, to be timed."""
    PROBABILITIES = "probabilities"
    """The likelier option of a detection prompt, with ``p_fake``; no reply is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A prompt, the image it is about, and what is wanted."""

    prompt: Prompt
    images: "Mapping[str, Image.Image]" = field(repr=False, compare=False)
    """The images of the work unit by name: decoded, RGB, some of them only when asked for."""
    want: Capability = Capability.TEXT

    @property
    def image(self) -> "Image.Image":
        """The image that the prompt is about."""
        return self.images[self.prompt.image]


class InferenceInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a backend answers, for the manifest; what a backend does not know stays empty."""

    path: str = ""
    """``prefix`` where prompts about one image share its computation, else ``plain``."""
    why: str = ""
    """One sentence on the path."""
    shared: bool = False
    """Whether prompts about one image attend to one copy of its prefix."""
    mixes: bool = False
    """Whether a batch may hold prefixes of several images."""
    device: str = ""
    """A GPU by its maker's name, or ``cpu``."""
    batch_tokens: int | None = None
    """Most tokens in one forward pass, after all that ran out of memory."""
    generation: dict[str, Any] | None = None
    """Decoding settings in force."""
    left_over: list[str] = []
    """Tensors of the checkpoint that are not used."""
    rendering: str | None = None
    """Digest of one fixed question after the chat template."""
    details: dict[str, Any] = {}
    """Whatever else the backend of another package tells."""


class Backend(Protocol):
    """A loaded model. A class that inherits from this one writes text, a work unit at a time."""

    capabilities: frozenset[Capability] = frozenset({Capability.TEXT})
    """What requests may want."""
    max_in_flight: int = 1
    """Work units it takes at once: 1 where a model computes here, more where a server does."""

    def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """One reply per request, in order.

        A request that the model fails on gets a ModelError in its place; the others get their
        answers. Requests want nothing that is not among the capabilities.
        """
        ...

    def describe(self) -> InferenceInfo:
        """How requests have been answered so far."""
        return InferenceInfo()


OPTIONS = {
    QuestionType.WHAT: ("fake", "real"),
    QuestionType.ISFAKE: ("yes", "no"),
    QuestionType.ISREAL: ("no", "yes"),
}
"""The two options of each question type of detection, the one that means fake first."""
