"""The run directory: taken once, by the controller, before any model is loaded."""

from dataclasses import replace
from typing import Any

import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.plugin.options import RUN_NAME, SETTINGS
from fakebench_suite.runs.store import RunWriter, check_folder, open_new


def check_place(config: pytest.Config) -> None:
    """Raise UsageError where no run could be written; nothing is created."""
    settings = config.stash[SETTINGS]
    try:
        if settings.resume is not None:
            return
        check_folder(settings.folder, free=settings.named)
    except UserError as error:
        raise pytest.UsageError(str(error)) from None


def take_folder(config: pytest.Config) -> RunWriter:
    """A store in a directory that is this run's alone; raises UsageError where there is none.

    A name that the user gave must be free; any other gets a number where it is not.
    """
    settings = config.stash[SETTINGS]
    try:
        if settings.resume is not None:
            store = RunWriter(settings.folder)
            store.open_again()
        elif settings.named:
            store = RunWriter(settings.folder)
            store.open()
        else:
            store = open_new(settings.folder)
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[SETTINGS] = replace(settings, folder=store.folder)
    return store


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker what the run directory is called."""
    node.workerinput[RUN_NAME] = node.config.stash[SETTINGS].folder.name
