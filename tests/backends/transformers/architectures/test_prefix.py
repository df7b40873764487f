"""Prompts about one image share its prefix, and nobody can tell by the answers."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from fakebench_suite.backends.transformers.model import TransformersBackend
from fakebench_suite.types import Answer, Prompt
from tests.backends.asking import ask, weigh
from tests.backends.transformers.architectures.checkpoints import MAKERS
from tests.backends.transformers.architectures.questions import (
    PICTURES,
    QUESTIONS,
    draw_picture,
    load,
    make_prompt,
    read_answers,
    shrink_card,
)

WHY_NOT = {
    "qwen3.5": "recurrent states",
    "minicpm-v": "recurrent states",
    "idefics": "own view of the image",
    "instructblip": "together with the question",
    "kosmos-2": "one prompt at a time",
    "paligemma": "differ by",
    "llama-3.2-vision": "own view of the image",
}
"""Cards whose prompts are answered in plain batches, with the reason the adapter finds."""
PREPARED_AGAIN = {"instructblip", "minicpm-v"}
"""Cards whose plain batches are more than their prompts one after another."""
ONE_BY_ONE = {"kosmos-2"}
"""Cards whose prompts are asked one after another."""
IMAGES = PICTURES | {
    "wide too": draw_picture(60, 40, seed=6),
    "large": draw_picture(90, 120, seed=7),
}
MORE = (*QUESTIONS, "Is it?")


@pytest.fixture(scope="module", params=list(MAKERS))
def name(request: pytest.FixtureRequest) -> str:
    """A shipped card."""
    return str(request.param)


@pytest.fixture(scope="module")
def adapter(name: str, find_checkpoint: Callable[[str], Path]) -> TransformersBackend:
    """The card's adapter with room for all prompts in one batch."""
    return load(shrink_card(name, find_checkpoint(name), batch_size=32))


@pytest.fixture(scope="module")
def alone(adapter: TransformersBackend) -> dict[Prompt, Answer]:
    """What each prompt gets when nothing else is asked."""
    prompts = [make_prompt(image, text) for image in IMAGES for text in MORE]
    return {prompt: read_answers(ask(adapter, [prompt], IMAGES))[0] for prompt in prompts}


def test_the_documents_say_which_cards_share_a_prefix() -> None:
    """Their table has "yes" beside every card that does, and a reason beside the others."""
    page = (Path(__file__).parents[4] / "docs" / "models.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+) \| [^|]+ \| (yes|no: [^|]+) \|", page, re.MULTILINE)
    documented = {name: shares for cards, shares in rows for name in re.findall("`([^`]+)`", cards)}
    assert {name for name in MAKERS if documented[name] == "yes"} == set(MAKERS) - set(WHY_NOT)


def check(
    adapter: TransformersBackend, prompts: Sequence[Prompt], alone: dict[Prompt, Answer]
) -> list[Answer]:
    """The answers to the prompts, which are those they get alone."""
    answers = read_answers(ask(adapter, prompts, IMAGES))
    assert [(answer.text, answer.tokens) for answer in answers] == [
        (alone[prompt].text, alone[prompt].tokens) for prompt in prompts
    ]
    return answers


def test_whole_groups_are_answered_as_if_alone(
    name: str, adapter: TransformersBackend, alone: dict[Prompt, Answer]
) -> None:
    """Groups of ragged questions, images of several sizes in one batch, in any order."""
    answers = check(adapter, list(alone), alone)
    backwards = check(adapter, list(alone)[::-1], alone)
    assert len({answer.text for answer in answers}) > 1, "answers that never differ prove nothing"
    assert {answer.seconds > 0 for answer in (*answers, *backwards)} == {True}
    assert adapter.route.prefix == (name not in WHY_NOT)


def test_partial_groups_are_answered_as_if_alone(
    adapter: TransformersBackend, alone: dict[Prompt, Answer]
) -> None:
    """Parts of groups beside single prompts, and a group of one question asked twice."""
    prompts = list(alone)
    check(adapter, [*prompts[:2], prompts[len(MORE)], *prompts[-3:]], alone)
    check(adapter, prompts[3:4], alone)
    check(adapter, [prompts[1], prompts[1], prompts[8]], alone)


def test_groups_that_do_not_fit_are_cut(
    adapter: TransformersBackend, alone: dict[Prompt, Answer]
) -> None:
    """A tight budget of tokens cuts groups into smaller batches with the same answers."""
    budget = adapter._questioner._budget
    before, budget._tokens = budget.tokens, 600
    try:
        answers = check(adapter, list(alone), alone)
    finally:
        budget._tokens = before
    assert max(answer.batch_size for answer in answers) < len(answers)


def test_prefixes_read_together_do_as_well(
    adapter: TransformersBackend, alone: dict[Prompt, Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU: one forward pass for the prefixes of several pictures, padded at the left."""
    monkeypatch.setattr(
        "fakebench_suite.backends.transformers.prefix_cache.prefill._prefill_separately",
        lambda _: False,
    )
    prefill, rows = adapter._generator.prefill, []

    def count_rows(inputs: dict[str, torch.Tensor]) -> Any:
        rows.append(len(inputs["input_ids"]))
        return prefill(inputs)

    monkeypatch.setattr(adapter._generator, "prefill", count_rows)
    check(adapter, list(alone), alone)
    assert not adapter.route.prefix or max(rows) > 1


def test_likelihoods_are_those_of_single_prompts(
    adapter: TransformersBackend, alone: dict[Prompt, Answer]
) -> None:
    """P(fake) after a shared prefix is P(fake) of the whole prompt."""
    prompts = list(alone)
    batched = read_answers(weigh(adapter, prompts, IMAGES))
    singles = [read_answers(weigh(adapter, [prompt], IMAGES))[0] for prompt in prompts]
    assert [answer.p_fake for answer in batched] == pytest.approx(
        [answer.p_fake for answer in singles], abs=1e-4
    )


def test_a_likelihood_takes_one_pass_and_no_decoding(
    name: str, adapter: TransformersBackend
) -> None:
    """The picture's prefix is read once, then all questions after it, and no token is written."""
    weigh(adapter, [make_prompt("wide", text) for text in MORE], IMAGES)  # the self-test
    passes: list[None] = []
    head = adapter._generator.model.get_output_embeddings()
    hook = head.register_forward_hook(lambda *_: passes.append(None))
    answers = read_answers(weigh(adapter, [make_prompt("tall", text) for text in MORE], IMAGES))
    hook.remove()
    assert len(answers) == len(MORE)
    assert all(answer.p_fake is not None for answer in answers)
    if name in ONE_BY_ONE:
        assert len(passes) == len(MORE)
    elif adapter.route.prefix and not adapter.route.shared:
        # A window counts what pads a row, so that rows of different lengths are read apart.
        assert len(passes) <= 1 + len(MORE)
    else:
        assert len(passes) == (2 if adapter.route.prefix else 1)


def test_the_route_says_why(name: str, adapter: TransformersBackend) -> None:
    """The adapter finds out by itself who may share a prefix, and says in a sentence why not."""
    read_answers(ask(adapter, [make_prompt("wide", text) for text in QUESTIONS], IMAGES))
    route = adapter.route
    assert route.prefix == (name not in WHY_NOT)
    assert WHY_NOT.get(name, "precedes the question") in route.why
    assert route.why.endswith(".")
    assert route.mixes == route.prefix
    assert route.shared == (route.prefix and name != "gemma-3"), "whose layers have windows"


@pytest.mark.parametrize("name", ["qwen2-vl", "internvl", "llava-1.5"], scope="module")
def test_other_attention_repeats_the_cache(
    name: str, find_checkpoint: Callable[[str], Path]
) -> None:
    """What attends by itself has a copy of the prefix for each row, and answers the same."""
    card = shrink_card(name, find_checkpoint(name), batch_size=32)
    prompts = [make_prompt(image, text) for image in PICTURES for text in QUESTIONS]
    replies = []
    for attention in ("sdpa", "eager"):
        adapter = load(msgspec.structs.replace(card, attention=attention))
        answers = read_answers(ask(adapter, prompts, PICTURES))
        replies.append([answer.text for answer in answers])
        assert adapter.route.prefix
        assert adapter.route.shared == (attention == "sdpa")
    assert replies[0] == replies[1]


def test_an_image_is_prepared_and_encoded_once(
    name: str, adapter: TransformersBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pixels are prepared once for all prompts of an image, and their prefix is read once."""
    read_answers(ask(adapter, [make_prompt("tall", text) for text in MORE], IMAGES))  # the trial
    prefill, rows = adapter._generator.prefill, []
    kind = type(adapter._encoder._image_processor._inner)
    prepare, prepared = kind.__call__, []

    def count_rows(inputs: dict[str, torch.Tensor]) -> Any:
        rows.append(len(inputs["input_ids"]))
        return prefill(inputs)

    def count_pictures(self: Any, images: Any, *args: Any, **options: Any) -> Any:
        prepared.append(images)
        return prepare(self, images, *args, **options)

    monkeypatch.setattr(adapter._generator, "prefill", count_rows)
    monkeypatch.setattr(kind, "__call__", count_pictures)
    read_answers(ask(adapter, [make_prompt("wide", text) for text in MORE], IMAGES))
    assert rows == ([1] if adapter.route.prefix else [])
    assert len(prepared) == 1 or name in PREPARED_AGAIN


def test_the_trial_computes_nothing_twice(
    find_checkpoint: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads the first picture's prefix, then both, and asks each of five prompts alone once."""
    backend = load(shrink_card("qwen2-vl", find_checkpoint("qwen2-vl"), batch_size=32))
    generator, pictures = backend._generator, []
    generate = generator._generate

    def count_pictures(inputs: dict[str, torch.Tensor], **options: Any) -> Any:
        pictures.append(len(inputs.get("image_grid_thw", ())))
        return generate(inputs, **options)

    monkeypatch.setattr(generator, "_generate", count_pictures)
    backend._questioner._run_selftest(IMAGES["large"])
    assert backend.route.mixes
    assert sorted(pictures) == [0, 0, 1, 1, 1, 1, 1, 1, 1, 1]
