"""Asking a backend about prompts, outside a run."""

from collections.abc import Mapping, Sequence

from PIL import Image

from fakebench_suite.backends.base import Backend, Capability, Reply, Request
from fakebench_suite.types import Prompt


def ask(
    backend: Backend,
    prompts: Sequence[Prompt],
    images: Mapping[str, Image.Image],
    want: Capability = Capability.TEXT,
) -> Sequence[Reply]:
    """One reply per prompt, in order."""
    return backend.run([Request(prompt=prompt, images=images, want=want) for prompt in prompts])


def begin(
    backend: Backend, prompts: Sequence[Prompt], images: Mapping[str, Image.Image]
) -> Sequence[Reply]:
    """The first token of each reply."""
    return ask(backend, prompts, images, Capability.FIRST_TOKEN)


def weigh(
    backend: Backend, prompts: Sequence[Prompt], images: Mapping[str, Image.Image]
) -> Sequence[Reply]:
    """The likelier option of each prompt."""
    return ask(backend, prompts, images, Capability.PROBABILITIES)
