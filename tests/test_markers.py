"""Which tests are unit tests: those that start no process, and need neither Chromium nor Ray."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import FOLDERS, IMPLIED, MARKERS, is_wanted

COMMAND = [sys.executable, "-c", ""]


def test_a_unit_test_that_starts_a_process_fails() -> None:
    """It names the program, and the marker."""
    with pytest.raises(pytest.fail.Exception, match=r"starts .*python.*: @pytest\.mark\.process"):
        subprocess.run(COMMAND, check=True)
    with pytest.raises(pytest.fail.Exception, match=r"starts .*python"):
        subprocess.run(COMMAND[0], check=True)


@pytest.mark.process
def test_a_marked_test_may_start_processes() -> None:
    """The marker is all it takes."""
    subprocess.run(COMMAND, check=True)


def test_fixtures_bring_their_markers(request: pytest.FixtureRequest) -> None:
    """No test of this session that uses Chromium, Ray or a run in a process lacks its marker."""
    for item in request.session.items:
        names = set(getattr(item, "fixturenames", ()))
        for fixture in names & IMPLIED.keys():
            assert item.get_closest_marker(IMPLIED[fixture]) is not None, item.nodeid


def test_places_that_bring_markers_are_there() -> None:
    """A folder or module that was renamed is not forgotten."""
    assert [folder for folder in FOLDERS if not (Path(__file__).parent / folder).exists()] == []


class Marked(pytest.Item):
    """A test with markers."""

    def runtest(self) -> None:
        """Nothing is tested."""


@pytest.mark.parametrize(
    ("marker", "expected"),
    [("process", []), ("slow", [""]), ("vllm", ["", "slow", "not slow", "not vllms"])],
)
def test_some_tests_have_to_be_asked_for(
    request: pytest.FixtureRequest, marker: str, expected: list[str]
) -> None:
    """Slow ones by any ``-m``, those of vLLM by one that names them; pytest itself evaluates it."""
    item = Marked.from_parent(request.session, name="marked")
    item.add_marker(marker)
    expressions = ["", "slow", "not slow", "not vllms", "vllm", "not (slow or vllm)"]
    assert [expression for expression in expressions if not is_wanted(item, expression)] == expected


def test_check_ignores_what_is_marked_as_a_whole() -> None:
    """It collects no module that imports torch, and leaves out none that has other tests."""
    lines = (Path(__file__).parents[1] / "Makefile").read_text(encoding="utf-8").splitlines()
    (ignored,) = [line for line in lines if line.startswith("CHECKPOINTS := ")]
    assert ignored.split()[2:] == [
        folder for folder, marker in FOLDERS.items() if marker == "checkpoint"
    ]


def test_every_marker_is_registered(pytestconfig: pytest.Config) -> None:
    """``--strict-markers`` refuses any other."""
    lines = pytestconfig.getini("markers")
    assert all(any(line.startswith(f"{name}: ") for line in lines) for name in MARKERS)
