"""Look-ahead: pictures are opened by threads while the model works, and nothing else changes."""

import gc
import struct
import threading
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from PIL import Image

from fakebench_suite.backends.base import Backend, Reply, Request
from fakebench_suite.backends.cards import Card
from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.images import open_image
from fakebench_suite.errors import ImageError, MissingImageError, ModelError
from fakebench_suite.execution.engine import Engine, LocalEngine, WorkUnit, WorkUnitResult
from fakebench_suite.execution.plan import RunPlan, RunRequest
from fakebench_suite.execution.prefetch import MOST_THREADS
from fakebench_suite.execution.runner import MAX_UNITS_AHEAD, CaseRunner, group_cases
from fakebench_suite.execution.work_units import MIN_UNIT_PROMPTS
from fakebench_suite.types import Answer, Case, Prompt, QuestionType, Task

PATIENCE = 30.0
"""Seconds after which an event that should have come is missed."""
Open = Callable[[Case], Image.Image]


@dataclass
class Model(Backend):
    """Answers "fake", and does what the test wants while it works."""

    meanwhile: Callable[[Sequence[Prompt], Mapping[str, Image.Image]], None]
    calls: list[list[str]] = field(default_factory=list)

    def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """One answer each."""
        prompts = [request.prompt for request in requests]
        self.calls.append([prompt.case for prompt in prompts])
        self.meanwhile(prompts, requests[0].images)
        return [Answer(text="fake", tokens=1, seconds=0.1, batch_size=1) for _ in prompts]


def do_nothing(prompts: Sequence[Prompt], images: Mapping[str, Image.Image]) -> None:
    """What a model does meanwhile, mostly."""
    del prompts, images


def draw(case: Case) -> Image.Image:
    """A picture for any case."""
    del case
    return Image.new("RGB", (2, 2))


def make_cases(slices: int) -> list[Case]:
    """One image and MIN_UNIT_PROMPTS cases per slice, ``0.png:0`` and so on."""
    return [
        Case(
            id=f"{image}.png:{number}",
            task=Task.DETECTION,
            image=f"{image}.png",
            question="Is it?",
            question_type=QuestionType.WHAT,
        )
        for image in range(slices)
        for number in range(MIN_UNIT_PROMPTS)
    ]


def make_answers(
    cases: Sequence[Case], opener: Open, model: Model | Engine, *, prefetches: bool = True
) -> CaseRunner:
    """The answers of a run over these cases, by a model in this process or by an engine."""
    plan = RunPlan(
        request=RunRequest(),
        card=Card(path="nowhere"),
        dataset=Dataset(
            name="",
            kind="jsonl",
            digest="",
            cases=tuple(cases),
            open_image=opener,
            has_images=lambda: True,
        ),
        cases=tuple(cases),
        drawn=tuple(cases),
        planned=len(cases),
    )
    engine = LocalEngine(model) if isinstance(model, Model) else model
    return CaseRunner(plan, engine, group_cases(cases), ahead=prefetches)


@pytest.fixture
def untouched() -> Iterator[None]:
    """Warnings are errors during the test, and their filters are the same after it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)
        yield
        assert warnings.filters == before
        assert not [t for t in threading.enumerate() if t.name.startswith("fakebench-decoder")]


@pytest.mark.usefixtures("untouched")
def test_the_next_pictures_are_opened_while_the_model_works() -> None:
    """Each picture is opened once, in another thread, and before the model is done with the last.

    The model waits for it, so the test fails where nobody opens it meanwhile.
    """
    cases = make_cases(3)
    events = {case.image: threading.Event() for case in cases}
    openers: list[tuple[str, str]] = []

    def opening(case: Case) -> Image.Image:
        openers.append((case.image, threading.current_thread().name))
        events[case.image].set()
        return Image.new("RGB", (2, 2))

    def wait_for_next(prompts: Sequence[Prompt], images: Mapping[str, Image.Image]) -> None:
        (image,) = images
        following = f"{int(image.removesuffix('.png')) + 1}.png"
        assert following not in events or events[following].wait(PATIENCE)
        assert {prompt.image for prompt in prompts} == {image}

    answers = make_answers(cases, opening, Model(wait_for_next))
    assert [answers.ask(case).text for case in cases] == ["fake"] * len(cases)
    assert [image for image, _ in openers] == ["0.png", "1.png", "2.png"]
    assert all(name.startswith("fakebench-decoder") for _, name in openers)


def test_two_slices_of_pictures_are_alive_at_most() -> None:
    """While a slice is answered its own pictures and the next one's are held, and no others."""
    cases = make_cases(6)
    pictures: dict[str, weakref.ref[Image.Image]] = {}
    images_alive: list[set[str]] = []

    def opening(case: Case) -> Image.Image:
        picture = Image.new("RGB", (2, 2))
        pictures[case.image] = weakref.ref(picture)
        return picture

    def look(prompts: Sequence[Prompt], images: Mapping[str, Image.Image]) -> None:
        del prompts, images
        images_alive.append({image for image, picture in pictures.items() if picture() is not None})

    answers = make_answers(cases, opening, Model(look))
    gc.disable()
    try:
        for case in cases:
            answers.ask(case)
    finally:
        gc.enable()
    assert len(images_alive) == 6
    for number, images in enumerate(images_alive):
        assert images <= {f"{number}.png", f"{number + 1}.png"}


def test_a_worker_opens_nothing_it_may_not_be_given() -> None:
    """Where the next slice is not known, only the pictures of the asked one are opened."""
    cases, names = make_cases(3), []

    def opening(case: Case) -> Image.Image:
        names.append(case.image)
        return Image.new("RGB", (2, 2))

    model = Model(do_nothing)
    answers = make_answers(cases, opening, model, prefetches=False)
    answers.ask(cases[MIN_UNIT_PROMPTS])
    assert names == ["1.png"]


@pytest.mark.usefixtures("untouched")
def test_an_error_of_opening_waits_for_its_own_cases() -> None:
    """A picture that broke ahead of its turn fails its cases and no others."""
    cases = make_cases(3)

    def opening(case: Case) -> Image.Image:
        if case.image == "1.png":
            raise MissingImageError("1.png is missing.")
        return Image.new("RGB", (2, 2))

    model = Model(do_nothing)
    answers = make_answers(cases, opening, model)
    for case in cases:
        if case.image == "1.png":
            with pytest.raises(ImageError, match=r"1\.png is missing"):
                answers.ask(case)
        else:
            assert answers.ask(case).text == "fake"
    assert [len(call) for call in model.calls] == [MIN_UNIT_PROMPTS] * 2


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_slice_leaves_no_thread_behind(error: type[BaseException]) -> None:
    """Ctrl-C and a broken adapter end the threads; what the error belongs to gets it, once."""
    cases = make_cases(3)

    def fail(prompts: Sequence[Prompt], images: Mapping[str, Image.Image]) -> None:
        del images
        if any(prompt.case == "1.png:0" for prompt in prompts):
            raise error("stop")

    model = Model(fail)
    answers = make_answers(cases, draw, model)
    answers.ask(cases[0])
    exception = ModelError if error is RuntimeError else error
    with pytest.raises(exception, match="stop"):
        answers.ask(cases[MIN_UNIT_PROMPTS])
    if error is RuntimeError:
        # The rest of the slice is asked one by one, and the next one as ever.
        assert answers.ask(cases[MIN_UNIT_PROMPTS + 1]).text == "fake"
        assert answers.ask(cases[2 * MIN_UNIT_PROMPTS]).text == "fake"
        assert [len(call) for call in model.calls] == [64, 64, 1, 1, 64]


@pytest.mark.usefixtures("untouched")
def test_a_case_that_breaks_its_slice_takes_no_other_along() -> None:
    """The first case of the slice, which asked for all of them, is asked again alone, too."""
    cases = make_cases(2)

    def fail(prompts: Sequence[Prompt], images: Mapping[str, Image.Image]) -> None:
        del images
        if any(prompt.case == "0.png:7" for prompt in prompts):
            raise RuntimeError("stop")

    answers = make_answers(cases, draw, Model(fail))
    for case in cases:
        if case.id == "0.png:7":
            with pytest.raises(ModelError, match="RuntimeError: stop"):
                answers.ask(case)
        else:
            assert answers.ask(case).text == "fake"


def save_broken_exif(path: Path) -> None:
    """A JPEG that is turned by its EXIF block, whose other entry points nowhere: Pillow warns."""
    entries = struct.pack("<HHIIHHIHH", 0x010E, 2, 40, 0x7FFF, 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + b"\0" * 4
    Image.new("RGB", (9, 4), (200, 20, 30)).save(path, exif=exif)
    with pytest.warns(UserWarning, match="Skipping tag"), Image.open(path) as picture:
        picture.getexif()


@pytest.mark.usefixtures("untouched")
def test_broken_metadata_are_silent_whatever_the_model_does_to_warnings(tmp_path: Path) -> None:
    """Threads open broken EXIF while the model enters and leaves filters of its own."""
    cases = make_cases(4)
    events = {case.image: threading.Event() for case in cases}
    for image in events:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            save_broken_exif((tmp_path / image).with_suffix(".jpg"))

    def opening(case: Case) -> Image.Image:
        picture = open_image((tmp_path / case.image).with_suffix(".jpg"))
        events[case.image].set()
        return picture

    def change_filters(prompts: Sequence[Prompt], images: Mapping[str, Image.Image]) -> None:
        del prompts
        (image,) = images
        assert images[image].size == (4, 9)
        following = f"{int(image.removesuffix('.png')) + 1}.png"
        while following in events and not events[following].is_set():
            with warnings.catch_warnings():
                warnings.filterwarnings("default", module=r"(?!PIL\.)")

    answers = make_answers(cases, opening, Model(change_filters))
    with warnings.catch_warnings(record=True) as caught_warnings:
        warnings.simplefilter("error")
        assert [answers.ask(case).text for case in cases] == ["fake"] * len(cases)
    assert caught_warnings == []


def test_pictures_are_held_by_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what fits is held; the others are opened anew, one at a time, and asked about apart."""
    monkeypatch.setattr("fakebench_suite.execution.prefetch.MAX_IMAGE_BYTES", 2 * 400)
    monkeypatch.setattr("fakebench_suite.execution.engine.MAX_IMAGE_BYTES", 2 * 400)
    references: list[weakref.ref[Image.Image]] = []
    counts = []

    def opening(case: Case) -> Image.Image:
        del case
        picture = Image.new("RGB", (10, 10))
        references.append(weakref.ref(picture))
        counts.append(sum(reference() is not None for reference in references))
        return picture

    def meanwhile(prompts: Sequence[Prompt], images: Mapping[str, Image.Image]) -> None:
        assert len({prompt.image for prompt in prompts}) == 2
        for prompt in prompts:
            assert images[prompt.image].size == (10, 10)

    cases = [replace(case, image=f"{n // 8}.png") for n, case in enumerate(make_cases(1))]
    model = Model(meanwhile)
    answers = make_answers(cases, opening, model)
    assert [answers.ask(case).text for case in cases] == ["fake"] * 64
    assert [len(call) for call in model.calls] == [16] * 4
    # Two are held, the others opened once to be sure of them and once for their eight prompts.
    assert len(references) == 8 + 6
    assert max(counts) <= 2 + MOST_THREADS + 1


@pytest.mark.usefixtures("untouched")
def test_an_engine_with_room_for_many_units_gets_them() -> None:
    """As many replicas, each with several units, do not wait for the case that is asked."""
    many = MAX_UNITS_AHEAD + 20
    reached = threading.Event()

    def wait_for_many(prompts: Sequence[Prompt], images: Mapping[str, Image.Image]) -> None:
        del prompts, images
        if len(model.calls) >= many:
            reached.set()
        assert reached.wait(PATIENCE)

    model = Model(wait_for_many)
    model.max_in_flight = many
    cases = make_cases(many + 5)
    answers = make_answers(cases, draw, model)
    assert [answers.ask(case).text for case in cases] == ["fake"] * len(cases)


class SendingEngine:
    """An engine that keeps nothing of what it was given, as one that sends it to other nodes."""

    limits_prompts, requests_in_flight = False, None

    def give_up(self) -> None:
        """Nothing is in flight for long."""

    def __init__(self) -> None:
        self._results: deque[WorkUnitResult] = deque()
        self.images: list[weakref.ref[Mapping[str, Image.Image]]] = []

    @property
    def has_room(self) -> bool:
        """Room for three units."""
        return len(self._results) < 3

    def submit(self, unit: WorkUnit) -> None:
        """Answer it, and remember whether anybody has its images."""
        self.images.append(weakref.ref(unit.images))
        answer = Answer(text="fake", tokens=1, seconds=0.1, batch_size=1)
        replies = dict.fromkeys((request.prompt.case for request in unit.requests), answer)
        self._results.append(WorkUnitResult(number=unit.number, replies=replies))

    def wait(self) -> WorkUnitResult:
        """The oldest unit; by now nobody has any images."""
        gc.collect()
        assert [images() for images in self.images] == [None] * len(self.images)
        return self._results.popleft()

    def stop(self, reason: str) -> None:
        """Nothing is in flight."""

    def holds(self, number: int) -> bool:
        """Whether it was not taken yet."""
        return any(result.number == number for result in self._results)


@pytest.mark.usefixtures("untouched")
def test_images_that_an_engine_has_sent_are_not_held() -> None:
    """Many units are in flight at a time, and their pictures fill the memory."""
    cases = make_cases(6)
    engine = SendingEngine()
    answers = make_answers(cases, draw, engine)
    assert [answers.ask(case).text for case in cases] == ["fake"] * len(cases)
    assert len(engine.images) == 6
