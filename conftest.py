"""Every run from this checkout is one of the suite's."""

pytest_plugins = ["fakebench_suite.plugin"]
