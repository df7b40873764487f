"""How the prompts were answered, on its way from the model's process to the manifest."""

from typing import Any

import pytest

from fakebench_suite.plugin.options import is_worker

Route = dict[str, Any]
_KEY = "fakebench_route"
_ROUTES = pytest.StashKey[list[Route]]()


def report_route(config: pytest.Config, route: Route) -> None:
    """Keep the route of this process's model; a worker's travels with its last message."""
    if is_worker(config):
        config.workeroutput[_KEY] = route  # type: ignore[attr-defined]  # xdist puts it there
    else:
        _add(config, route)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the route of a worker that is done; one that crashed has told none."""
    route = getattr(node, "workeroutput", {}).get(_KEY)
    if route is not None:
        _add(node.config, route)


def list_routes(config: pytest.Config) -> list[Route]:
    """The distinct routes of all processes: one, unless their memories or slices differ."""
    return config.stash.get(_ROUTES, [])


def _add(config: pytest.Config, route: Route) -> None:
    routes = config.stash.setdefault(_ROUTES, [])
    if route not in routes:
        routes.append(route)
