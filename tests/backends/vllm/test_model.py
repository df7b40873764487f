"""The backend over a vllm that computes nothing: what it is given, and what becomes of it."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from PIL import Image

from fakebench_suite.backends.base import Backend, Capability, NotAsked, Request, RequestLimits
from fakebench_suite.backends.cards import Card, Generation, find_card
from fakebench_suite.backends.registry import LoadOptions, VllmOptions, load_model
from fakebench_suite.backends.vllm import loading
from fakebench_suite.backends.vllm.arguments import build_engine_arguments
from fakebench_suite.errors import CardError, ModelError
from fakebench_suite.types import Answer, FinishReason, Prompt, QuestionType
from tests.backends.asking import ask, begin, weigh
from tests.backends.vllm.fake_vllm import Completion, FakeVllm, SamplingParams, install
from tests.helpers import wait_until

EOS = 2
"""Of the model pocket, whose processor and tokenizer are used here."""
CARD = msgspec.structs.replace(
    find_card("pocket"), backend="vllm", generation=Generation(max_new_tokens=5)
)


def say(*tokens: int, finish_reason: str = "stop") -> Callable[..., Completion]:
    """The same completion for every prompt."""

    def complete(prompt: Sequence[int], parameters: SamplingParams) -> Completion:
        del prompt, parameters
        return Completion(token_ids=tokens, finish_reason=finish_reason)

    return complete


def draw(count: int = 1) -> dict[str, Image.Image]:
    """Pictures by name."""
    return {f"{number}.png": Image.new("RGB", (64, 64), (number, 0, 0)) for number in range(count)}


def list_prompts(images: dict[str, Image.Image], each: int = 1) -> list[Prompt]:
    """Questions about each picture."""
    return [
        Prompt(
            case=f"{name}:{number}",
            image=name,
            question_type=QuestionType.ISFAKE,
            text=f"Is this a fake image, yes or no? {number}",
        )
        for name in images
        for number in range(each)
    ]


@contextmanager
def load(fake: FakeVllm, card: Card = CARD, **options: Any) -> Iterator[Backend]:
    """The backend over a vllm that answers at once."""
    fake.gate.set()
    with load_model(card, LoadOptions(**options)) as backend:
        yield backend


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeVllm:
    """A vllm that says nothing but the end."""
    fake = FakeVllm(complete=say(EOS))
    install(monkeypatch, fake)
    # It may have been imported with another fake.
    monkeypatch.delitem(sys.modules, "fakebench_suite.backends.vllm.model", raising=False)
    return fake


def test_prompts_are_those_of_transformers(fake: FakeVllm) -> None:
    """The tokens are rendered by the card's template, and the image is handed over as it is."""
    images = draw()
    with load(fake) as backend:
        ask(backend, list_prompts(images), images)
    ((tokens, image, parameters),) = fake.asked
    assert image is images["0.png"]
    assert parameters.temperature == 0
    assert parameters.max_tokens == CARD.generation.max_new_tokens
    assert list(parameters.stop_token_ids) == [EOS]
    assert not parameters.detokenize
    assert list(tokens).count(3) == 1  # the mark of the image, which vLLM repeats


def test_two_images_are_handed_over_in_order(fake: FakeVllm) -> None:
    """And vLLM keeps room for two where some prompt shows two, else for one."""
    images = draw(2)
    pair = Prompt(
        case="pair", image="1.png", second_image="0.png", question_type=QuestionType.WHICHFAKE,
        text="Which?",
    )  # fmt: skip
    wants = frozenset({Capability.TEXT, Capability.TWO_IMAGES})
    with load(fake, wants=wants) as backend:
        ask(backend, [pair], images)
    ((tokens, shown, _),) = fake.asked
    assert shown == [images["1.png"], images["0.png"]]
    assert list(tokens).count(3) == 2
    for wanted, most in ((wants, 2), (wants - {Capability.TWO_IMAGES}, 1)):
        arguments = build_engine_arguments(CARD, Path(), LoadOptions(wants=wanted))
        assert arguments["limit_mm_per_prompt"]["image"] == most


def test_images_have_names_by_their_pixels(fake: FakeVllm) -> None:
    """So that vLLM need not read those of an image again for each prompt about it."""
    images = draw(2) | {"again.png": draw(1)["0.png"]}
    with load(fake) as backend:
        ask(backend, list_prompts(images, each=2), images)
    first, _, second, _, again, _ = fake.image_ids
    assert fake.image_ids == [first, first, second, second, again, again]
    assert again == first != second
    assert [len(names) for names in fake.image_ids] == [1] * 6


def test_replies_say_why_they_ended(fake: FakeVllm) -> None:
    """At an end token, at the limit, or for a reason that makes no answer."""
    images = draw()
    with load(fake) as backend:
        for tokens, word, reason in (
            ((10, EOS), "stop", FinishReason.STOP),
            ((10, 11, 12, 13, 14), "length", FinishReason.LENGTH),
        ):
            fake.complete = say(*tokens, finish_reason=word)
            (answer,) = ask(backend, list_prompts(images), images)
            assert isinstance(answer, Answer)
            assert (answer.tokens, answer.finish_reason) == (len(tokens), reason)
            assert answer.rendered is not None
        fake.complete = say(10, finish_reason="abort")
        (failed,) = ask(backend, list_prompts(images), images)
        assert isinstance(failed, ModelError)
        (first,) = begin(backend, list_prompts(images), images)
        assert isinstance(first, ModelError)


def test_options_are_weighed_by_all_their_spellings(fake: FakeVllm) -> None:
    """P(fake) is the share of fake's tokens in those of both; the mass is their sum."""

    def complete(prompt: Sequence[int], parameters: SamplingParams) -> Completion:
        del prompt
        assert parameters.max_tokens == 1
        tokens = parameters.logprob_token_ids
        assert tokens is not None
        entries = {token: SimpleNamespace(logprob=-4.0) for token in tokens}
        return Completion(token_ids=[9], finish_reason="length", logprobs=[entries])

    fake.complete = complete
    images = draw()
    with load(fake) as backend:
        (answer,) = weigh(backend, list_prompts(images), images)
    assert isinstance(answer, Answer)
    ((_, _, parameters),) = fake.asked
    assert parameters.logprob_token_ids is not None
    number = len(parameters.logprob_token_ids)
    assert number >= 2
    assert answer.p_fake == pytest.approx(0.5, abs=0.5)
    assert answer.option_probability_mass == pytest.approx(number * 2.718281828**-4)
    assert (answer.finish_reason, answer.tokens) == (None, 1)


def test_an_error_is_that_of_its_prompt(fake: FakeVllm) -> None:
    """A prompt that vLLM refuses, and one whose scores are NaN; the others are answered."""

    def complete(prompt: Sequence[int], parameters: SamplingParams) -> Completion:
        del prompt, parameters
        if len(fake.asked) and fake.asked[-1][1].getpixel((0, 0))[0] == 1:
            raise ValueError("the prompt is too long")
        return Completion(token_ids=[EOS])

    images = draw(3)
    with load(fake) as backend:
        replies: list[Any] = []
        fake.complete = complete
        for prompt in list_prompts(images):
            replies += ask(backend, [prompt], images)
        fake.complete = lambda *_: Completion(token_ids=[EOS], corrupted=True)
        replies += ask(backend, list_prompts(images)[:1], images)
    assert [type(reply) for reply in replies] == [Answer, ModelError, Answer, ModelError]
    assert "too long" in str(replies[1])
    assert "NaN" in str(replies[3])


def test_a_prompt_whose_image_is_not_in_a_cache_is_asked_again(fake: FakeVllm) -> None:
    """Until vLLM has it; then the answer is as any other, and nothing is asked twice."""
    tries: dict[Sequence[int], int] = {}

    def fail_at_first(prompt: Sequence[int], parameters: SamplingParams) -> Completion:
        del parameters
        key = tuple(prompt)
        tries[key] = tries.get(key, 0) + 1
        if tries[key] < 3:
            return Completion(token_ids=(), finish_reason="error")
        return Completion(token_ids=(EOS,))

    fake.complete = fail_at_first
    images = draw()
    with load(fake) as backend:
        replies = ask(backend, list_prompts(images, each=4), images)
    assert [type(reply) for reply in replies] == [Answer] * 4
    assert list(tries.values()) == [3] * 4


def test_a_prompt_that_fails_each_time_is_an_error(fake: FakeVllm) -> None:
    """It is not asked forever."""
    fake.complete = say(finish_reason="error")
    images = draw()
    with load(fake) as backend:
        (reply,) = ask(backend, list_prompts(images), images)
    assert isinstance(reply, ModelError)
    assert "'error'" in str(reply)
    assert len(fake.asked) == 5


def test_units_fill_the_scheduler_together(fake: FakeVllm) -> None:
    """It has two batches at any time, of several work units, in the order of their prompts."""
    images = draw(8)
    prompts = list_prompts(images, each=4)
    with load_model(CARD_OF_FOUR, LoadOptions()) as backend:
        threads = [
            threading.Thread(target=ask, args=(backend, prompts[start : start + 8], images))
            for start in range(0, len(prompts), 8)
        ]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(fake.asked) == 8)
        assert backend.requests_in_flight == 8
        open_gate(backend, fake)
        for thread in threads:
            thread.join()
    assert fake.most == 8
    assert len(fake.asked) == len(prompts)
    assert backend.max_in_flight == 2


CARD_OF_FOUR = msgspec.structs.replace(CARD, generation=Generation(batch_size=4))


def open_gate(backend: Any, fake: FakeVllm) -> None:
    """Let prompts be completed; asyncio's events know one thread."""
    backend._loop.call(fake.gate.set)


def test_seconds_add_up_to_the_wall_time(fake: FakeVllm) -> None:
    """Each prompt has its share of the time in which it was in flight with others."""
    images = draw(4)
    with load_model(CARD_OF_FOUR, LoadOptions()) as backend:
        started = time.perf_counter()
        threading.Timer(0.5, open_gate, [backend, fake]).start()
        replies = ask(backend, list_prompts(images), images)
        seconds = time.perf_counter() - started
    answers = [reply for reply in replies if isinstance(reply, Answer)]
    assert 0.3 < sum(answer.seconds for answer in answers) <= seconds
    assert {answer.batch_size for answer in answers} == {4}


@contextmanager
def ask_twelve(fake: FakeVllm) -> Iterator[tuple[Backend, threading.Thread, list[Any]]]:
    """A backend, the thread that asks it about twelve images, and its replies: vLLM has eight."""
    images, replies = draw(12), list[Any]()
    with load_model(CARD_OF_FOUR, LoadOptions()) as backend:
        prompts = list_prompts(images)
        thread = threading.Thread(target=lambda: replies.extend(ask(backend, prompts, images)))
        thread.start()
        wait_until(lambda: len(fake.asked) == 8)
        yield backend, thread, replies


def test_after_a_stop_nothing_is_handed_over(fake: FakeVllm) -> None:
    """What vLLM has is answered; the rest is not asked, for the reason given."""
    with ask_twelve(fake) as (backend, thread, replies):
        backend.stop("It is enough.")
        open_gate(backend, fake)
        thread.join()
    assert [type(reply) for reply in replies] == [Answer] * 8 + [NotAsked] * 4
    assert replies[-1] == NotAsked("It is enough.")


def test_what_hangs_is_given_up_after_a_stop(fake: FakeVllm) -> None:
    """It is dropped, and nothing is said of the prompts but that they were not asked."""
    with ask_twelve(fake) as (backend, thread, replies):
        backend.give_up()  # Nothing is given up before a stop.
        backend.stop("It is enough.")
        assert thread.is_alive()
        backend.give_up()
        thread.join(30)
        assert fake.given == backend.requests_in_flight == 0
    assert replies == [NotAsked("It is enough.")] * 12


def test_what_is_being_dropped_is_given_up_once(
    fake: FakeVllm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both the stop of a run and an interrupt give up; a prompt may be ending for a time-out."""
    errors: list[str] = []
    monkeypatch.setattr(
        logging.getLogger("asyncio"), "error", lambda text, **_: errors.append(text)
    )
    fake.dropping_s = 0.3
    images, replies = draw(), list[Any]()
    with load_model(CARD_OF_FOUR, LoadOptions()) as backend:
        prompts = list_prompts(images)
        thread = threading.Thread(target=lambda: replies.extend(ask(backend, prompts, images)))
        thread.start()
        wait_until(lambda: len(fake.asked) == 1)
        backend.stop("It is enough.")
        backend.give_up()
        time.sleep(0.1)
        backend.give_up()
        thread.join(30)
    assert replies == [NotAsked("It is enough.")]
    assert not errors


def test_a_dead_engine_leaves_the_rest_to_resume(fake: FakeVllm) -> None:
    """No prompt is an error; the reason is a sentence that names ``--resume``."""
    images = draw(12)
    with load(fake) as backend:
        ask(backend, list_prompts(images), images)
        fake.dead = True
        replies = ask(backend, list_prompts(images), images)
    assert {type(reply) for reply in replies} == {NotAsked}
    assert "--resume" in str(replies[0])
    assert all(reply.model_ended for reply in replies if isinstance(reply, NotAsked))


def test_a_prompt_that_takes_too_long_is_an_error_of_its_own(fake: FakeVllm) -> None:
    """``--case-timeout`` counts from when vLLM is given the prompt."""
    images = draw()
    limits = RequestLimits(prompt_seconds=0.05)
    with load_model(CARD, LoadOptions(limits=limits)) as backend:
        (reply,) = ask(backend, list_prompts(images), images)
        assert backend.limits_prompts
    assert isinstance(reply, ModelError)
    assert fake.given == 0


def test_the_manifest_says_what_was_in_force(fake: FakeVllm) -> None:
    """The version, the precision, the caches and sizes, and how many tokens were cached."""
    images = draw()
    sizes = VllmOptions(tensor_parallel=2, data_parallel=3)
    with load(fake, vllm=sizes, batch_tokens=512) as backend:
        ask(backend, list_prompts(images), images)
        info = backend.describe()
    assert info.path == "prefix"
    assert info.batch_tokens == 512
    assert info.generation is not None
    assert info.generation["max_new_tokens"] == CARD.generation.max_new_tokens
    assert info.details["vllm"] == "0.0"
    assert info.details["dtype"] == "float32"
    assert info.details["prefix_caching"]
    assert not info.details["batch_invariant"]
    assert info.details["tensor_parallel_size"] == 2
    assert info.details["data_parallel_size"] == 3
    assert info.details["cached_tokens"] == 1
    assert info.details["attention"] == ["FLASH"]
    assert info.details["tokens_as_transformers"] is False  # the fake repeats no image token


def test_a_processor_that_fails_costs_no_answer(
    fake: FakeVllm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It only compares tokens, and vLLM has one of its own."""

    def fail(*arguments: Any) -> None:
        raise ValueError(f"no {len(arguments)} of them")

    monkeypatch.setattr("fakebench_suite.backends.transformers.processor.Encoder.encode", fail)
    images = draw(2)
    with load(fake) as backend:
        replies = ask(backend, list_prompts(images), images)
        assert backend.describe().details["tokens_as_transformers"] is False
    assert {type(reply) for reply in replies} == {Answer}


def test_what_vllm_cannot_load_is_one_sentence(fake: FakeVllm) -> None:
    """It names the engine that can, and nothing is left behind."""
    fake.refusal = ValueError("Unsupported vision config.")
    with pytest.raises(CardError, match=r"Unsupported vision config\. Use --engine=local\."):
        load_model(CARD, LoadOptions()).__enter__()


def test_batch_invariance_needs_a_gpu(fake: FakeVllm, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for by a variable of vLLM's, and refused in a sentence on a CPU."""
    fake.batch_invariant = True
    install(monkeypatch, fake)
    monkeypatch.delitem(sys.modules, "fakebench_suite.backends.vllm.model", raising=False)
    with pytest.raises(CardError, match="--deterministic needs a GPU"):
        load_model(CARD, LoadOptions(vllm=VllmOptions(deterministic=True))).__enter__()
    assert "VLLM_BATCH_INVARIANT" not in os.environ


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "float64"},
        {"options": {"seed": 1}},
        {"prompt": msgspec.structs.replace(CARD.prompt, template="{question}", interleaved=True)},
    ],
    ids=["dtype", "options", "interleaved"],
)
def test_a_card_that_does_not_fit_is_refused(fake: FakeVllm, change: dict[str, Any]) -> None:
    """Before anything is loaded."""
    with pytest.raises(CardError):
        load_model(msgspec.structs.replace(CARD, **change), LoadOptions()).__enter__()
    assert fake.arguments == {}


def test_the_engine_is_closed_and_variables_are_put_back(
    fake: FakeVllm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends the block; what the user has set stays as it is."""
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "INFO")
    monkeypatch.delenv("VLLM_NO_USAGE_STATS", raising=False)
    before = dict(os.environ)

    def stop() -> None:
        with load(fake):
            assert os.environ["VLLM_LOGGING_LEVEL"] == "INFO"
            assert os.environ["VLLM_NO_USAGE_STATS"] == "1"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert fake.closed == 1
    assert dict(os.environ) == before


def test_an_image_that_is_gone_is_no_answer(fake: FakeVllm) -> None:
    """The whole unit fails, so that the suite asks case by case."""
    images = draw()
    (prompt,) = list_prompts(images)
    with load(fake) as backend, pytest.raises(KeyError):
        backend.run([Request(prompt=prompt, images={}, want=Capability.TEXT)])


@pytest.mark.parametrize(
    ("cores", "bind", "memory"), [(1, "nobind", 0.225), (2, "nobind", 0.45), (4, None, None)]
)
def test_engines_share_a_machine(
    fake: FakeVllm,
    monkeypatch: pytest.MonkeyPatch,
    cores: int,
    bind: str | None,
    memory: float | None,
) -> None:
    """One with some of its cores binds to none of them, and takes its share of the memory."""
    monkeypatch.setattr(loading, "cpu_count", lambda: 4)
    monkeypatch.delenv("VLLM_CPU_OMP_THREADS_BIND", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "9")
    with load(fake, assigned=True, assigned_cores=cores):
        assert os.environ.get("VLLM_CPU_OMP_THREADS_BIND") == bind
        assert os.environ["OMP_NUM_THREADS"] == ("9" if bind is None else str(cores))
    assert fake.arguments.get("gpu_memory_utilization") == memory
    card = msgspec.structs.replace(CARD, options={"gpu_memory_utilization": 0.1})
    with load(fake, card, assigned=True, assigned_cores=cores):
        assert fake.arguments["gpu_memory_utilization"] == 0.1
    assert os.environ["OMP_NUM_THREADS"] == "9"
