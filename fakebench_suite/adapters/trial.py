"""Whether a checkpoint may reuse a picture's prefix: found out by trying, never by its name."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from PIL.Image import Transpose

from fakebench_suite.adapters.encoding import Encoder
from fakebench_suite.adapters.generation import Generator, Written
from fakebench_suite.adapters.prefix import (
    Prefix,
    measure_prefix,
    read_prefixes,
    write_after_prefix,
)
from fakebench_suite.adapters.rows import Row, Stacker, can_stack, encode_row, stack
from fakebench_suite.types import Form, Prompt

QUESTIONS = ("Why?", "Is there anything in this image that was generated, and where is it?")
"""Of unequal length and with nothing in common."""
SIDE = 224
"""Most pixels of either side of the picture that is tried: how it is answered hangs on no more."""
STEPS = 3
"""New tokens that are compared: the first after the prompt and two after the cache has grown."""
AGREES = "The image comes first, and after its cached prefix logits are those of whole prompts."
LARGEST_GAP = 0.25
"""Of logits that count as equal at all, in their standard deviations, whatever the precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How a model's prompts are answered."""

    prefix: bool
    """Whether the prompts about one picture share its computation."""
    why: str
    """One sentence."""
    mixes: bool = False
    """Whether a batch may hold prefixes of several pictures."""

    def describe(self) -> dict[str, str | bool | int]:
        """The route as a manifest records it."""
        return {"path": "prefix" if self.prefix else "plain", "why": self.why, "mixes": self.mixes}


def try_route(
    generator: Generator, encoder: Encoder, stacker: Stacker, picture: Image.Image, filler: int
) -> Route:
    """The route, tried on two questions about one picture, and again with a second picture.

    The picture is made small, for there are seven encodings of it. Raises what the processor
    raises where it cannot be encoded.
    """
    picture = picture.copy()
    picture.thumbnail((SIDE, SIDE))
    group = _encode(encoder, "first", picture)
    try:
        with torch.inference_mode():
            if refusal := _find_obstacle(generator, group):
                return Route(prefix=False, why=refusal)
            prefix = read_prefixes(generator, [group], filler)
            if refusal := _find_state(prefix):
                return Route(prefix=False, why=refusal)
            shared = _share(generator, [group], filler, prefix)
            alone = _ask_alone(generator, group, filler)
            if refusal := _compare(generator, group, shared, alone, filler):
                return Route(prefix=False, why=refusal)
            mixes = _can_mix(generator, encoder, stacker, picture, group, alone, filler)
    except Exception as error:  # A checkpoint may raise anything; plain batches ask nothing of it.
        what = str(error).partition("\n")[0]
        return Route(
            prefix=False,
            why=f"The model does not go on from a cache ({type(error).__name__}: {what}).",
        )
    return Route(prefix=True, why=AGREES, mixes=mixes)


def _can_mix(
    generator: Generator,
    encoder: Encoder,
    stacker: Stacker,
    picture: Image.Image,
    first: Sequence[Row],
    alone: Sequence[Written],
    filler: int,
) -> bool:
    """Whether prefixes of two pictures in one batch do as well: of two shapes, else of one.

    ``first`` are the rows about the picture, and ``alone`` what they get when asked alone.
    """
    width, height = picture.size
    for other in (
        picture.crop((0, 0, width, max(1, height // 2))),
        picture.transpose(Transpose.FLIP_LEFT_RIGHT),
    ):
        second = _encode(encoder, "second", other)
        if can_stack(first[0], second[0]):
            if not stacker.is_exact([*first, *second], {"first": picture, "second": other}):
                return False
            shared = _share(generator, [first, second], filler)
            every = [*alone, *_ask_alone(generator, second, filler)]
            return not _compare(generator, [*first, *second], shared, every, filler)
    return False


def _encode(encoder: Encoder, name: str, picture: Image.Image) -> list[Row]:
    """The two questions about the picture."""
    return [
        encode_row(encoder, Prompt(case="", image=name, form=Form.WHAT, text=text), picture)
        for text in QUESTIONS
    ]


def _find_obstacle(generator: Generator, group: Sequence[Row]) -> str | None:
    """Why the picture's computation depends on the question, as far as the inputs tell."""
    one, two = group
    differing = [
        name
        for name, value in one.picture.items()
        if name not in two.picture or not torch.equal(value, two.picture[name])
    ]
    if differing:
        return f"The image is encoded together with the question ({', '.join(differing)})."
    views = [name for name, value in one.tokens.items() if value.ndim > 2]
    if views:
        return f"Every token has its own view of the image ({', '.join(views)})."
    config = generator.model.config
    token = getattr(config, "image_token_id", getattr(config, "image_token_index", None))
    prefix = measure_prefix(group)
    if token is not None and (one.tokens["input_ids"][:, prefix:] == token).any():
        return "The image does not come before the question."
    return None


def _find_state(prefix: Prefix) -> str | None:
    """Why rows cannot go on from the cache, as far as it tells."""
    if not hasattr(prefix.cache, "reorder_cache"):
        return "The model keeps no cache that can be repeated."
    if any(getattr(prefix.cache, "is_linear", ())):
        return "The cache holds recurrent states, which padding after the prefix would change."
    return None


def _share(
    generator: Generator, groups: Sequence[Sequence[Row]], filler: int, prefix: Prefix | None = None
) -> Written:
    """What the rows get after their pictures' prefixes, read already or not."""
    return write_after_prefix(
        generator, groups, filler=filler, steps=STEPS, logits=True, prefix=prefix
    )


def _ask_alone(generator: Generator, rows: Sequence[Row], filler: int) -> list[Written]:
    """What each row gets alone."""
    return [
        generator.write(generator.place(stack([row], filler)), steps=STEPS, logits=True)
        for row in rows
    ]


def _compare(
    generator: Generator,
    rows: Sequence[Row],
    shared: Written,
    alone: Sequence[Written],
    filler: int,
) -> str | None:
    """None where logits after a prefix are as good as those of a plain batch; else what is wrong.

    Both are held against prompts written one by one: in 16 bits not even plain batches agree with
    these, and the prefix may be no worse than a few times that.
    """
    gap = _measure_gap(shared, alone)
    floor = max(1e-3, 8 * torch.finfo(generator.model.dtype).eps)
    if gap <= floor:
        return None
    plain = generator.place(stack(rows, filler))
    noise = _measure_gap(generator.write(plain, steps=STEPS, logits=True), alone)
    if gap <= min(4 * noise, LARGEST_GAP):
        return None
    return (
        f"After a cached prefix the model says otherwise (logits are off by {gap:.2g} standard "
        f"deviations, {noise:.2g} in plain batches)."
    )


def _measure_gap(batch: Written, alone: Sequence[Written]) -> float:
    """Largest difference of logits in standard deviations, until tokens part."""
    gaps = [0.0]
    for number, single in enumerate(alone):
        for step, (ours, theirs) in enumerate(zip(batch.logits, single.logits, strict=False)):
            real = theirs[0].isfinite()
            expected = theirs[0][real].float()
            gap = (ours[number][real].float() - expected).abs().max() / expected.std()
            gaps.append(float(gap))
            if batch.tokens[number, step] != single.tokens[0, step]:
                break
    return max(gaps)
