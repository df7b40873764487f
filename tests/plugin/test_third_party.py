"""A backend, a data set and a judge of another package, found by entry points."""

from pathlib import Path

import pytest

from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.registry import BACKENDS, find_backend, load_model
from fakebench_suite.errors import CardError, UserError
from fakebench_suite.execution.plan import RunRequest, make_plan
from fakebench_suite.execution.runner import execute
from fakebench_suite.types import Outcome
from tests.helpers import install_package, read_run
from tests.plugin.sandbox import EVERY_MODE, LATENCY, QUICK, Run

PACKAGE = '''
"""What another package brings: a detector, photographs and a judge."""

import dataclasses
import hashlib
from contextlib import contextmanager

from PIL import Image

from fakebench_suite import (
    Answer, Authenticity, Backend, BackendSpec, Capability, Case, Clue, Dataset, DatasetSpec,
    InferenceInfo, JudgeInfo, JudgeSpec, Judgement, QuestionType, Rating, Task,
)


class Detector(Backend):
    """The chance of a fake is the red of the first pixel; four work units at a time."""

    capabilities = frozenset({Capability.PROBABILITIES})
    max_in_flight = 4

    def __init__(self, threshold):
        self.threshold = threshold

    def run(self, requests):
        assert all(request.want is Capability.PROBABILITIES for request in requests)
        return [self.answer(request) for request in requests]

    def answer(self, request):
        chance = request.image.getpixel((0, 0))[0] / 255
        return Answer(
            text="fake" if chance > self.threshold else "real",
            tokens=0, seconds=0.0, batch_size=1, p_fake=chance, option_probability_mass=1.0,
        )

    def describe(self):
        return InferenceInfo(path="detector", reason="It reads one pixel.")


class Silent(Detector):
    def describe(self):
        raise RuntimeError("no device")


class Odd(Detector):
    def describe(self):
        return {"path": "detector"}


class Unwritable(Detector):
    def describe(self):
        return InferenceInfo(details={"model": self})


@contextmanager
def load(card, options):
    kind = {kind.__name__: kind for kind in (Detector, Silent, Odd, Unwritable)}
    yield kind[card.options.get("kind", "Detector")](card.options["threshold"])


DETECTOR = BackendSpec(capabilities=frozenset({Capability.PROBABILITIES}), load=load)
FILED = BackendSpec(
    capabilities=frozenset({Capability.PROBABILITIES}), load=load, files=lambda card: [card.path]
)


def open_photos(path):
    def make(number, task, kind, expected=None):
        fake = number % 2 == 0
        return Case(
            id=f"{number}:{task}", image=f"{number}", task=task, question_type=kind,
            question="Is this a fake image, yes or no?" if task == "detection" else "Why?",
            label=Authenticity.FAKE if fake else Authenticity.REAL, expected=expected,
        )

    cases = [make(number, Task.DETECTION, QuestionType.ISFAKE) for number in range(8)]
    clues = (Clue(text="The hands have six fingers."),)
    cases += [
        make(number, Task.INTERPRETATION, QuestionType.FAULTFINDING, clues)
        for number in range(0, 8, 2)
    ]
    return Dataset(
        name="photos", kind="photos", digest=hashlib.sha256(b"photos").hexdigest(),
        cases=tuple(cases), has_images=lambda: True,
        open_image=lambda case: Image.new(
            "RGB", (8, 8), (250 if int(case.image) % 2 == 0 else 20, int(case.image), 0)
        ),
    )


PHOTOS = DatasetSpec(load=open_photos)


class Kind:
    """Gives everybody full marks."""

    name = "kind:strict"

    def check(self):
        pass

    def describe(self):
        return JudgeInfo(details={"mood": "kind"})

    def grade(self, requests):
        rating = Rating(completeness=2, preciseness=2, relevance=2, reason="Why not?")
        return [Judgement(ratings=(rating,)) for _ in requests]


KIND = JudgeSpec(open=lambda config, options: Kind())


class Shy(Kind):
    def describe(self):
        return {}["mood"]


class Faulty(Kind):
    def check(self):
        raise RuntimeError("no key")


JUDGES = {"shy": Shy, "faulty": Faulty}
OWN = JudgeSpec(open=lambda config, options: JUDGES[config.model]())


@contextmanager
def crash(card, options):
    raise RuntimeError("no weights")
    yield


CRASH = BackendSpec(capabilities=frozenset(Capability), load=crash)



def fail():
    raise OSError("no disk")


LOST = DatasetSpec(load=lambda path: dataclasses.replace(open_photos(path), has_images=fail))
def spoil(**fields):
    def load(path):
        dataset = open_photos(path)
        cases = (dataclasses.replace(dataset.cases[0], **fields), *dataset.cases[1:])
        return dataclasses.replace(dataset, cases=cases)
    return DatasetSpec(load=load)


MISNAMED = spoil(id="0-detection")
TASKLESS = spoil(task="detecton")
CRASHED_DATA = DatasetSpec(load=lambda path: {}["rows"])
CRASHED_JUDGE = JudgeSpec(open=lambda config, options: 1 / 0)
NOTHING = object()
'''
ENTRY_POINTS = """
[fakebench_suite.backends]
detector = third_party:DETECTOR
broken = third_party:ABSENT
filed = third_party:FILED
crash = third_party:CRASH
odd = third_party:NOTHING

[fakebench_suite.datasets]
photos = third_party:PHOTOS
crash = third_party:CRASHED_DATA
lost = third_party:LOST
misnamed = third_party:MISNAMED
taskless = third_party:TASKLESS

[fakebench_suite.judges]
kind = third_party:KIND
own = third_party:OWN
crash = third_party:CRASHED_JUDGE
"""
CARD = 'backend = "detector"\n[options]\nthreshold = 0.5\n'


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that the package is installed in, for this process and those it starts."""
    folder = tmp_path / "site"
    install_package(folder, "third_party", source=PACKAGE, entry_points=ENTRY_POINTS)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


@pytest.mark.usefixtures("third_party")
def test_what_another_package_registers_is_found_by_name() -> None:
    """Its names stand beside those that are built in, and nothing is imported to list them."""
    assert BACKENDS.list_names() == [
        *("transformers", "vllm", "openai", "classifier", "scripted"),
        *("broken", "crash", "detector", "filed", "odd"),
    ]
    assert find_backend(Card(name="mine", backend="detector")).weights is False


@pytest.mark.usefixtures("third_party")
@pytest.mark.parametrize(
    ("backend", "message"),
    [
        (
            "detecter",
            "There is no backend 'detecter'; allowed: transformers, vllm, openai, classifier, scr",
        ),
        ("broken", "'broken' of third_party cannot be loaded: AttributeError"),
        ("odd", "'odd' of third_party is a object; its entry point must name a BackendSpec"),
    ],
)
def test_a_backend_that_cannot_be_had_is_one_sentence(backend: str, message: str) -> None:
    """An unknown name, a package that breaks, and an entry point that names something else."""
    with pytest.raises(CardError) as exc_info:
        find_backend(Card(name="mine", backend=backend))
    assert message in str(exc_info.value)


def test_a_name_that_is_registered_twice_is_refused(third_party: Path) -> None:
    """Nobody can tell which of the two was meant."""
    path = third_party / "third_party-1.0.dist-info" / "entry_points.txt"
    path.write_text(ENTRY_POINTS.replace("detector =", "scripted ="), encoding="utf-8")
    with pytest.raises(UserError, match="more than once, by third_party and the suite itself"):
        BACKENDS.get("scripted")


@pytest.mark.usefixtures("third_party")
def test_a_plan_is_executed_without_pytest(tmp_path: Path) -> None:
    """Each case has its record, in order, with units in flight; text tasks are deselected."""
    card = tmp_path / "mine.toml"
    card.write_text(CARD, encoding="utf-8")
    from fakebench_suite.datasets import DataSource

    plan = make_plan(RunRequest(model=str(card), data=DataSource(kind="photos")))
    assert {case.task for case in plan.cases} == {"detection"}
    assert {str(task): str(capability) for task, capability in plan.deselected.items()} == {
        "interpretation": "text"
    }
    with load_model(plan.card, plan.load_options()) as backend:
        records = list(execute(plan, backend))
    assert [record.case for record in records] == list(plan.cases)
    assert {record.verdict.outcome for record in records} == {Outcome.CORRECT}
    assert all(record.pixels is not None for record in records)


@pytest.mark.usefixtures("third_party")
def test_files_of_a_backend_are_part_of_the_identity(run: Run, project: Path) -> None:
    """A run whose weights changed is not resumed, and its answers are not reused."""
    weights = project / "weights.txt"
    weights.write_text("1", encoding="utf-8")
    card = CARD.replace("detector", "filed").replace("[options]", 'path = "weights.txt"\n[options]')
    (project / "mine.toml").write_text(card, encoding="utf-8")
    options = ("--model=mine.toml", "--data=photos", "--gates=none")
    assert run(*options).ret == 0
    assert list(read_run(project).manifest["identity"]["files"]) == ["weights.txt"]
    assert run(*options, "--run=second", "--reuse=reports/run").ret == 0
    weights.write_text("2", encoding="utf-8")
    for arguments in (["--resume=reports/run"], [*options, "--run=third", "--reuse=reports/run"]):
        result = run(*arguments)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*another model file weights.txt*"])
    weights.unlink()
    result = run(*options, "--run=fourth")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*Reading the files that 'filed' names for mine failed*"])


@pytest.mark.usefixtures("third_party")
@pytest.mark.parametrize("mode", EVERY_MODE, ids=" ".join)
def test_a_detector_is_asked_for_its_probabilities_only(
    run: Run, project: Path, mode: tuple[str, ...]
) -> None:
    """Text tasks are left out with one reservation; detection is read by probabilities."""
    (project / "mine.toml").write_text(CARD, encoding="utf-8")
    result = run("--model=mine.toml", "--data=photos", "--gates=none", *mode)
    assert result.ret == 0
    written_run = read_run(project)
    assert len(written_run.records) == 8
    assert {line["verdict"]["outcome"] for line in written_run.records} == {"correct"}
    assert written_run.manifest["judge"]["label"] == "likelihood"
    assert written_run.manifest["deselected"] == {"interpretation": "text"}
    reservations = written_run.manifest["reservations"]
    assert len([text for text in reservations if text.startswith("Not asked: interp")]) == 1
    assert written_run.manifest["inference"][0]["path"] == "detector"
    assert written_run.manifest["identity"]["card"]["package"] == "third_party 1.0"
    assert written_run.manifest["dataset"]["package"] == "third_party 1.0"
    assert "package" not in written_run.manifest["judge"]
    if mode != ("-n0",):
        return
    replayed = run(
        "--model=mine", "--data=photos", "--answers=reports/run", "--run=again", "--gates=none"
    )
    assert replayed.ret == 0
    second_run = read_run(project, "again")
    assert {line["verdict"]["outcome"] for line in second_run.records} == {"correct"}
    assert second_run.manifest["deselected"] == {"interpretation": "text"}


NO_WORSE = """
[[gate]]
name = "no worse"
kind = "regression"
task = "interpretation"
metric = "judged_score"
"""
GATES_INCONCLUSIVE = 6
GATES = """
[[gate]]
name = "sees"
kind = "errors"
task = "detection"

[[gate]]
name = "explains"
kind = "errors"
task = "interpretation"
"""


@pytest.mark.usefixtures("third_party")
@pytest.mark.parametrize("mode", EVERY_MODE, ids=" ".join)
def test_gates_over_a_task_that_a_detector_cannot_be_asked(
    run: Run, project: Path, mode: tuple[str, ...]
) -> None:
    """They are not evaluated by default, and refused before the first case where named."""
    (project / "mine.toml").write_text(CARD, encoding="utf-8")
    (project / "gates.toml").write_text(GATES, encoding="utf-8")
    assert run("--model=mine.toml", "--data=photos", *mode).ret == 0
    outcomes = {ruling["gate"]: ruling["outcome"] for ruling in read_run(project).rulings}
    assert outcomes == {"sees": "pass", "explains": "not evaluated"}
    options = ("--model=mine.toml", "--data=photos", "--gates=gates.toml", "--run=named")
    result = run(*options, *mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: The gate 'explains' *mine cannot be asked: its backend*"])
    assert not (project / "reports" / "named").exists()
    if mode == ("-n0",):
        result = run(*options, "--answers=reports/run", "--model=mine")
        result.stderr.fnmatch_lines(["ERROR: The gate 'explains' *lacks the capability text*"])


@pytest.mark.usefixtures("third_party")
def test_latency_is_not_asked_for_what_a_detector_lacks(run: Run, project: Path) -> None:
    """These benchmarks are skipped with the reason; loading is measured."""
    (project / "mine.toml").write_text(CARD, encoding="utf-8")
    result = run("--model=mine.toml", "--data=photos", LATENCY, *QUICK)
    result.assert_outcomes(passed=1, skipped=8)
    result.stdout.fnmatch_lines(["SKIPPED [[]2[]] *: mine cannot be asked this*lacks*first_token"])
    result.stdout.fnmatch_lines(["SKIPPED [[]2[]] *: mine cannot be asked this*capability text"])


@pytest.mark.usefixtures("third_party")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--model=mine.toml", "--reading=paper"), "*mine writes no text that --reading=paper*"),
        (
            ("--model=crash.toml",),
            "*Loading 'crash' with the backend 'crash' failed: RuntimeError*",
        ),
        (("--data=crash",), "*Opening the data set 'crash' failed: KeyError*"),
        (("--judge=crash",), "*Opening the judge 'crash' failed: ZeroDivisionError*"),
        (
            ("--judge=own:faulty",),
            "*Checking the judge 'kind:strict' failed: RuntimeError: no key.*",
        ),
        (("--judge=own:shy",), "*Checking the judge 'kind:strict' failed: KeyError: 'mood'.*"),
        (("--data=misnamed",), "*misnamed: the case '0-detection' is on the image '0'. Its id*"),
        (("--data=taskless",), "*taskless: task is 'detecton'; allowed: *nearest: detection*"),
        (("--data=lost",), "*Looking for the images of the data set 'photos' failed: OSError*"),
    ],
)
def test_what_breaks_in_another_package_is_one_sentence(
    run: Run, project: Path, options: tuple[str, ...], message: str
) -> None:
    """It names what failed, and no traceback is printed."""
    (project / "mine.toml").write_text(CARD, encoding="utf-8")
    (project / "crash.toml").write_text('backend = "crash"\n', encoding="utf-8")
    data = () if any(option.startswith("--data") for option in options) else ("--data=photos",)
    result = run(*options, *data, "--gates=none", "-n0")
    assert result.ret in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERRUPTED)
    lines = [*result.stdout.lines, *result.stderr.lines]
    pytest.LineMatcher(lines).fnmatch_lines([message])
    assert not any("Traceback" in line for line in lines)


@pytest.mark.usefixtures("third_party")
@pytest.mark.parametrize(
    ("kind", "mode", "reason"),
    [
        ("Silent", EVERY_MODE[0], "RuntimeError: no device"),
        ("Silent", EVERY_MODE[1], "RuntimeError: no device"),
        ("Silent", EVERY_MODE[2], "RuntimeError: no device"),
        ("Odd", EVERY_MODE[0], "TypeError: it gave a dict, not an InferenceInfo"),
        ("Unwritable", EVERY_MODE[1], "TypeError: "),
    ],
)
def test_a_backend_that_cannot_describe_itself_costs_a_reservation(
    run: Run, project: Path, kind: str, mode: tuple[str, ...], reason: str
) -> None:
    """And no record, no status and no traceback."""
    (project / "mine.toml").write_text(f'{CARD}kind = "{kind}"\n', encoding="utf-8")
    result = run("--model=mine.toml", "--data=photos", "--gates=none", *mode)
    assert result.ret == 0
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    written_run = read_run(project)
    assert len(written_run.records) == 8
    reservation = f"How third_party.{kind} answered is not known, its describe() failed: {reason}"
    assert [text for text in written_run.manifest["reservations"] if text.startswith(reservation)]


@pytest.mark.usefixtures("third_party")
def test_a_judge_of_another_package_grades_texts(run: Run, project: Path) -> None:
    """Its scores stand under its own name."""
    result = run("--data=photos", "--judge=kind:strict", "--gates=none", "-m", "interpretation")
    assert result.ret == 0
    written_run = read_run(project)
    assert {line["verdict"]["judge"] for line in written_run.records} == {"kind:strict"}
    assert {line["verdict"]["score"] for line in written_run.records} == {2.0}
    assert written_run.manifest["judge"]["text"] == "kind:strict"
    assert written_run.manifest["judge"]["package"] == "third_party 1.0"


def test_another_version_of_a_judge_is_another_judge(
    third_party: Path, run: Run, project: Path
) -> None:
    """A comparison names it, and a gate over the judged texts says that the judges differ."""
    options = ("--data=photos", "--judge=kind:strict", "-m", "interpretation")
    assert run(*options, "--gates=none", "--run=old").ret == 0
    metadata = third_party / "third_party-1.0.dist-info" / "METADATA"
    text = metadata.read_text(encoding="utf-8")
    metadata.write_text(text.replace("Version: 1.0", "Version: 1.1"), encoding="utf-8")
    (project / "gates.toml").write_text(NO_WORSE, encoding="utf-8")
    result = run(*options, "--gates=gates.toml", "--baseline=reports/old")
    assert result.ret == GATES_INCONCLUSIVE
    written_run = read_run(project)
    assert written_run.manifest["judge"]["package"] == "third_party 1.1"
    assert any("judge.package" in text for text in written_run.manifest["reservations"])
    assert "The judge kind:strict differs" in written_run.rulings[0]["reason"]


@pytest.mark.usefixtures("third_party")
def test_a_detector_alone_has_nothing_to_be_asked_in_a_text_task(run: Run, project: Path) -> None:
    """Status 4, before anything is asked."""
    (project / "mine.toml").write_text(CARD, encoding="utf-8")
    result = run("--model=mine.toml", "--data=photos", "--tasks=interpretation")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*mine cannot be asked interpretation*lacks text*"])
