"""How the prompts were answered, on its way from the model's process to the manifest."""

from typing import Any

import msgspec
import pytest

from fakebench_suite.backends.base import InferenceInfo
from fakebench_suite.plugin.options import is_worker

_KEY = "fakebench_inference"
_INFOS = pytest.StashKey[list[InferenceInfo]]()
_NOTHING = InferenceInfo()


def report_inference(config: pytest.Config, info: InferenceInfo) -> None:
    """Keep what the model of this process tells; a worker's travels with its last message."""
    if is_worker(config):
        config.workeroutput[_KEY] = msgspec.to_builtins(info)  # type: ignore[attr-defined]  # xdist's
    else:
        _add(config, info)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker that is done told; one that crashed has told nothing."""
    sent = getattr(node, "workeroutput", {}).get(_KEY)
    if sent is not None:
        _add(node.config, msgspec.convert(sent, InferenceInfo))


def list_inference(config: pytest.Config) -> list[InferenceInfo]:
    """What the models of all processes told: one entry, unless their memories or units differ."""
    return config.stash.get(_INFOS, [])


def _add(config: pytest.Config, info: InferenceInfo) -> None:
    infos = config.stash.setdefault(_INFOS, [])
    if info not in infos and info != _NOTHING:
        infos.append(info)
