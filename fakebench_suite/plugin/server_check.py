"""A model's server is asked once before the first case, and every process is told what it takes."""

from dataclasses import replace
from typing import Any

import pytest

from fakebench_suite.backends.registry import find_backend, find_features
from fakebench_suite.errors import UserError
from fakebench_suite.plugin.collection import get_plan, set_plan, will_run_cases
from fakebench_suite.plugin.engines import RAY
from fakebench_suite.plugin.options import is_worker

_FEATURES = "fakebench_server_features"


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Send the test request, or be told its result; raises UsageError where it fails."""
    option = config.option
    if not will_run_cases(config):
        return
    if option.collectonly or option.setuponly or option.setupplan or option.answers is not None:
        return
    features = getattr(config, "workerinput", {}).get(_FEATURES)
    if not is_worker(config):
        plan = get_plan(config)
        if find_backend(plan.card).send_test_request is None:
            return
        if option.engine == RAY:
            raise pytest.UsageError(
                f"{plan.card.name} computes on its server; leave --engine=ray out, which spreads a "
                "checkpoint over a cluster."
            )
        try:
            features = find_features(plan.card, plan.load_options())
        except UserError as error:
            raise pytest.UsageError(str(error)) from None
    if features is not None:
        set_plan(config, replace(get_plan(config), features=features))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker what the server takes, so that it need not find out."""
    if will_run_cases(node.config) and (features := get_plan(node.config).features) is not None:
        node.workerinput[_FEATURES] = features
