"""Every shipped card, with its quirks, over a tiny checkpoint of its architecture."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from fakebench_suite.backends.cards import find_card, list_cards
from fakebench_suite.backends.transformers.model import TransformersBackend
from tests.backends.asking import ask, weigh
from tests.backends.transformers.architectures.checkpoints import MAKERS
from tests.backends.transformers.architectures.questions import (
    PICTURES,
    PROMPTS,
    QUESTIONS,
    TOKENS,
    load,
    make_prompt,
    read_answers,
    shrink_card,
)

KNOWN_WARNINGS = (
    # PaliGemma's processor turns a tensor into an array for training labels.
    "__array__ implementation doesn't accept a copy keyword",
)


@pytest.fixture(scope="module", params=list(MAKERS))
def name(request: pytest.FixtureRequest) -> str:
    """A shipped card."""
    return str(request.param)


@pytest.fixture(scope="module")
def adapter(name: str, find_checkpoint: Callable[[str], Path]) -> TransformersBackend:
    """The card's adapter, loaded once."""
    return load(shrink_card(name, find_checkpoint(name)))


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    """Nothing but the known warnings is shown while a model answers."""
    with warnings.catch_warnings(record=True) as caught_warnings:
        yield
    messages = [str(warning.message) for warning in caught_warnings]
    assert [text for text in messages if not text.startswith(KNOWN_WARNINGS)] == []


def test_every_shipped_checkpoint_is_covered() -> None:
    """No card of a published checkpoint ships without a tiny checkpoint of its architecture."""
    cards = [find_card(name) for name in list_cards()]
    names = {card.name for card in cards if card.backend == "transformers" and card.repository}
    assert names == set(MAKERS)


def test_every_prompt_gets_an_answer(name: str, adapter: TransformersBackend) -> None:
    """There is one answer per prompt, counted in new tokens, in batches of the card's size."""
    answers = read_answers(ask(adapter, PROMPTS, PICTURES))
    assert all(1 <= answer.tokens <= TOKENS for answer in answers)
    one_by_one = find_card(name).generation.batch_size == 1
    # Image groups of three stay whole where they share a prefix.
    sizes = [1] * 6 if one_by_one else [3] * 6 if adapter.route.prefix else [2] * 2 + [4] * 4
    assert sorted(answer.batch_size for answer in answers) == sizes


def test_batched_answers_equal_single_ones(adapter: TransformersBackend) -> None:
    """An answer does not depend on the other prompts of its batch, in float32."""
    batched = read_answers(ask(adapter, PROMPTS, PICTURES))
    singles = [read_answers(ask(adapter, [prompt], PICTURES))[0] for prompt in PROMPTS]
    assert [answer.text for answer in batched] == [answer.text for answer in singles]
    assert [answer.tokens for answer in batched] == [answer.tokens for answer in singles]
    assert len({answer.text for answer in singles}) > 1, "answers that never differ prove nothing"


def test_the_picture_reaches_the_model(
    adapter: TransformersBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pictures give different pixel values, and different answers to some question."""
    generate = adapter._model.generate
    pixels: list[torch.Tensor] = []

    def spy(**inputs: Any) -> torch.Tensor:
        pixels.append(inputs["pixel_values"])
        output: torch.Tensor = generate(**inputs)
        return output

    monkeypatch.setattr(adapter._model, "generate", spy)
    replies = {
        image: [
            read_answers(ask(adapter, [make_prompt(image, text)], PICTURES))[0].text
            for text in QUESTIONS
        ]
        for image in PICTURES
    }
    assert not torch.equal(pixels[0], pixels[-1])
    assert replies["wide"] != replies["tall"]


def test_the_prompt_is_not_in_the_answer(adapter: TransformersBackend) -> None:
    """An answer begins after the prompt, also where a model returns both."""
    for prompt, answer in zip(PROMPTS, read_answers(ask(adapter, PROMPTS, PICTURES)), strict=True):
        assert prompt.text not in answer.text
        assert len(adapter._tokenizer.encode(answer.text)) <= 4 * TOKENS


def test_options_are_weighed_by_the_models_own_probabilities(
    adapter: TransformersBackend,
) -> None:
    """P(fake) is a share of two probabilities, the same in a batch and alone, likelier one said."""
    batched = read_answers(weigh(adapter, PROMPTS, PICTURES))
    singles = [read_answers(weigh(adapter, [prompt], PICTURES))[0] for prompt in PROMPTS]
    for batched_answer, single_answer in zip(batched, singles, strict=True):
        assert batched_answer.p_fake is not None
        assert batched_answer.option_probability_mass is not None
        assert 0 < batched_answer.p_fake < 1
        assert 0 < batched_answer.option_probability_mass <= 1
        assert batched_answer.p_fake == pytest.approx(single_answer.p_fake, abs=1e-4)
        assert batched_answer.text == ("fake" if batched_answer.p_fake >= 0.5 else "real")
    assert len({answer.p_fake for answer in batched}) > 1
