"""The names that plugins of the shared cases use, for what is called otherwise today.

``pytest -p tests.old_names -p PLUGIN`` lets a plugin replace ``ScriptedAdapter.answer(self,
prompts, images)`` of ``fakebench_suite.adapters.scripted`` and ``answer_slice(model, work)`` of
``fakebench_suite.adapters.engine``.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from fakebench_suite.backends.base import Backend, Reply, Request
from fakebench_suite.backends.scripted import ScriptedBackend
from fakebench_suite.execution import engine
from fakebench_suite.execution.engine import WorkUnit
from fakebench_suite.types import Prompt

_run = ScriptedBackend.run


class ScriptedAdapter:
    """Holds the function that the scripted backend answers by."""

    @staticmethod
    def answer(
        backend: ScriptedBackend, prompts: Sequence[Prompt], images: Mapping[str, Any]
    ) -> Sequence[Reply]:
        """The replies to prompts."""
        return _run(backend, [Request(prompt=prompt, images=images) for prompt in prompts])


def run_adapter(backend: ScriptedBackend, requests: Sequence[Request]) -> Sequence[Reply]:
    """What takes the place of the scripted backend's ``run``."""
    return ScriptedAdapter.answer(backend, [request.prompt for request in requests], {})


def run_slice(
    backend: Backend, unit: WorkUnit, *, is_stopped: Callable[[], str | None] = lambda: None
) -> Mapping[str, Reply]:
    """What takes the place of the engine's ``answer_work_unit``; nothing is searched."""
    del is_stopped
    replies: Mapping[str, Reply] = engines.answer_slice(backend, unit)
    return replies


adapters: Any = ModuleType("fakebench_suite.adapters")
scripted: Any = ModuleType("fakebench_suite.adapters.scripted")
engines: Any = ModuleType("fakebench_suite.adapters.engine")
adapters.scripted, adapters.engine = scripted, engines
scripted.ScriptedAdapter = ScriptedAdapter
engines.answer_slice = engine.answer_work_unit
for module in (adapters, scripted, engines):
    sys.modules[module.__name__] = module
ScriptedBackend.run = run_adapter  # type: ignore[assignment, method-assign]
engine.answer_work_unit = run_slice
