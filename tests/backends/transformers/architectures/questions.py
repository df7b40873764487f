"""Two pictures, three questions of ragged length, and shipped cards over tiny checkpoints."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import torch
from PIL import Image

from fakebench_suite.backends.base import Reply
from fakebench_suite.backends.cards import Card, find_card
from fakebench_suite.backends.transformers.model import TransformersBackend
from fakebench_suite.types import Answer, Prompt, QuestionType

QUESTIONS = (
    "Is this a fake image, yes or no?",
    "Why?",
    "What reveals that the image was generated, and where in it should one look? Answer in full.",
)
TOKENS = 6


def draw_picture(width: int, height: int, *, seed: int) -> Image.Image:
    """Noise, so that no two pictures look alike to any tower."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


PICTURES = {"wide": draw_picture(60, 40, seed=1), "tall": draw_picture(48, 64, seed=2)}


def make_prompt(image: str, text: str) -> Prompt:
    """A prompt about the picture of that name."""
    return Prompt(case=f"{image}:{text}", image=image, question_type=QuestionType.WHAT, text=text)


PROMPTS = tuple(make_prompt(image, text) for text in QUESTIONS for image in PICTURES)


def shrink_card(name: str, folder: Path, *, batch_size: int = 4) -> Card:
    """The shipped card with its quirks, over a tiny checkpoint, in float32 and with short answers.

    A card that asks one by one keeps doing so.
    """
    card = find_card(name)
    generation = msgspec.structs.replace(
        card.generation,
        max_new_tokens=TOKENS,
        batch_size=min(batch_size, card.generation.batch_size or batch_size),
    )
    return msgspec.structs.replace(
        card, repository=None, path=str(folder), dtype="float32", generation=generation
    )


def load(card: Card, *, batch_tokens: int | None = None) -> TransformersBackend:
    """The adapter of a card with a path, on one core: threads cost more than these sums."""
    assert card.path is not None
    torch.set_num_threads(1)
    return TransformersBackend(
        card, Path(card.path), device="cpu", remote_code=False, batch_tokens=batch_tokens
    )


def read_answers(replies: Sequence[Reply]) -> list[Answer]:
    """The replies, which must all be answers; the first error otherwise."""
    for reply in replies:
        if not isinstance(reply, Answer):
            raise AssertionError(reply)
    return [reply for reply in replies if isinstance(reply, Answer)]
