"""The only part that imports pytest: one module per feature.

``pytest -p fakebench_suite.plugin`` turns all of them on, and so does a ``conftest.py`` with
``pytest_plugins = ["fakebench_suite.plugin"]``. (PYTEST_DONT_REWRITE: there is no assert here, and
an entry point may have imported this package before.)
"""

import pytest

FEATURES = (
    "fakebench_suite.plugin.garbage_collection",
    "fakebench_suite.plugin.options",
    "fakebench_suite.plugin.direct_stderr",
    "fakebench_suite.plugin.interrupts",
    "fakebench_suite.plugin.timeouts",
    "fakebench_suite.plugin.collection",
    "fakebench_suite.plugin.node_ids",
    "fakebench_suite.plugin.selection_spelling",
    "fakebench_suite.plugin.collection_checks",
    "fakebench_suite.plugin.no_log_capture",
    "fakebench_suite.plugin.server_check",
    "fakebench_suite.plugin.engines",
    "fakebench_suite.plugin.fixtures",
    "fakebench_suite.plugin.latency.hooks",
    "fakebench_suite.plugin.latency.fixtures",
    "fakebench_suite.plugin.latency.comparison",
    "fakebench_suite.plugin.xdist.hooks",
    "fakebench_suite.plugin.xdist.inference_info",
    "fakebench_suite.plugin.run_directory",
    "fakebench_suite.plugin.reporting",
    "fakebench_suite.plugin.judging",
    "fakebench_suite.plugin.progress",
    "fakebench_suite.plugin.session",
    "fakebench_suite.plugin.absent_images",
    "fakebench_suite.plugin.junit",
)


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the features, whose options are added with them.

    For each name in ``pytest_plugins`` pytest would read the metadata of all installed packages.
    """
    try:
        for feature in FEATURES:
            pluginmanager.import_plugin(feature)
    except Exception as error:  # pytest has a private class for it, which names the plugin.
        from fakebench_suite.python_check import describe_missing_package, describe_old_python

        lack = describe_old_python() or describe_missing_package(error.__cause__)
        if lack is None:
            raise
        raise pytest.UsageError(lack) from None
