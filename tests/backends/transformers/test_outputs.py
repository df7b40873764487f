"""What becomes of new tokens: cut-off replies, marks of thoughts, scores that are no numbers."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from fakebench_suite.backends.cards import Card, PromptFormat
from fakebench_suite.backends.transformers.generation import GenerationOutput
from fakebench_suite.backends.transformers.model import TransformersBackend
from fakebench_suite.backends.transformers.outputs import TextDecoder
from fakebench_suite.errors import ModelError
from fakebench_suite.types import Answer, FinishReason
from tests.backends.asking import ask, begin, weigh
from tests.backends.transformers.architectures.questions import (
    PICTURES,
    PROMPTS,
    load,
    make_prompt,
    shrink_card,
)
from tests.backends.transformers.architectures.vocabulary import make_tokenizer

SPECIAL = (
    "<pad>", "<s>", "</s>", "<|im_end|>", "<think>", "</think>", "◁think▷", "◁/think▷", "[THINK]",
    "[/THINK]", "<|START_THINKING|>", "<|END_THINKING|>", "<seed:think>", "<|begin_of_box|>",
    "<|end_of_box|>", "<|channel|>", "<|message|>", "<|image_pad|>",
)  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """A tokenizer to which every mark is a special token."""
    return make_tokenizer(SPECIAL, bos="<s>", eos="</s>", pad="<pad>")


def decode(tokenizer: Any, *texts: str, thought: str | None = None) -> Sequence[Answer]:
    """The replies made of these texts, as one batch padded at the right."""
    rows = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    longest = max(map(len, rows))
    tokens = torch.tensor([row + [tokenizer.pad_token_id] * (longest - len(row)) for row in rows])
    output = GenerationOutput(tokens=tokens, logits=(), broken=torch.zeros_like(tokens).bool())
    reading = TextDecoder(tokenizer, [tokenizer.eos_token_id], thought=thought)
    replies = reading.decode(output, [make_prompt("wide", text) for text in texts], 1.0)
    return [reply for reply in replies if isinstance(reply, Answer)]


def test_marks_of_thoughts_and_answers_stay_and_all_else_goes(tokenizer: Any) -> None:
    """Also where they are special tokens; ends, turns and pictures are no text."""
    texts = [
        "<think>odd</think> It is fake.",
        "◁think▷odd◁/think▷real",
        "[THINK]odd[/THINK]real",
        "<|START_THINKING|>odd<|END_THINKING|>real",
        "<seed:think>odd",
        "Verdict: <|begin_of_box|>fake<|end_of_box|>",
        "<|channel|>final<|message|>real",
        "It is fake.",
    ]
    prompts = [f"<s>{text}<|image_pad|><|im_end|></s>" for text in texts]
    assert [answer.text for answer in decode(tokenizer, *prompts)] == texts


def test_a_thought_that_the_prompt_opens_is_open_in_the_reply(tokenizer: Any) -> None:
    """Its mark stands first, once, also where nothing was written."""
    texts = ("It is fake.</s>", "<think>It is.</s>", "</s>")
    answers = decode(tokenizer, *texts, thought="<think>")
    assert [answer.text for answer in answers] == [
        "<think>\nIt is fake.", "<think>It is.", "<think>\n",
    ]  # fmt: skip


def test_a_reply_without_end_was_cut_off(tokenizer: Any) -> None:
    """A reply that has an end was not, even where it is the last token that may be written."""
    answers = decode(tokenizer, "It is fake.</s>", "It is fake. It is.", "It is fake. It.</s>")
    reasons = [answer.finish_reason for answer in answers]
    assert reasons == [FinishReason.STOP, FinishReason.LENGTH, FinishReason.STOP]


@pytest.fixture(scope="module")
def checkpoint(find_checkpoint: Callable[[str], Path]) -> Path:
    """A tiny Qwen3-VL."""
    return find_checkpoint("qwen3-vl")


@pytest.fixture
def card(checkpoint: Path) -> Card:
    """A card over it."""
    return shrink_card("qwen3-vl", checkpoint, batch_size=8)


def plain(card: Card) -> Card:
    """The card, asking one by one, which is without shared prefixes."""
    generation = msgspec.structs.replace(card.generation, batch_size=1)
    return msgspec.structs.replace(card, generation=generation)


@pytest.mark.parametrize("prefix", [True, False])
def test_every_path_says_why_a_reply_ended(card: Card, prefix: bool) -> None:
    """Cut off at the card's limit, stopped at a token of its own; a beginning says nothing."""
    adapter = load(card if prefix else plain(card))
    answers = [answer for answer in ask(adapter, PROMPTS, PICTURES) if isinstance(answer, Answer)]
    limit = card.generation.max_new_tokens
    assert adapter.route.prefix is prefix
    assert {answer.finish_reason for answer in answers if answer.tokens < limit} <= {
        FinishReason.STOP
    }
    assert FinishReason.LENGTH in {answer.finish_reason for answer in answers}
    first = adapter._tokenizer.convert_ids_to_tokens(
        adapter._tokenizer.encode(answers[0].text, add_special_tokens=False)[0]
    )
    generation = msgspec.structs.replace(card.generation, stop=[first])
    stopping = load(msgspec.structs.replace(card, generation=generation))
    (stopped_reply,) = ask(stopping, PROMPTS[:1], PICTURES)
    assert isinstance(stopped_reply, Answer)
    assert stopped_reply.finish_reason is FinishReason.STOP
    for reply in (*begin(adapter, PROMPTS, PICTURES), *weigh(adapter, PROMPTS[:2], PICTURES)):
        assert isinstance(reply, Answer)
        assert reply.finish_reason is None


@pytest.mark.parametrize(
    ("ending", "tag"),
    [
        ("<think>\n", "<think>"),
        ("<think>A:", "<think>"),
        ("◁think▷", "◁think▷"),
        ("<think>\n\n</think>\n\n", None),
        ("", None),
    ],
)
def test_what_the_chat_template_opens_is_found(card: Card, ending: str, tag: str | None) -> None:
    """In a shipped template as in the card's; a mark in the question opens nothing."""
    adapter = load(card)
    template = adapter._processor.chat_template
    turn = "<|im_start|>assistant\n"
    assert turn in template
    adapter._processor.chat_template = template.replace(turn, turn + ending)
    assert adapter._encoder.find_thought() == tag
    quirks = PromptFormat(template=f"<think> {{image}} {{question}} {ending}")
    adapter._encoder._format = quirks
    assert adapter._encoder.find_thought() == tag


def break_numbers(adapter: TransformersBackend, word: str, value: float) -> None:
    """Let the model compute ``value`` from the first token of a word on."""
    (number, *_) = adapter._tokenizer.encode(word, add_special_tokens=False)
    with torch.no_grad():
        adapter._model.get_input_embeddings().weight[number] = value


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("prefix", [True, False])
def test_no_numbers_are_an_error_of_their_prompt_only(
    card: Card, prefix: bool, value: float
) -> None:
    """On every path a prompt whose scores are NaN is a ModelError; the others get answers."""
    prompts = [
        make_prompt("wide", text) for text in ("Why?", "Is it?", "Why? \x7f", "Where is it?")
    ]
    prompts += [make_prompt("tall", text) for text in ("\x7f?", "Is it?")]
    adapter = load(card if prefix else plain(card))
    before = ask(adapter, prompts, PICTURES), weigh(adapter, prompts, PICTURES)
    break_numbers(adapter, "\x7f", value)
    after = ask(adapter, prompts, PICTURES), weigh(adapter, prompts, PICTURES)
    assert adapter.route.prefix is prefix
    for previous, current in zip(before, after, strict=True):
        assert [isinstance(output, ModelError) for output in current] == [
            "\x7f" in p.text for p in prompts
        ]
        pairs = [
            (old.text, new.text)
            for old, new in zip(previous, current, strict=True)
            if isinstance(old, Answer) and isinstance(new, Answer)
        ]
        assert len(pairs) == 4
        assert all(old == new for old, new in pairs)
    for reply in begin(adapter, prompts[2:3], PICTURES):
        assert isinstance(reply, ModelError)


def test_a_model_without_any_number_is_not_asked_on(card: Card) -> None:
    """Each prompt is an error, found at its first token, and the route says why."""
    adapter = load(card)
    with torch.no_grad():
        adapter._model.get_output_embeddings().weight.fill_(float("nan"))
    replies = ask(adapter, PROMPTS, PICTURES)
    assert all(isinstance(reply, ModelError) and "NaN" in str(reply) for reply in replies)
    assert "NaN or infinite" in adapter.route.why


def test_numbers_lost_after_an_end_do_not_count(tokenizer: Any) -> None:
    """What a model computes for padding is nobody's."""
    tokens = torch.tensor([[30, tokenizer.eos_token_id, 0, 0], [30, 31, 32, 33]])
    broken = torch.tensor([[False, False, True, True], [False, False, False, True]])
    reading = TextDecoder(tokenizer, [tokenizer.eos_token_id])
    output = GenerationOutput(tokens=tokens, logits=(), broken=broken)
    replies = reading.decode(output, PROMPTS[:2], 1.0)
    assert [type(reply) for reply in replies] == [Answer, ModelError]
