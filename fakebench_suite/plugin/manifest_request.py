"""What the user asked for, as the manifest says it: command line, filter, tasks, gates, commit."""

import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fakebench_suite.execution.plan import RunPlan
from fakebench_suite.plugin.options import SETTINGS
from fakebench_suite.runs.command_line import find_commit, redact
from fakebench_suite.runs.coverage import describe_population


def describe_request(config: pytest.Config, plan: RunPlan) -> dict[str, Any]:
    """The manifest's fields on the request, secrets redacted."""
    settings = config.stash[SETTINGS]
    arguments = [str(argument) for argument in config.invocation_params.args]
    return {
        "command": redact(shlex.join(["pytest", *arguments])),
        "commit": find_commit(),
        "filter": redact(describe_filter(config)),
        "gates": msgspec.to_builtins(settings.gates),
        **describe_population(plan.dataset.cases, plan.drawn),
    }


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
