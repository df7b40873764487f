"""Loads the parts of the plugin; each is one module of ``fakebench_suite.plugin``."""

import pytest

PARTS = [
    "fakebench_suite.plugin.garbage",
    "fakebench_suite.plugin.options",
    "fakebench_suite.plugin.interrupts",
    "fakebench_suite.plugin.waiting",
    "fakebench_suite.plugin.collection",
    "fakebench_suite.plugin.selection",
    "fakebench_suite.plugin.engines",
    "fakebench_suite.plugin.execution",
    "fakebench_suite.plugin.latency",
    "fakebench_suite.plugin.timing",
    "fakebench_suite.plugin.comparing",
    "fakebench_suite.plugin.distribution",
    "fakebench_suite.plugin.routes",
    "fakebench_suite.plugin.folder",
    "fakebench_suite.plugin.recording",
    "fakebench_suite.plugin.judging",
    "fakebench_suite.plugin.misses",
    "fakebench_suite.plugin.progress",
    "fakebench_suite.plugin.ruling",
    "fakebench_suite.plugin.absent_images",
    "fakebench_suite.plugin.junit",
]


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Import the parts; for each name in ``pytest_plugins`` all installed packages are searched."""
    for part in PARTS:
        pluginmanager.import_plugin(part)
