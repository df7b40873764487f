"""Look-ahead: batches are encoded while the model computes, and nothing else changes."""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from fakebench_suite.backends.base import NotAsked, Reply
from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.transformers import look_ahead as module
from fakebench_suite.backends.transformers.batching import Batch
from fakebench_suite.backends.transformers.generation import GenerationOutput
from fakebench_suite.backends.transformers.look_ahead import look_ahead
from fakebench_suite.backends.transformers.model import TransformersBackend
from fakebench_suite.backends.transformers.outputs import OutputDecoder
from fakebench_suite.backends.transformers.runner import Images
from fakebench_suite.errors import ModelError
from fakebench_suite.types import Answer, Prompt
from tests.backends.asking import ask, weigh
from tests.backends.transformers.architectures.checkpoints import save_checkpoint
from tests.backends.transformers.architectures.questions import (
    QUESTIONS,
    draw_picture,
    load,
    make_prompt,
    read_answers,
    shrink_card,
)
from tests.backends.transformers.test_two_images import make_pair

PATIENCE_S = 60.0
"""How long a thread is waited for before a test fails."""
IMAGES = {f"{seed}": draw_picture(40 + 8 * seed, 48, seed=seed) for seed in range(6)}
MIXED = (
    *(make_prompt(name, text) for name in ("0", "1", "2") for text in QUESTIONS),
    *(make_prompt(name, QUESTIONS[int(name) % 3]) for name in ("3", "4", "5")),
)
"""Three questions about each of three images, and one about each of three others."""
PAIRS = (make_pair("0", "1"), make_pair("2", "1"))


def count_threads() -> int:
    """Threads that look ahead."""
    return sum(thread.name == "fakebench-look-ahead" for thread in threading.enumerate())


def test_items_come_in_order_and_no_further_than_they_have_room() -> None:
    """One is in use, one waits, and one is being made; the thread ends with the last."""
    made: list[int] = []

    def make() -> Iterator[int]:
        for number in range(9):
            made.append(number)
            yield number

    for number in look_ahead(make(), stop=threading.Event()):
        assert len(made) <= number + 3
    assert made == list(range(9))
    assert count_threads() == 0


def test_the_next_item_is_made_while_one_is_in_use() -> None:
    """In turn, the first would wait for ever."""
    begun = threading.Event()

    def make() -> Iterator[int]:
        yield 1
        begun.set()
        yield 2

    items = look_ahead(make(), stop=threading.Event())
    assert next(items) == 1
    assert begun.wait(PATIENCE_S)
    assert list(items) == [2]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3)])
def test_an_error_is_raised_in_its_place(error: BaseException) -> None:
    """After the items before it; also one that is no Exception."""

    def make() -> Iterator[int]:
        yield 1
        raise error

    items = look_ahead(make(), stop=threading.Event())
    assert next(items) == 1
    with pytest.raises(type(error)):
        next(items)
    assert count_threads() == 0


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_a_closed_generator_leaves_no_thread(taken: int) -> None:
    """However many items were taken, and whatever the thread is at."""
    stop = threading.Event()
    items = look_ahead(iter(range(10**9)), stop=stop)
    for _ in range(taken):
        next(items)
    items.close()
    assert count_threads() == 0
    assert stop.is_set() == (taken > 0)


def test_a_thread_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for, and ends by itself once it comes back."""
    monkeypatch.setattr(module, "_CLOSING_S", 0.05)
    hangs, goes_on = threading.Event(), threading.Event()

    def make() -> Iterator[int]:
        yield 1
        hangs.set()
        goes_on.wait(PATIENCE_S)
        yield 2
        yield 3

    items = look_ahead(make(), stop=threading.Event())
    next(items)
    assert hangs.wait(PATIENCE_S)
    (thread,) = (each for each in threading.enumerate() if each.name == "fakebench-look-ahead")
    items.close()
    assert thread.is_alive()
    goes_on.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def find_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Tiny checkpoints by the name of their card, each built once."""
    built: dict[str, Path] = {}

    def find(name: str) -> Path:
        if name not in built:
            built[name] = save_checkpoint(name, tmp_path_factory.mktemp(name))
        return built[name]

    return find


@pytest.fixture
def card(find_checkpoint: Callable[[str], Path]) -> Card:
    """A card over a tiny Qwen3-VL that asks up to four prompts at once."""
    return shrink_card("qwen3-vl", find_checkpoint("qwen3-vl"), batch_size=4)


def load_ahead(card: Card, **options: Any) -> TransformersBackend:
    """The adapter of a card, which looks ahead as on a GPU."""
    adapter = load(card, **options)
    adapter._questioner.looks_ahead = True
    return adapter


def describe(replies: Sequence[Reply]) -> list[tuple[str, str | None]]:
    """What each reply says, and the digest of its prompt."""
    return [
        (reply.text, reply.rendered) if isinstance(reply, Answer) else (str(reply), None)
        for reply in replies
    ]


@pytest.mark.parametrize("name", ["qwen3-vl", "llava-1.5", "smolvlm", "idefics", "gemma-3"])
def test_answers_are_those_without_it(name: str, find_checkpoint: Callable[[str], Path]) -> None:
    """With prefixes and without, about one image and alone; the digests of prompts are the same."""
    card = shrink_card(name, find_checkpoint(name))
    expected = ask(load(card), MIXED, IMAGES)
    adapter = load_ahead(card)
    assert describe(ask(adapter, MIXED, IMAGES)) == describe(expected)
    assert len(read_answers(expected)) == len(MIXED)
    assert adapter.describe().details["look_ahead"] is True
    assert count_threads() == 0


def test_pairs_and_probabilities_are_those_without_it(card: Card) -> None:
    """Two images are encoded alone, too; no token is decoded for a probability."""
    in_turn, ahead = load(card), load_ahead(card)
    prompts = [PAIRS[0], *MIXED[:4], PAIRS[1]]
    assert describe(ask(ahead, prompts, IMAGES)) == describe(ask(in_turn, prompts, IMAGES))
    values = []
    for adapter in (in_turn, ahead):
        replies = read_answers(weigh(adapter, MIXED, IMAGES))
        values.append([reply.p_fake for reply in replies])
    assert values[1] == pytest.approx(values[0], abs=1e-5)


def test_batches_do_not_depend_on_what_was_asked_before(card: Card) -> None:
    """They are packed by the lengths of their prompts, and none is asked alone to find out."""
    adapter = load_ahead(shrink_card("qwen3-vl", Path(str(card.path)), batch_size=32))
    small, large = MIXED[9:], [make_prompt(name, QUESTIONS[2]) for name in IMAGES]
    sizes = []
    for prompts in (small, large, small):
        answers = read_answers(ask(adapter, prompts, IMAGES))
        sizes.append([answer.batch_size for answer in answers])
    assert sizes == [[3] * 3, [6] * 6, [3] * 3]


def test_an_error_of_one_prompt_stays_its_own(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its neighbours in the same group and batch are answered."""
    adapter = load_ahead(card)
    expected = describe(ask(adapter, MIXED, IMAGES))
    encode = adapter._encoder.encode_one

    def refuse(prompt: Prompt, images: Images) -> dict[str, Any]:
        if prompt in (MIXED[1], MIXED[10]):
            raise ValueError("too odd")
        return encode(prompt, images)

    monkeypatch.setattr(adapter._encoder, "encode_one", refuse)
    replies = ask(adapter, MIXED, IMAGES)
    failed = [number for number, reply in enumerate(replies) if isinstance(reply, ModelError)]
    assert failed == [1, 10]
    assert str(replies[1]) == "ValueError: too odd"
    assert [said for number, said in enumerate(describe(replies)) if number not in failed] == [
        said for number, said in enumerate(expected) if number not in failed
    ]


@pytest.mark.parametrize("slow", ["model", "processor"])
def test_memory_that_runs_out_splits_what_is_encoded_already(
    card: Card, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    """No case is lost, what did not fit is not tried again, and batches are equal in every run."""
    card = shrink_card("qwen3-vl", Path(str(card.path)), batch_size=8)
    adapter = load_ahead(card)
    expected = describe(ask(adapter, MIXED, IMAGES))
    generate, prepare = adapter._questioner._generate, adapter._questioner._prepare
    sizes: list[int] = []
    begun: list[Batch] = []
    prepared, tried = threading.Semaphore(0), threading.Semaphore(0)

    def run_out(batch: Batch, images: Images, decoder: OutputDecoder) -> GenerationOutput:
        if slow == "model" and not sizes:  # The next batch was packed before this one fails.
            assert prepared.acquire(timeout=PATIENCE_S)
            assert prepared.acquire(timeout=PATIENCE_S)
        sizes.append(len(batch.prompts))
        if len(batch.prompts) > 2:
            raise torch.OutOfMemoryError("too many")
        tried.release()
        return generate(batch, images, decoder)

    def prepare_slowly(batch: Any, images: Images) -> Any:
        ready = prepare(batch, images)
        begun.append(ready)
        if slow == "processor" and len(begun) == 2:  # It comes after the first one has failed.
            assert tried.acquire(timeout=PATIENCE_S)
        prepared.release()
        return ready

    monkeypatch.setattr(adapter._questioner, "_generate", run_out)
    monkeypatch.setattr(adapter._questioner, "_prepare", prepare_slowly)
    assert describe(ask(adapter, MIXED, IMAGES)) == expected
    assert sizes[0] == 6
    assert [size for size in sizes if size > 2] == [6, 3, 3]
    assert count_threads() == 0
    sizes.append(0)
    assert describe(ask(adapter, MIXED, IMAGES)) == expected
    assert max(sizes[sizes.index(0) :]) <= 2


@pytest.mark.parametrize("looks_ahead", [False, True])
def test_the_processor_works_while_the_model_does(
    card: Card, monkeypatch: pytest.MonkeyPatch, looks_ahead: bool
) -> None:
    """The second batch is encoded before the first has been generated; in turn it is not."""
    adapter = load(card)
    adapter._questioner.looks_ahead = looks_ahead
    ask(adapter, MIXED[:3], IMAGES)  # The self-test is no part of it.
    encode, generate = adapter._encoder.encode_one, adapter._questioner._generate
    later = threading.Event()
    overlaps: list[bool] = []

    def note(prompt: Prompt, images: Images) -> dict[str, Any]:
        if prompt == MIXED[-1]:
            later.set()
        return encode(prompt, images)

    def wait(batch: Batch, images: Images, decoder: OutputDecoder) -> GenerationOutput:
        if not overlaps:
            overlaps.append(later.wait(PATIENCE_S if looks_ahead else 0.0))
        return generate(batch, images, decoder)

    monkeypatch.setattr(adapter._encoder, "encode_one", note)
    monkeypatch.setattr(adapter._questioner, "_generate", wait)
    read_answers(ask(adapter, [*MIXED[:3], MIXED[-1]], IMAGES))
    assert overlaps == [looks_ahead]


def test_an_interrupt_leaves_no_thread(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the model computes; what was encoded ahead is dropped, and asking goes on."""
    adapter = load_ahead(card)
    expected = describe(ask(adapter, MIXED, IMAGES))

    def interrupt(*_: Any) -> GenerationOutput:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(adapter._questioner, "_generate", interrupt)
        with pytest.raises(KeyboardInterrupt):
            ask(adapter, MIXED, IMAGES)
    assert count_threads() == 0
    assert describe(ask(adapter, MIXED, IMAGES)) == expected


def test_a_stopped_run_begins_no_further_batch(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is computed then is answered, and the rest is left for ``--resume``."""
    adapter = load_ahead(card)
    expected = describe(ask(adapter, MIXED, IMAGES))
    generate = adapter._questioner._generate

    def stop(batch: Batch, images: Images, decoder: OutputDecoder) -> GenerationOutput:
        adapter.stop("It is late.")
        adapter.stop("It is later.")
        return generate(batch, images, decoder)

    monkeypatch.setattr(adapter._questioner, "_generate", stop)
    replies = ask(adapter, MIXED, IMAGES)
    assert describe(replies[:3]) == expected[:3]
    assert set(replies[3:]) == {NotAsked("It is late.")}
    assert count_threads() == 0


def test_a_prompt_alone_is_encoded_in_the_thread_that_asks(
    card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a time-out ends a processor that hangs over it."""
    adapter = load_ahead(card)
    encode = adapter._encoder.encode_one
    threads: list[threading.Thread] = []

    def note(prompt: Prompt, images: Images) -> dict[str, Any]:
        threads.append(threading.current_thread())
        return encode(prompt, images)

    monkeypatch.setattr(adapter._encoder, "encode_one", note)
    read_answers(ask(adapter, MIXED[:1], IMAGES))
    assert threads == [threading.current_thread()]


def test_memory_is_given_back_where_it_may_have_run_out(
    card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As cuBLAS says it, too; a prompt that fails otherwise costs the next batches nothing."""
    adapter = load(card)
    emptied: list[str] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append("emptied"))
    for error, expected in (
        (ValueError("odd"), []),
        (torch.OutOfMemoryError("full"), ["emptied"]),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED"), ["emptied", "emptied"]),
    ):

        def fail(*_: Any, error: Exception = error) -> GenerationOutput:
            raise error

        monkeypatch.setattr(adapter._questioner, "_generate", fail)
        (reply,) = ask(adapter, MIXED[:1], IMAGES)
        assert isinstance(reply, ModelError)
        assert emptied == expected
