"""Ctrl-C and limits of time: nothing more is asked, and what is in flight is recorded."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakebench_suite.runs.store import RECORDS, SCORES
from tests.endpoint_server import GOOD, Endpoint, Reply, serve
from tests.helpers import read_run, use_model
from tests.plugin.sandbox import EVERY_MODE, MODES, Run
from tests.plugin.test_machine import list_processes

INTERRUPTED = pytest.ExitCode.INTERRUPTED
CARD = """
backend = "openai"
[endpoint]
url = "{url}"
model = "tiny"
concurrency = 8
"""
PRESSING = """
import os, signal, threading, time
from pathlib import Path
from fakebench_suite.execution import work_units

work_units.MIN_UNIT_PROMPTS = 8

def press():
    while not Path("press").exists():
        time.sleep(0.01)
    for _ in range({times}):
        os.kill(os.getpid(), signal.{signal})
        time.sleep(0.3)
    Path("pressed").touch()

if "PYTEST_XDIST_WORKER" not in os.environ:
    threading.Thread(target=press, daemon=True).start()
"""


class Server:
    """Answers the first 29 requests at once, and holds the others back until ``go_on`` is set."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.go_on = threading.Event()
        self.after_press = 0.2
        """Seconds from the interrupt until what is in flight is answered."""

    def behave(self, _body: dict[str, Any], number: int) -> Reply:
        """Have the run interrupted once requests are held back."""
        if number >= 29:
            (self.project / "press").touch()
            while not (self.project / "pressed").exists() and not self.go_on.is_set():
                time.sleep(0.01)
            time.sleep(self.after_press)
        return 200, "It is fake."


@pytest.fixture
def server(project: Path) -> Iterator[Server]:
    """How the endpoint behaves; what it holds back is let go at the end."""
    behaviour = Server(project)
    yield behaviour
    behaviour.go_on.set()


@pytest.fixture
def endpoint(server: Server) -> Iterator[Endpoint]:
    """A server behind the card ``mine.toml``."""
    with serve(Endpoint(behave=server.behave)) as started:
        card = CARD.format(url=started.url)
        (server.project / "mine.toml").write_text(card, encoding="utf-8")
        yield started


def press(project: Path, *, times: int = 1, name: str = "SIGINT") -> None:
    """Have the next run interrupted, so many times."""
    source = PRESSING.format(times=times, signal=name)
    (project / "pressing.py").write_text(source, encoding="utf-8")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_what_is_in_flight_is_recorded(
    run: Run, data: Path, project: Path, endpoint: Endpoint, mode: tuple[str, ...], name: str
) -> None:
    """No request after the first interrupt, no answer lost, scores of all; the rest by --resume."""
    press(project, name=name)
    model = ("--model=mine.toml", f"--data={data}", "--gates=none")
    result = run(*model, "-p", "pressing", *mode)
    assert result.ret == INTERRUPTED
    written = read_run(project)
    assert 24 <= len(written.records) < 48
    assert len(written.records) == len(endpoint.asked) - 1
    assert written.manifest["status"] == "interrupted"
    assert written.manifest["errors"] == 0
    for file in (SCORES, "index.html"):
        assert (project / "reports" / "run" / file).exists()
    output = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in output
    assert "A second interrupt ends the run at once." in output
    result.stdout.fnmatch_lines(["to ask the rest: --resume=*"])
    asked = len(endpoint.asked)
    assert run("--resume=reports/run", "-n0").ret == 0
    assert len(endpoint.asked) - 1 == asked + 48 - (asked - 1)
    assert run(*model, "--run=whole").ret == 0
    runs = project / "reports"
    assert (runs / "run" / SCORES).read_bytes() == (runs / "whole" / SCORES).read_bytes()


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_server_that_does_not_answer_is_not_waited_for_long(
    run: Run,
    data: Path,
    project: Path,
    server: Server,
    endpoint: Endpoint,
    mode: tuple[str, ...],
) -> None:
    """A few seconds where no person is at a terminal; all that it did answer is recorded."""
    press(project)
    server.after_press = 600.0  # Longer than any run of these tests may take.
    model = ("--model=mine.toml", f"--data={data}", "--gates=none")
    result = run(*model, "-p", "pressing", *mode)
    assert result.ret == INTERRUPTED
    assert len(read_run(project).records) == 28
    result.stdout.fnmatch_lines(["to ask the rest: --resume=*"])
    assert "KeyboardInterrupt" not in result.stdout.str()
    assert not list_processes(project)
    server.go_on.set()
    server.after_press = 0.0
    asked = len(endpoint.asked)
    assert run("--resume=reports/run", "-n0").ret == 0
    assert len(endpoint.asked) - asked == 1 + 48 - 28
    assert run(*model, "--run=whole", "-n0").ret == 0
    runs = project / "reports"
    assert (runs / "run" / SCORES).read_bytes() == (runs / "whole" / SCORES).read_bytes()


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_second_interrupt_does_not_wait(
    run: Run,
    data: Path,
    project: Path,
    server: Server,
    endpoint: Endpoint,
    mode: tuple[str, ...],
) -> None:
    """Out at once, with what was recorded, still to be resumed."""
    press(project, times=2)
    server.after_press = 60.0
    result = run("--model=mine.toml", f"--data={data}", "--gates=none", "-p", "pressing", *mode)
    assert result.ret == INTERRUPTED
    folder = project / "reports" / "run"
    recorded = len((folder / RECORDS).read_bytes().splitlines())
    assert 0 < recorded <= 28
    assert not (folder / SCORES).exists()
    assert "Interrupted twice" in result.stderr.str()
    assert not list_processes(project)
    server.go_on.set()
    server.after_press = 0.0
    asked = len(endpoint.asked)
    assert run("--resume=reports/run").ret == 0
    assert len(endpoint.asked) - asked == 1 + 48 - recorded
    assert len(read_run(project).records) == 48


def test_a_second_interrupt_before_the_first_record_leaves_nothing(
    run: Run, data: Path, project: Path, server: Server, endpoint: Endpoint
) -> None:
    """No directory that cannot be resumed, and no word of resuming it."""

    def behave(body: dict[str, Any], number: int) -> Reply:
        return server.behave(body, number + 28)  # It answers the test request only.

    endpoint.behave = behave
    press(project, times=2)
    server.after_press = 60.0
    result = run("--model=mine.toml", f"--data={data}", "--gates=none", "-p", "pressing", "-n2")
    assert result.ret == INTERRUPTED
    assert "Interrupted twice: nothing was recorded yet" in result.stderr.str()
    assert "--resume" not in result.stderr.str()
    assert not (project / "reports" / "run").exists()


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_an_outage_ends_the_run_without_errors(
    run: Run, data: Path, project: Path, endpoint: Endpoint, mode: tuple[str, ...]
) -> None:
    """What was answered is scored, nothing is an error of the model, and the reason is said."""
    source = PRESSING.partition("def press")[0] + (
        "from fakebench_suite.endpoints import outage, retries\n"
        "retries.LONGEST_WAIT_S = outage.PROBE_EVERY_S = 0.01\n"
        "outage.MAX_OUTAGE_S = 0.1\n"
    )
    (project / "cases" / "conftest.py").write_text(source, encoding="utf-8")
    endpoint.behave = lambda _body, number: (200, "It is fake.") if number < 29 else (503, "down")
    endpoint.is_down = lambda: len(endpoint.asked) > 28
    endpoint.headers = {}
    model = ("--model=mine.toml", f"--data={data}", "--gates=none")
    result = run(*model, *mode)
    assert result.ret == INTERRUPTED
    written = read_run(project)
    assert len(written.records) == 28
    assert written.manifest["errors"] == 0
    result.stdout.fnmatch_lines(["*The server has not replied for*down*"])
    endpoint.behave, endpoint.is_down = lambda _body, _number: (200, "It is fake."), lambda: False
    assert run("--resume=reports/run").ret == 0
    assert len(read_run(project).records) == 48


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_judge_is_asked_nothing_after_an_interrupt(
    run: Run, referenced: Path, project: Path, server: Server, mode: tuple[str, ...]
) -> None:
    """What was sent is rated, every answer is recorded, and --resume judges the rest."""

    def behave(body: dict[str, Any], number: int) -> Reply:
        server.behave(body, number + 20)  # It holds back the tenth request and those after it.
        return 200, GOOD

    press(project)
    server.after_press = 2.0  # By then a worker has heard of the interrupt on a busy machine too.
    with serve(Endpoint(behave=behave)) as judge:
        options = (f"--data={referenced}", f"--judge=openai:m@{judge.url}", "--judge-rounds=8")
        result = run(*options, "--gates=none", "-p", "pressing", *mode)
        assert result.ret == INTERRUPTED
        asked = len(judge.asked)
        server.after_press = 0.0
        assert asked <= 9 + 32
        written = read_run(project)
        rated = [record for record in written.records if "ratings" in record["verdict"]]
        failed = [r for r in written.records if r["verdict"]["outcome"] == "judge_error"]
        assert all(len(record["verdict"]["ratings"]) == 8 for record in rated)
        assert failed
        assert all(record["answer"]["text"] for record in failed)
        assert "given_up" not in written.manifest["judge"]
        assert run("--resume=reports/run", "-n0").ret == 0
        # Each round was sent once, but for those of the test request and the calibration.
        assert len(judge.asked) == 1 + 24 * 8 + 1 + 48 * 8
        assert run(*options, "--run=whole", "--gates=none").ret == 0
    runs = project / "reports"
    assert (runs / "run" / SCORES).read_bytes() == (runs / "whole" / SCORES).read_bytes()


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_judge_that_does_not_answer_is_not_waited_for_long(
    run: Run, referenced: Path, project: Path, server: Server, mode: tuple[str, ...]
) -> None:
    """And no answer of the model is lost for it."""

    def behave(body: dict[str, Any], number: int) -> Reply:
        server.behave(body, number + 20)
        return 200, GOOD

    press(project)
    server.after_press = 60.0
    with serve(Endpoint(behave=behave)) as judge:
        started = time.monotonic()
        options = (f"--data={referenced}", f"--judge=openai:m@{judge.url}", "--judge-rounds=12")
        result = run(*options, "--gates=none", "-p", "pressing", *mode)
        assert time.monotonic() - started < 50
    assert result.ret == INTERRUPTED
    records = read_run(project).records
    failed = [record for record in records if record["verdict"]["outcome"] == "judge_error"]
    assert failed
    assert all(record["answer"]["text"] for record in failed)
    assert (project / "reports" / "run" / SCORES).exists()
    assert not list_processes(project)


GAPPED = """
import pytest
from fakebench_suite.backends.base import NotAsked
from fakebench_suite.backends.scripted import ScriptedBackend

plain = ScriptedBackend.run

def run(self, requests):
    return [
        NotAsked("The server is away.") if "isfake" in request.prompt.case else reply
        for request, reply in zip(requests, plain(self, requests))
    ]

ScriptedBackend.run = run
"""


@pytest.mark.parametrize("mode", EVERY_MODE, ids=" ".join)
def test_answers_beside_prompts_that_were_not_asked_are_recorded(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Whatever files their tests lie in; the reason is said, and the status is 2."""
    conftest = project / "cases" / "conftest.py"
    conftest.write_text(GAPPED, encoding="utf-8")
    result = run(f"--data={data}", "--gates=none", *mode)
    assert result.ret == INTERRUPTED
    result.stdout.fnmatch_lines(["*Interrupted: The server is away.*"])
    result.assert_outcomes(skipped=result.parseoutcomes().get("skipped", 0))
    written = read_run(project)
    left_out = {"isfake" in record["case"]["id"] for record in written.records}
    assert left_out == {False}
    if mode != ("-n2",):  # A worker ends with the unit in which the server went away.
        assert len(written.records) == 48 - 6
    assert written.manifest["errors"] == 0
    conftest.unlink()
    assert run("--resume=reports/run").ret == 0
    assert len(read_run(project).records) == 48


def test_recording_is_not_cut_off_while_it_goes_on(
    run: Run, data: Path, project: Path, server: Server, endpoint: Endpoint
) -> None:
    """However long the tests take that record what has arrived."""
    del server
    press(project)
    slow = "import time\ndef pytest_runtest_teardown(item):\n    time.sleep(0.2)\n"
    (project / "cases" / "conftest.py").write_text(slow, encoding="utf-8")
    result = run("--model=mine.toml", f"--data={data}", "--gates=none", "-p", "pressing", "-n0")
    assert result.ret == INTERRUPTED
    assert len(read_run(project).records) == len(endpoint.asked) - 1


def test_the_limit_of_time_holds_within_a_work_unit(
    run: Run, data: Path, project: Path, server: Server, endpoint: Endpoint
) -> None:
    """Prompts that have not been sent by then are not sent."""
    server.go_on.set()
    server.after_press = 1.0
    result = run(
        "--model=mine.toml", f"--data={data}", "--gates=none", "--run=run", "--run-timeout=1.5",
        "-n0",
    )  # fmt: skip
    assert result.ret == INTERRUPTED
    asked = len(endpoint.asked) - 1
    assert 28 <= asked < 48
    assert len(read_run(project).records) == asked


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_run_has_a_limit_of_time(
    run: Run, data: Path, project: Path, server: Server, endpoint: Endpoint, mode: tuple[str, ...]
) -> None:
    """After it nothing is begun; what was begun is recorded, and --resume goes on."""
    server.go_on.set()
    server.after_press = 1.5
    (project / "cases" / "conftest.py").write_text(
        PRESSING.partition("def press")[0], encoding="utf-8"
    )
    model = ("--model=mine.toml", f"--data={data}", "--gates=none")
    result = run(*model, "--run=run", "--run-timeout=2s", *mode)
    assert result.ret == INTERRUPTED
    result.stdout.fnmatch_lines(["*--run-timeout=2 is over*"])
    recorded = len(read_run(project).records)
    assert 0 < recorded < 48
    assert recorded == len(endpoint.asked) - 1
    server.after_press = 0.0
    assert run("--resume=reports/run", "--run-timeout=10m").ret == 0
    assert len(read_run(project).records) == 48


def test_a_prompt_that_hangs_does_not_outlast_the_limit_of_time(
    run: Run, data: Path, project: Path, server: Server, endpoint: Endpoint
) -> None:
    """All others are recorded, and it is asked when the run goes on."""

    def behave(_body: dict[str, Any], number: int) -> Reply:
        if number == 10:
            server.go_on.wait(600)  # Longer than any run of these tests may take.
        return 200, "It is fake."

    endpoint.behave = behave
    impatient = "from fakebench_suite.execution import run_stop\nrun_stop.GIVE_UP_S = 5.0\n"
    (project / "cases" / "conftest.py").write_text(impatient, encoding="utf-8")
    model = ("--model=mine.toml", f"--data={data}", "--gates=none")
    result = run(*model, "--run=run", "--run-timeout=3", "-n0")
    assert result.ret == INTERRUPTED
    result.stdout.fnmatch_lines(["to ask the rest: --resume=*"])
    asked = len(endpoint.asked)
    assert len(read_run(project).records) == asked - 2 >= 10
    assert run("--resume=reports/run", "-n0").ret == 0
    assert len(endpoint.asked) == asked + 1 + 48 - (asked - 2)
    assert len(read_run(project).records) == 48


@pytest.mark.parametrize("mode", [*MODES, ("-n1",)], ids=" ".join)
def test_a_prompt_that_hangs_is_an_error_and_the_run_goes_on(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """The unit is given up after the time of all its prompts, then each is asked alone."""
    use_model(project, "HangingModel(case='glide-08.png:isfake')")
    options = ("-m", "detection", "--case-timeout=0.5", "--gates=none")
    result = run(f"--data={data}", *options, *mode)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    records = read_run(project).records
    assert len(records) == 16
    (failed,) = (r for r in records if not r["answer"])
    assert failed["case"]["id"] == "glide-08.png:isfake"
    assert failed["verdict"]["outcome"] == "model_error"
    assert failed["verdict"]["reason"] == "no answer within --case-timeout=0.5"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--case-timeout=0",), "'0' is not a number of seconds above 0"),
        (("--run-timeout=-5",), "'-5' is not a number of seconds above 0"),
        (("--run-timeout=nan",), "'nan' is not a number of seconds above 0"),
        (("--max-requests-per-minute=0",), "'0' is not a number, 1 or more"),
        (("--max-tokens-per-minute=9", "--model=coin"), "which coin is not"),
        (("--case-timeout=5", "--engine=ray"), "Give --unit-timeout"),
    ],
)
def test_limits_that_mean_nothing_are_refused(
    run: Run, data: Path, project: Path, options: tuple[str, ...], words: str
) -> None:
    """Before anything is asked."""
    result = run(f"--data={data}", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert words in result.stderr.str()
    assert not (project / "reports" / "run").exists()
