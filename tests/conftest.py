"""Settings of the suite's own tests."""

import os
import re
import signal
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings

from tests.plugin.forking import Server
from tests.wheel import Installation, install_wheel

# Tests share the cores among themselves: threads that wait for one another would take them away.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell ignores these for what it starts in the background, and so would all that tests start.
for name in ("SIGINT", "SIGHUP"):
    number = getattr(signal, name, None)
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)

# A loaded machine is no reason to fail: time limits belong to benchmarks.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


MARKERS = {
    "process": "starts processes, mostly of Python or pytest",
    "browser": "looks at a page in Chromium",
    "ray": "runs a Ray cluster",
    "checkpoint": "computes with a checkpoint, or with torch as a checkpoint does",
    "thorough": "simulates hundreds of runs, or looks at thousands of replies or rows",
    "slow": "takes minutes, or measures how long something takes; runs only with -m slow",
    "vllm": "asks vLLM of .venv-vllm (make test-vllm); runs only with -m vllm",
    "gpu": "needs a GPU that torch can use; skipped where there is none (benchmarks/gpu.sh)",
}
"""The kinds of tests that are no unit tests; ``make check`` leaves all of them out."""
IMPLIED = {
    "forks": "process", "run_apart": "process", "site": "process",
    "installation": "process", "core": "process",
    "window": "browser", "cluster": "ray",
}  # fmt: skip
"""The marker of every test that uses a fixture, itself or through another one."""
FOLDERS = {
    "backends/classifier/test_checkpoint.py": "checkpoint",
    "backends/transformers": "checkpoint",
    "backends/vllm": "checkpoint",
    "checkpoints/test_linear_layers.py": "checkpoint",
    "grading/judges/test_local.py": "checkpoint",
    "plugin/test_regressed_pocket.py": "checkpoint",
    "test_pocket.py": "checkpoint",
    "vllm": "vllm",
}
"""The marker of every test below a folder, or in a module."""

SYSTEM = {"cc", "gcc", "ld", "ldconfig", "objdump", "uname"}
"""Programs that libraries ask about the system when they are imported."""


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register pytester: for ``-p pytester`` pytest would read the metadata of all packages."""
    pluginmanager.import_plugin("pytester")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


def may_start_processes(item: pytest.Item) -> bool:
    """Whether a test has a marker that says so."""
    return any(
        item.get_closest_marker(name) for name in ("process", "browser", "ray", "slow", "vllm")
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give a test the markers that its fixtures and its place imply."""
    for fixture in IMPLIED.keys() & getattr(item, "fixturenames", ()):
        item.add_marker(IMPLIED[fixture])
    path = item.path.relative_to(Path(__file__).parent).as_posix()
    for folder, marker in FOLDERS.items():
        if path == folder or path.startswith(f"{folder}/"):
            item.add_marker(marker)


_start_process = subprocess.Popen.__init__


def _refuse_process(process: Any, args: Any, *arguments: Any, **options: Any) -> None:
    program = os.fspath(args if isinstance(args, str | bytes | os.PathLike) else args[0])
    if os.path.basename(os.fsdecode(program)) not in SYSTEM:  # noqa: PTH119 - a path of any kind
        pytest.fail(f"A unit test starts {program!r}. Mark it: @pytest.mark.process.")
    _start_process(process, args, *arguments, **options)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test without a marker that starts a process, itself or in a fixture.

    pytest loads this file for cases as well, where an option's value looks like a path.
    """
    if may_start_processes(item) or not item.path.is_relative_to(Path(__file__).parent):
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", _refuse_process)
        return (yield)


def is_wanted(item: pytest.Item, expression: str) -> bool:
    """Whether a test runs under ``-m``: not slow without any, and of vLLM only if it names that."""
    if item.get_closest_marker("vllm") is not None:
        return re.search(r"\bvllm\b", expression) is not None
    return bool(expression) or item.get_closest_marker("slow") is None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that nobody asked for by ``-m``."""
    selected = [item for item in items if is_wanted(item, config.option.markexpr)]
    if len(selected) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in set(selected)])
        items[:] = selected


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that all workers of this session have in common."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def forks(shared_folder: Path) -> Iterator[str]:
    """Where runs are asked for that need not import the suite: one place for all workers."""
    server = Server(shared_folder / "forks")
    yield server.address
    server.close()


@pytest.fixture(scope="session")
def site(shared_folder: Path) -> Path:
    """A directory of packages with the content of the wheel, made by the first that needs it."""
    folder = shared_folder / "wheel"
    with FileLock(f"{folder}.lock"):
        return folder / "site" if folder.exists() else install_wheel(folder)


@pytest.fixture(scope="session")
def installation(shared_folder: Path, site: Path) -> Iterator[Installation]:
    """The wheel's packages in processes that have imported them already."""
    server = Server(shared_folder / "installation", site)
    yield Installation(site, server.address)
    server.close()
