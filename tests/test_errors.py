"""The exceptions of the suite: their tree as drawn, and what each does to a command."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

import fakebench_suite
from fakebench_suite import errors
from fakebench_suite.cli.errors import end_in_sentence
from fakebench_suite.errors import SuiteError

_NAME = re.compile(r" *\w+")


def draw(kind: type[SuiteError], depth: int = 0) -> Iterator[str]:
    """An exception and those below it, a line each, in the order they are written."""
    yield f"{'    ' * depth}{kind.__name__}"
    for below in kind.__subclasses__():
        yield from draw(below, depth + 1)


@pytest.mark.checkpoint
def test_the_tree_is_drawn_as_it_is() -> None:
    """The docstring of the module shows every exception of the package, below its parent."""
    for module in pkgutil.walk_packages(fakebench_suite.__path__, "fakebench_suite."):
        # Ray reads its settings when it is imported, and vLLM has an environment of its own.
        if not module.name.endswith(("__main__", ".ray.client", ".vllm.model")):
            importlib.import_module(module.name)
    lines = (errors.__doc__ or "").splitlines()
    start = lines.index("SuiteError")
    matches = [_NAME.match(line) for line in lines[start : lines.index("", start)]]
    assert [match[0] for match in matches if match] == list(draw(SuiteError))


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.UserError, 2),
        (errors.CardError, 2),
        (errors.ImageError, 2),
        (errors.EngineError, 3),
        (errors.MachineError, 3),
        (errors.InternalError, 3),
    ],
)
def test_a_command_ends_with_the_status_of_who_can_mend_it(
    kind: type[SuiteError], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """2 where the user can; 3 where the machine, the engine or the suite is at fault."""
    with pytest.raises(SystemExit) as ended, end_in_sentence():
        raise kind("It broke.")
    assert ended.value.code == status
    assert capsys.readouterr().err == "It broke.\n"
