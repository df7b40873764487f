"""Runs of pytest that start at once: each is forked from a process that has imported the suite.

A run is a process of its own, as users start it, with its arguments, directory, environment and
streams. Only the seconds that Python takes to import the suite are saved, in the run and in its
xdist workers. All forks share one hash seed, and none takes down what it has imported at its end.
Tests that need a fresh interpreter use the fixture ``run_apart``.

``python -m tests.plugin.forking FOLDER LISTENER ALIVE [SITE]`` is the process that is forked from.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import random
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import traceback
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from types import ModuleType
from typing import IO, Any
from unittest import mock

from filelock import FileLock

ROOT = Path(__file__).parents[2]
ADDRESS = "FAKEBENCH_TESTS_ADDRESS"
"""The variable with the place where runs and their workers are asked for."""
_PIECE = 1 << 16
_ERRORS = ["-W", "error"]
"""The option with which warnings are errors."""
_WARMING = ("--model=coin", "--sample=2", "-n0", "--gates=none", "--run=warm")
"""A run that imports, and remembers, what any run does."""
_WARMING_OF_WHEEL = (
    "-p", "fakebench_suite.plugin", "--pyargs", "fakebench_suite.cases", *_WARMING
)  # fmt: skip
"""The same by the wheel alone."""
_SLOW = (
    "torch", "transformers.models.auto.modeling_auto",
    "transformers.models.bert.modeling_bert", "sacrebleu.metrics.bleu", "rouge_score.rouge_scorer",
    "openai", "httpx2", "skimage.util", "fakebench_suite.cli.main",
    "fakebench_suite.backends.transformers.model", "fakebench_suite.datasets.validation",
    "fakebench_suite.endpoints.client", "fakebench_suite.grading.judges.endpoint",
)  # fmt: skip
"""What some runs import besides; its threads do not begin before it is used."""


class Server:
    """The process that runs are forked from: one for all that name the same ``address_file``.

    The first of them starts it. It ends, and its directory goes, once the last has closed it.
    With ``site``, a directory of packages, the suite is imported from there, and no large package.
    """

    def __init__(self, address_file: Path, site: Path | None = None) -> None:
        self._site = [] if site is None else [str(site)]
        self._process: subprocess.Popen[bytes] | None = None
        with FileLock(f"{address_file}.lock"):
            try:
                folder = Path(address_file.read_text(encoding="utf-8"))
                self._alive = os.open(folder / "alive", os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # Nobody was here before, or all have left.
                folder = Path(tempfile.mkdtemp())  # A socket's path is a short one.
                self._start(folder)
                address_file.write_text(str(folder), encoding="utf-8")
        self._folder = folder
        self.address = str(folder / "forks")

    def _start(self, folder: Path) -> None:
        os.mkfifo(folder / "alive")
        reader = os.open(folder / "alive", os.O_RDONLY | os.O_NONBLOCK)
        self._alive = os.open(folder / "alive", os.O_WRONLY)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(folder / "forks"))
            listener.listen()
            fds = (listener.fileno(), reader)
            module = [sys.executable, "-m", "tests.plugin.forking"]
            command = [*module, str(folder), *map(str, fds), *self._site]
            self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=fds)
        os.close(reader)

    def close(self) -> None:
        """Need it no more; runs that are under way go on."""
        os.close(self._alive)
        if self._process is not None:  # Whoever started it waits for the others.
            self._process.wait()
            shutil.rmtree(self._folder, ignore_errors=True)  # It may have been killed.


class Forked:
    """A run under way, with what its callers use of :class:`subprocess.Popen`.

    With ``new_session`` it is the first of a session and of a group of its own.
    """

    def __init__(
        self,
        command: Sequence[str],
        streams: Sequence[int | IO[Any]],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] = os.environ,
        new_session: bool = False,
    ) -> None:
        self.args = command
        self.stdin: Any = None
        self.stdout: Any = None
        self.returncode: int | None = None
        self._server = socket.socket(socket.AF_UNIX)
        self._server.connect(os.environ[ADDRESS])
        request = {
            "command": command,
            "directory": str(cwd or Path.cwd()),
            "environment": dict(env),
            "new_session": new_session,
        }
        fds = [stream if isinstance(stream, int) else stream.fileno() for stream in streams]
        socket.send_fds(self._server, [b"\0"], fds)
        self._server.sendall(json.dumps(request).encode())
        self._server.shutdown(socket.SHUT_WR)
        self._replies = self._server.makefile("r")
        self.pid = self._read()

    def _read(self) -> int:
        line = self._replies.readline()
        if not line:
            raise RuntimeError("The process that runs are forked from has ended.")
        return int(line)

    def wait(self, timeout: float | None = None) -> int:
        """The status it ends with; raises TimeoutExpired where it goes on for longer."""
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._server, selectors.EVENT_READ)
                if not selector.select(timeout):
                    raise subprocess.TimeoutExpired(list(self.args), timeout or 0.0)
            self.returncode = self._read()
            self._replies.close()
            self._server.close()
        return self.returncode

    def poll(self) -> int | None:
        """The status it ended with, None as long as it goes on."""
        try:
            return self.wait(0.0)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End it by force."""
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)


def complete(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: bytes, timeout: float
) -> subprocess.CompletedProcess[bytes]:
    """What ``subprocess.run`` does, by a fork: a whole run, with all that it was told and says."""
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        streams[0].write(stdin)
        for stream in streams:
            stream.seek(0)
        process = Forked(command, streams, cwd=cwd, env=env)
        try:
            status = process.wait(timeout)
        finally:
            process.kill()
            process.wait()
        for stream in streams[1:]:
            stream.seek(0)
        return subprocess.CompletedProcess(command, status, streams[1].read(), streams[2].read())


def is_forkable(command: Sequence[str]) -> bool:
    """Whether a command is one that a fork can run: a module or a line of code, without flags."""
    return command[0] == sys.executable and _read_command(command) is not None


def _read_command(command: Sequence[str]) -> tuple[str, str, list[str]] | None:
    """The option for what is run (``-m`` or ``-c``), what is run, and its arguments."""
    arguments = list(command[1:])
    while arguments and arguments[0] in ("-P", "-u"):  # Neither says anything to what is run.
        del arguments[0]
    if arguments[:2] == _ERRORS:
        del arguments[:2]
    if arguments and arguments[0][:2] in ("-m", "-c"):
        option, value = arguments[0][:2], arguments.pop(0)[2:]
        return option, value or arguments.pop(0), arguments
    return None


def _serve(listener: socket.socket, alive_fd: int, folder: str) -> socket.socket:
    """Fork for every request and say how it ended; returns the request, in the new process.

    The end comes with that of ``alive_fd``.
    """
    ended, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup)
    requests: dict[int, socket.socket] = {}
    with selectors.DefaultSelector() as selector:
        for source in (listener, alive_fd, ended):
            selector.register(source, selectors.EVENT_READ)
        while True:
            sources = [key.fileobj for key, _ in selector.select()]
            if alive_fd in sources:
                shutil.rmtree(folder, ignore_errors=True)
                os._exit(0)
            if ended in sources:
                os.read(ended, _PIECE)
                _tell_ends(requests)
            if listener in sources:
                request, _ = listener.accept()
                pid = os.fork()
                if not pid:
                    break
                request.sendall(f"{pid}\n".encode())
                requests[pid] = request
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for connection in (listener, *requests.values()):
        connection.close()
    for fd in (alive_fd, ended, wakeup):
        os.close(fd)
    return request


def _tell_ends(requests: dict[int, socket.socket]) -> None:
    """Answer the requests for processes that have ended by their status."""
    for pid, request in list(requests.items()):
        ended_pid, status = os.waitpid(pid, os.WNOHANG)
        if ended_pid:
            with contextlib.suppress(OSError):  # Nobody may ask any more.
                request.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
            requests.pop(pid).close()


def _take(request: socket.socket, path: Sequence[str]) -> tuple[str, str, list[str]]:
    """Become the process that a request asks for; returns what it is to run."""
    _, fds, _, _ = socket.recv_fds(request, 1, 3)
    text = b"".join(iter(lambda: request.recv(_PIECE), b""))
    request.close()
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
        os.close(fd)
    spec = json.loads(text)
    if spec["new_session"]:
        os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(spec["directory"])
    os.environ.clear()
    os.environ.update(spec["environment"])
    extra = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    first = [] if "-P" in spec["command"] else [str(Path.cwd())]
    sys.path[:] = [*first, *filter(None, extra), *path]
    # xdist's workers begin with what it was when xdist was imported.
    sys.modules["xdist.plugin"]._sys_path[:] = sys.path
    random.seed()
    if spec["command"][1:3] == _ERRORS:
        warnings.simplefilter("error")
    encoding = os.environ.get("PYTHONIOENCODING")
    if encoding:
        # New streams: what those of this process began with may be files, and these may be pipes.
        for number, (name, mode, errors) in enumerate(
            (
                ("stdin", "r", "strict"),
                ("stdout", "w", "strict"),
                ("stderr", "w", "backslashreplace"),
            )
        ):
            stream = os.fdopen(number, mode, encoding=encoding, errors=errors, closefd=False)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
    command = _read_command(spec["command"])
    assert command is not None
    return command


class _Plugins:
    """The modules that are plugins of a run."""

    def __init__(self) -> None:
        self.modules: list[ModuleType] = []

    def pytest_plugin_registered(self, plugin: object) -> None:
        """Note a module."""
        if isinstance(plugin, ModuleType):
            self.modules.append(plugin)


def _warm(arguments: Sequence[str], slow: Sequence[str]) -> None:
    """Import the suite as a run with these arguments does, and leave nothing but modules.

    A second run comes after large packages: they empty what Python remembers, such as patterns and
    who is of an abstract class.
    """
    plugins = _Plugins()
    _run_quietly(arguments, plugins)
    with _without_exit_functions():
        for name in slow:  # After pytest, which wants to see the plugins among them first.
            importlib.import_module(name)
        if slow:
            _load_encoder()
    if slow:
        _run_quietly(arguments)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if name == "conftest" or Path(file).parent.name == "cases":
            del sys.modules[name]
    _look_once(plugins.modules)


def _run_quietly(arguments: Sequence[str], *plugins: object) -> None:
    """A run in this process, of which nothing is seen."""
    import pytest

    with tempfile.TemporaryDirectory() as folder:
        streams = [os.dup(number) for number in (1, 2)]
        sink = os.open(os.devnull, os.O_WRONLY)
        for number in (1, 2):
            os.dup2(sink, number)
        words = [*arguments, "-p", "no:cacheprovider", f"--reports={folder}"]
        status = pytest.main(words, plugins=plugins)
        sys.stdout.flush()  # What is left in a buffer would be every run's.
        sys.stderr.flush()
        for number, stream in zip((1, 2), streams, strict=True):
            os.dup2(stream, number)
            os.close(stream)
        os.close(sink)
    assert status == pytest.ExitCode.OK, status


class _Names(set[str]):
    """Names of modules, of which pytest asks whether they are imported."""

    def intersection(self, *others: Any) -> set[str]:
        """Those that are in all others: a set would touch each of thousands of modules instead."""
        return {name for name in self if all(name in other for other in others)}


def _look_once(plugins: Sequence[ModuleType]) -> None:
    """Let pytest know which names of these modules are fixtures and hooks: it looks at all."""
    from _pytest import fixtures
    from _pytest.assertion import rewrite
    from pluggy import _manager

    found = {
        plugin: [
            name
            for name, value in vars(plugin).items()
            if isinstance(value, fixtures.FixtureFunctionDefinition)
        ]
        for plugin in plugins
    }
    hooks = {
        plugin: [name for name in vars(plugin) if name.startswith("pytest_")] for plugin in plugins
    }
    for module, names in ((fixtures, found), (_manager, hooks)):
        setattr(module, "dir", partial(_list_names, names))  # noqa: B010 - it has no such name
    setattr(rewrite, "set", _Names)  # noqa: B010


def _list_names(known: Mapping[ModuleType, Sequence[str]], thing: object) -> Sequence[str]:
    """The names to look at of a module that is known, and all of anything else."""
    return known[thing] if isinstance(thing, ModuleType) and thing in known else dir(thing)


def _load_encoder() -> None:
    """Load what compares texts, without the threads that else read the weights."""
    from fakebench_suite.grading import embeddings

    with mock.patch.dict(os.environ, HF_DEACTIVATE_ASYNC_LOAD="1"):
        embeddings.load_model()
    embeddings.digest_weights()


@contextlib.contextmanager
def _without_exit_functions() -> Iterator[None]:
    """Let nothing that is imported be called at the end of a run.

    Large packages take themselves down, and touch for that what a run else shares with the others.
    """
    finalize: Any = weakref.finalize
    assert finalize._registered_with_atexit, "the first of them registers all, and has done so"
    finalizers = set(finalize._registry)
    with mock.patch.object(atexit, "register", lambda function, *_, **__: function):
        yield
    for finalizer in set(finalize._registry) - finalizers:
        finalizer.atexit = False


def _describe_once() -> None:
    """Let pytest-benchmark ask git and the system once, and not in every run and worker."""
    from pytest_benchmark import plugin, session

    for module, name in ((plugin, "get_tag"), (session, "get_machine_id")):
        setattr(module, name, cache(getattr(module, name)))
        getattr(module, name)()


def _remember_packages() -> None:
    """Have the metadata of installed packages read once: pytest asks all of them for every ``-p``.

    Tests lay packages of their own into other directories, which are read each time.
    """
    installed = sysconfig.get_path("purelib")
    for name in ("metadata", "entry_points", "files"):
        setattr(PathDistribution, name, property(_cache_by_path(name, installed)))


def _cache_by_path(name: str, installed: str) -> Callable[[Any], Any]:
    """What a property of a package gives, remembered of those below ``installed``."""
    read = getattr(Distribution, name).fget
    known: dict[str, Any] = {}

    def get(package: Any) -> Any:
        place = str(package._path)
        if not place.startswith(installed):
            return read(package)
        if place not in known:
            known[place] = read(package)
        return known[place]

    return get


def _fork_workers() -> None:
    """Let execnet fork xdist's workers, too."""
    from execnet import gateway_io
    from execnet.gateway_base import ExecModel, Popen2IO

    class ForkedIO(gateway_io.Popen2IOMaster):
        """A worker's streams."""

        def __init__(self, args: Sequence[str], execmodel: ExecModel) -> None:
            if not is_forkable(args):
                super().__init__(args, execmodel)
                return
            (reader, stdin), (stdout, writer) = os.pipe(), os.pipe()
            self.popen: Any = Forked(args, (reader, writer, 2))
            os.close(reader)
            os.close(writer)
            Popen2IO.__init__(self, os.fdopen(stdin, "wb", 0), os.fdopen(stdout, "rb"), execmodel)

    gateway_io.Popen2IOMaster = ForkedIO  # type: ignore[misc]


def main() -> None:
    """Import everything once, and then be whatever is asked for."""
    folder, (listener, alive_fd) = sys.argv[1], map(int, sys.argv[2:4])
    site = sys.argv[4:]
    path = [*site, *sys.path[1:]]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # It ends when nobody needs it any more.
    _remember_packages()
    if site:
        sys.path[:0] = site
        with tempfile.TemporaryDirectory() as empty, contextlib.chdir(empty):
            _warm(_WARMING_OF_WHEEL, ())
    else:
        _warm(_WARMING, _SLOW)
    _describe_once()
    _fork_workers()
    gc.collect()
    gc.freeze()  # What is never looked at is never copied.
    request = _serve(socket.socket(fileno=listener), alive_fd, folder)
    status = 1
    try:
        status = _run(*_take(request, path))
    except BaseException:
        traceback.print_exc()
    finally:  # All that an interpreter does at its end but to take down what it has imported.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _run(option: str, code: str, arguments: Sequence[str]) -> int:
    """Run a module or a line of code as the program; returns its status."""
    sys.argv = [option, *arguments]
    try:
        if option == "-m":
            runpy.run_module(code, run_name="__main__", alter_sys=True)
        else:
            exec(code, vars(sys.modules["__main__"]))  # noqa: S102 - execnet's line of code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    main()
