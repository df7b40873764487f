"""Distribution: pytest-xdist keeps every slice on one worker."""

from typing import Any

import pytest

from fakebench_suite.plugin.slices import cut_slices


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Schedule by slice, unless another ``--dist`` was asked for."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class SliceScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
        """A slice is the scope: its cases run on one worker, in order, in one batch."""

        _slices: dict[str, int] | None = None

        def _split_scope(self, nodeid: str) -> str:
            if self._slices is None:
                self._slices = cut_slices(self.collection)
            return str(self._slices[nodeid])

        def remove_node(self, node: Any) -> str | None:
            """The item a worker died on is done; xdist would hand it to worker after worker."""
            for unit in self.assigned_work[node].values():
                for nodeid, completed in unit.items():
                    if not completed:
                        unit[nodeid] = True
                        super().remove_node(node)
                        return str(nodeid)
            super().remove_node(node)
            return None

    return SliceScheduling(config, log)
