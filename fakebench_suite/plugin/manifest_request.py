"""What the user asked for, as the manifest says it: command line, filter, gates, commit."""

import shlex
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec
import pytest

from fakebench_suite.execution.known_answers import name_process
from fakebench_suite.gates.config import describe_gates
from fakebench_suite.plugin.arguments import join_option_values
from fakebench_suite.plugin.options import SETTINGS
from fakebench_suite.plugin.run_suite import COMMAND
from fakebench_suite.runs.commit_and_command import find_commit, redact
from fakebench_suite.runs.manifest import Manifest


def add_request(manifest: Manifest, config: pytest.Config) -> Manifest:
    """The manifest with the fields on the request, secrets redacted."""
    arguments = [str(argument) for argument in config.invocation_params.args]
    return msgspec.structs.replace(
        manifest,
        command=redact(config.stash.get(COMMAND, shlex.join(["pytest", *arguments]))),
        arguments=[redact(argument) for argument in _resolve_runs(config, arguments)],
        process=name_process(),
        commit=_find_imported_commit(),
        filter=redact(describe_filter(config)),
        gates=describe_gates(config.stash[SETTINGS].gates),
    )


@cache
def _find_imported_commit() -> str | None:
    """The commit that this process has imported, whatever the checkout holds by now."""
    return find_commit()


def _resolve_runs(config: pytest.Config, arguments: Sequence[str]) -> Sequence[str]:
    """The arguments with the runs that they name by their places, which ``last`` will not keep."""
    settings = config.stash[SETTINGS]
    runs = {
        "--baseline": settings.baseline,
        "--reuse": settings.reuse,
        "--answers": settings.answers,
    }
    return [
        f"{option}={runs[option]}" if runs.get(option := word.partition("=")[0]) else word
        for word in join_option_values(arguments)
    ]


def describe_filter(config: pytest.Config) -> str:
    """The options and arguments that may have left cases out, as they were given."""
    option, words = config.option, []
    if config.args_source is pytest.Config.ArgsSource.ARGS:
        words += [argument for argument in config.args if not _is_directory(config, argument)]
    for name, value in (("-k", option.keyword), ("-m", option.markexpr)):
        if value:
            words += [name, value]
    if getattr(option, "lf", False):
        words.append("--lf")
    for name, values in (("--deselect", option.deselect), ("--ignore", option.ignore)):
        words += [f"{name}={value}" for value in values or ()]
    if getattr(option, "stepwise", False):
        words.append("--stepwise")
    if option.answers is not None:
        words.append(f"--answers={option.answers.name}")
    return shlex.join(words)


def _is_directory(config: pytest.Config, argument: str) -> bool:
    return Path(config.invocation_params.dir, argument).is_dir()
