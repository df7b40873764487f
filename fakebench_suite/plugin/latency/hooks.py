"""Whether and when latency is measured: its option, its marker, its place among the tests."""

import re
from collections.abc import Generator
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

from fakebench_suite.gates.rules import Latency
from fakebench_suite.plugin.collection import get_plan
from fakebench_suite.plugin.latency.fixtures import COLD, WARM, list_timings
from fakebench_suite.plugin.options import SETTINGS, count_workers, is_worker
from fakebench_suite.plugin.reporting import RECORDER

FILE = "test_latency.py"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--latency`` to the group ``fakebench``."""
    parser.getgroup("fakebench").addoption(
        "--latency",
        action="store_true",
        help=f"measure latency as well, before the cases are asked (cases/{FILE}; at -n 0)",
    )


def measures_latency(config: pytest.Config) -> bool:
    """Whether latency is asked for: by its option, its file, its marker or pytest-benchmark's."""
    option = config.option
    where = config.invocation_params.dir
    named = any(_is_latency(Path(where, argument.partition("::")[0])) for argument in config.args)
    only = getattr(option, "benchmark_only", False)
    return named or only or option.latency or _selects_latency(option.markexpr or "")


def _selects_latency(expression: str) -> bool:
    """Whether ``-m`` names the marker and would have tests that bear it."""
    if not re.search(r"\blatency\b", expression):
        return False
    try:
        return Expression.compile(expression).evaluate(_is_marker)
    except SyntaxError:  # pytest says so itself.
        return False


def _is_marker(name: str, /, **_: object) -> bool:
    return name == "latency"


def _is_latency(path: Path) -> bool:
    return path.parts[-2:] == ("cases", FILE)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; raises UsageError where latency is asked for and cannot be measured."""
    config.addinivalue_line("markers", "latency: how long answers take, by pytest-benchmark")
    config.addinivalue_line(
        "markers",
        "asks(capability): a latency test, skipped where the backend lacks the capability",
    )
    if not measures_latency(config):
        return
    if is_worker(config) or count_workers(config):
        raise pytest.UsageError(
            "Latency is measured with the machine to itself, and pytest-benchmark is off under "
            "xdist. Leave -n out, or give -n 0."
        )
    if config.option.engine == "ray":
        raise pytest.UsageError("Latency is measured in this process; leave --engine=ray out.")
    if config.option.answers is not None:
        raise pytest.UsageError("--answers asks no model, so there is no latency to measure.")
    if not config.pluginmanager.hasplugin("benchmark"):
        raise pytest.UsageError("Latency needs pytest-benchmark; leave '-p no:benchmark' out.")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the latency tests out of runs that did not ask for them."""
    return True if _is_latency(collection_path) and not measures_latency(config) else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Measure everything cold, then everything warm, named after the data it is measured on.

    The model is not in the name: a candidate is compared with the release before it.
    """
    if "state" in metafunc.fixturenames and "measure" in metafunc.fixturenames:
        name = get_plan(metafunc.config).dataset.name
        ids = [f"{name}-{state}" for state in (COLD, WARM)]
        metafunc.parametrize("state", [COLD, WARM], ids=ids, scope="module")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what the backend cannot be asked; the model is not loaded for it."""
    for item in items:
        marker = item.get_closest_marker("asks")
        if marker is None:
            continue
        plan, (capability,) = get_plan(config), marker.args
        if capability not in plan.capabilities:
            reason = (
                f"{plan.card.name} cannot be asked this: its backend, {plan.card.backend}, lacks "
                f"the capability {capability}"
            )
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """Print what was measured, before pytest-benchmark prints its tables."""
    timings = list_timings(config)
    if timings:
        from fakebench_suite.report.terminal import format_timings

        terminalreporter.section("latency")
        colour = config.get_terminal_writer().hasmarkup
        terminalreporter.write(format_timings(timings, colour=colour))
    if timings and not config.stash[RECORDER].selected and _has_gates(config):
        terminalreporter.line(
            "No gate was evaluated, for no case was asked: add --latency to a whole run."
        )
    return (yield)


def _has_gates(config: pytest.Config) -> bool:
    """Whether some gate rules on what is measured here."""
    gates = config.stash[SETTINGS].gates.rules
    return any(isinstance(gate, Latency) and gate.benchmark for gate in gates)
