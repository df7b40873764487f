"""The seam every model stands behind: a slice of prompts in, one reply each out."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from fakebench_suite.errors import ModelError
from fakebench_suite.types import Answer, Prompt, QuestionType

if TYPE_CHECKING:
    from PIL import Image

Reply = Answer | ModelError


class Backend(Protocol):
    """A loaded model."""

    def answer(
        self, prompts: Sequence[Prompt], images: "Mapping[str, Image.Image]"
    ) -> Sequence[Reply]:
        """One reply per prompt, in order; ``images`` holds the picture of every ``prompt.image``.

        A prompt the model fails on gets a ModelError in its place; the others get their answers.
        """
        ...

    def begin(
        self, prompts: Sequence[Prompt], images: "Mapping[str, Image.Image]"
    ) -> Sequence[Reply]:
        """The first token of each reply and no more of it, to be timed.

        Raises UserError where nothing is computed.
        """
        ...

    def weigh(
        self, prompts: Sequence[Prompt], images: "Mapping[str, Image.Image]"
    ) -> Sequence[Reply]:
        """The likelier of a detection prompt's two options, with ``p_fake``; no reply is written.

        Raises UserError where the model does not give its probabilities.
        """
        ...


OPTIONS = {
    QuestionType.WHAT: ("fake", "real"),
    QuestionType.ISFAKE: ("yes", "no"),
    QuestionType.ISREAL: ("no", "yes"),
}
"""The two options of each detection question type, the one that means fake first."""
