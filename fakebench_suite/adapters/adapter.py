"""The seam every model stands behind: a slice of prompts in, one reply each out."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from fakebench_suite.errors import ModelError
from fakebench_suite.types import Answer, Prompt

if TYPE_CHECKING:
    from PIL import Image

Reply = Answer | ModelError


class Adapter(Protocol):
    """A loaded model."""

    def answer(
        self, prompts: Sequence[Prompt], images: "Mapping[str, Image.Image]"
    ) -> Sequence[Reply]:
        """One reply per prompt, in order; ``images`` holds the picture of every ``prompt.image``.

        A prompt the model fails on gets a ModelError in its place; the others get their answers.
        """
        ...
