"""Slices: whole image groups, cut by the ids alone, answered once, kept on one worker."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.errors import ModelError
from fakebench_suite.execution.engine import make_encodable
from fakebench_suite.execution.work_units import (
    MAX_GPU_UNIT_PROMPTS,
    MIN_UNIT_PROMPTS,
    assign_work_units,
    choose_gpu_unit_size,
)
from fakebench_suite.plugin.collection import image_of
from fakebench_suite.text.display import escape_controls
from fakebench_suite.types import Answer, Usage
from tests.execution.test_prefetch import save_broken_exif
from tests.helpers import WrittenRun, read_run, use_model
from tests.plugin.sandbox import MODES, Run

UNITS = """
from fakebench_suite.execution import work_units
from fakebench_suite.plugin import engines
work_units.MIN_UNIT_PROMPTS, work_units._GPU_UNITS = 8, 2
engines.is_on_gpu = lambda card: {on_gpu}
"""


@given(st.lists(st.tuples(st.text("abc", min_size=1), st.integers(1, 80)), max_size=30))
def test_units_keep_image_groups_whole_and_large(groups: list[tuple[str, int]]) -> None:
    """A unit ends only where a group ends, and only once it is large enough."""
    images = [f"{name}{index}" for index, (name, size) in enumerate(groups) for _ in range(size)]
    numbers = assign_work_units(images)
    sizes = Counter(numbers)
    assert len(set(zip(images, numbers, strict=True))) == len(groups)
    assert list(sizes) == list(range(len(sizes)))
    assert all(size >= MIN_UNIT_PROMPTS for size in list(sizes.values())[:-1])
    assert all(size < MIN_UNIT_PROMPTS + 80 for size in sizes.values())


@pytest.mark.parametrize(
    ("cases", "size"), [(96, MIN_UNIT_PROMPTS), (1_524, 190), (53_971, MAX_GPU_UNIT_PROMPTS)]
)
def test_a_gpu_gets_units_that_fill_it(cases: int, size: int) -> None:
    """As many prompts as eight GPUs can share, and no more than a run may lose."""
    assert choose_gpu_unit_size(cases) == size


@pytest.mark.parametrize(("on_gpu", "smallest"), [(True, 24), (False, 8)])
def test_units_are_the_same_with_any_number_of_workers(
    run: Run, data: Path, project: Path, on_gpu: bool, smallest: int
) -> None:
    """On a GPU too, where they are larger: in 16 bits an answer depends on its batch."""
    use_model(project, "FakeModel()")
    (project / "device.py").write_text(UNITS.format(on_gpu=on_gpu), encoding="utf-8")
    units = []
    for mode in MODES:
        name = "-".join(["run", *mode]).replace("-n", "n")
        result = run(f"--data={data}", "-p", "device", "--gates=none", f"--run={name}", *mode)
        assert result.ret == 0
        records = WrittenRun(project / "reports" / name).records
        units.append({line["case"]["id"]: line["answer"]["batch_size"] for line in records})
    assert all(unit == units[0] for unit in units)
    assert len(units[0]) == 48
    assert smallest <= max(units[0].values()) < 2 * smallest


def test_the_group_is_the_image_in_the_node_id() -> None:
    """Whatever comes after the colon belongs to the question; other tests are their own group."""
    assert image_of("cases/t.py::t[a-b.png:Q1-edge]") == "a-b.png"
    assert image_of("cases/t.py::t[sub/a.png:x:y]") == "sub/a.png"
    assert image_of("tests/t.py::t[3]") == "tests/t.py::t[3]"
    assert image_of("tests/t.py::t") == "tests/t.py::t"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("half \ud800 a pair", "half \ufffd a pair"),
        ("a pair in halves \ud83d\ude00", "a pair in halves \U0001f600"),
        ("\U0001f600 line\u2028nul\x00\n", "\U0001f600 line\u2028nul\x00\n"),
    ],
)
def test_half_a_surrogate_does_not_bring_a_run_down(text: str, expected: str) -> None:
    """What no file could hold is replaced, in answers and in errors; all else is kept whole."""
    usage = Usage(model=text, provider=text, system_fingerprint=text)
    answer = make_encodable(
        Answer(text=text, tokens=1, seconds=0.0, batch_size=1, reasoning=text, usage=usage)
    )
    assert isinstance(answer, Answer)
    assert answer.usage is not None
    names = (answer.usage.model, answer.usage.provider, answer.usage.system_fingerprint)
    assert {answer.text, answer.reasoning, *names} == {expected}
    assert msgspec.json.decode(msgspec.json.encode(answer), type=Answer) == answer
    error = str(make_encodable(ModelError(text)))
    assert error == escape_controls(text)
    assert msgspec.json.decode(msgspec.json.encode(error)) == error


def test_a_slice_is_answered_in_one_call(run: Run, data: Path, project: Path) -> None:
    """All 48 cases of one slice share one batch, on one worker, although each is its own test."""
    assert run(f"--data={data}", "-n2").ret == 0
    records = read_run(project).records
    assert {line["answer"]["batch_size"] for line in records} == {48}
    assert len({str(line["worker"]) for line in records}) == 1


def test_a_crashed_worker_loses_only_what_it_was_doing(run: Run, data: Path, project: Path) -> None:
    """When a worker dies, finished records are on disk, the rest is run elsewhere, status is 1."""
    (project / "cases" / "test_crash.py").write_text(
        "import os, pytest\n"
        "@pytest.mark.skipif('PYTEST_XDIST_WORKER' not in os.environ, reason='worker only')\n"
        "def test_crash():\n    os._exit(3)\n",
        encoding="utf-8",
    )
    result = run(f"--data={data}", "-n2")
    assert result.ret == 1
    assert len(read_run(project).records) == 48
    assert len({line["case"]["id"] for line in read_run(project).records}) == 48


def test_a_killed_workers_cases_are_asked_again(run: Run, data: Path, project: Path) -> None:
    """A worker that dies once costs nothing: all cases are answered, and none twice."""
    use_model(project, "DyingModel(deaths=1)")
    assert run(f"--data={data}", "-n2").ret == 0
    records = read_run(project).records
    assert len({line["case"]["id"] for line in records}) == len(records) == 48
    assert all(line["answer"] for line in records)


def test_the_case_that_workers_die_on_is_an_error_on_record(
    run: Run, data: Path, project: Path
) -> None:
    """The second death is a model error with xdist's words, not a case that is missing.

    The line of progress, here after every report, may be the death's.
    """
    use_model(project, "DyingModel(deaths=2)")
    code = "import fakebench_suite.plugin.progress as progress\n\nprogress._SPEAK = 0.0\n"
    (project / "often.py").write_text(code, encoding="utf-8")
    result = run(f"--data={data}", "-m", "detection", "-n2", "-p", "often")
    assert result.ret == 1
    records = read_run(project).records
    (failed_line,) = [line for line in records if line["verdict"]["outcome"] == "model_error"]
    assert "crashed while running" in failed_line["verdict"]["reason"]
    assert failed_line["answer"] is None
    assert len({line["case"]["id"] for line in records}) == len(records) == 16
    result.stdout.fnmatch_lines(["*model_error_rate*0.062*", "*1 error*"])


def test_a_prompt_that_kills_workers_takes_no_other_along(
    run: Run, data: Path, project: Path
) -> None:
    """After a death the slice's cases are asked one by one, and the one at fault is an error."""
    use_model(project, "DyingModel(deaths=9, case='glide-08.png:isfake')")
    result = run(f"--data={data}", "-n2")
    assert result.ret == 1
    records = read_run(project).records
    assert len({line["case"]["id"] for line in records}) == len(records) == 48
    (failed_line,) = [line for line in records if not line["answer"]]
    assert failed_line["case"]["id"] == "glide-08.png:isfake"
    assert failed_line["verdict"]["outcome"] == "model_error"


@pytest.mark.parametrize("workers", ["-n1", "-n2"])
def test_a_run_that_lost_its_workers_is_no_success(
    run: Run, data: Path, project: Path, workers: str
) -> None:
    """Where none may be started anew, cases that nobody asked end the run with 1, and are told."""
    use_model(project, "DyingModel(deaths=9)")
    result = run(f"--data={data}", workers, "--max-worker-restart=0", "--gates=none")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["48 cases did not run*"])


def test_auto_is_one_worker_without_a_gpu(
    run: Run, data: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model takes all cores itself, so ``-n auto`` starts one worker and not one per core."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "2")  # xdist's own answer, were it asked
    assert run(f"--data={data}", "-n", "auto").ret == 0
    manifest = read_run(project).manifest
    assert manifest["workers"] == 1
    assert {line["worker"] for line in read_run(project).records} == {"gw0"}


OWN_FIXTURE = """
import pytest
from fakebench_suite.types import Answer, Usage

pytestmark = pytest.mark.detection

@pytest.fixture
def ask(request):
    return lambda case: Answer(text=request.node.name, tokens=1, seconds=0.0, batch_size=1)

def test_own(case, ask):
    assert ask(case).text == f"test_own[{case.id}]"
"""
PARAMETERS = """
import pytest

pytestmark = pytest.mark.detection

@pytest.fixture(scope="session", params=["alpha", "beta"])
def flavour(request):
    return request.param

@pytest.fixture(scope="session")
def helper(flavour):
    return flavour + "!"

@pytest.fixture(scope="session")
def told(request):
    return request.param

def test_helper(case, ask, helper, request):
    assert helper == request.node.callspec.params["flavour"] + "!"

@pytest.mark.parametrize("told", ["one", "two"], indirect=True)
def test_told(case, ask, told, request):
    assert told == request.node.callspec.params["told"]
"""
REQUEST = """
import pytest

pytestmark = pytest.mark.detection

def test_own(case, ask, request):
    assert request.node.callspec.params["case"] is case
"""


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
@pytest.mark.parametrize(("source", "passed"), [(OWN_FIXTURE, 16), (PARAMETERS, 64), (REQUEST, 16)])
def test_only_what_is_the_same_for_every_case_is_handed_out_again(
    run: Run, data: Path, project: Path, mode: tuple[str, ...], source: str, passed: int
) -> None:
    """Not what a module has of its own, what hangs on a parameter, nor the request of a test."""
    (project / "cases" / "test_own.py").write_text(source, encoding="utf-8")
    result = run(f"--data={data}", *mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"*{passed} passed*"])
    assert len(read_run(project).records) == 48


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_run_where_warnings_are_errors_has_no_image_errors(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Under ``-W error`` every picture with broken EXIF is asked about, and no warning is shown."""
    for path in (data / "fake_images").iterdir():
        save_broken_exif(path.with_suffix(".jpg"))
        path.with_suffix(".jpg").replace(path)
    result = run(f"--data={data}", "-W", "error", "--gates=none", *mode)
    assert result.ret == 0
    records = read_run(project).records
    assert len(records) == 48
    assert not [line for line in records if line["verdict"]["outcome"].endswith("error")]
    result.stdout.no_fnmatch_line("*Skipping tag*")


def test_a_run_that_stops_at_the_first_failure_ends(run: Run, data: Path) -> None:
    """``-x`` leaves no thread to wait for."""
    (data / "fake_images" / "glide-00.png").write_bytes(b"")
    result = run(f"--data={data}", "-x", "--gates=none", "--seed=3")
    assert result.ret in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)
