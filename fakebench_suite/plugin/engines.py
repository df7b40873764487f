"""Engines: where the model computes, in this process or as replicas on a Ray cluster.

With ``--engine=vllm`` it is in this process, too, and the backend ``vllm`` takes the place of the
card's; with ``--replica-engine=vllm`` it does so in each replica.
"""

import argparse
import os
from collections.abc import Collection, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import pytest

from fakebench_suite.backends.base import Capability, describe_inference
from fakebench_suite.backends.gpu_detection import is_on_gpu
from fakebench_suite.errors import EngineError, UserError, describe_choices
from fakebench_suite.execution.engine import Engine, LocalEngine
from fakebench_suite.execution.plan import RunPlan
from fakebench_suite.execution.ray.address import check_address, probe
from fakebench_suite.execution.work_units import choose_gpu_unit_size, choose_unit_size
from fakebench_suite.extras import Extra, require_extra
from fakebench_suite.plugin.collection import find_plan, get_plan, will_run_cases
from fakebench_suite.plugin.options import (
    count_processes,
    count_workers,
    is_worker,
    parse_positive,
    shows_information,
)
from fakebench_suite.plugin.xdist.inference_info import report_inference
from fakebench_suite.runs.manifest import ManifestEngine
from fakebench_suite.text.display import to_single_line

LOCAL, VLLM, RAY = "local", "vllm", "ray"
ENGINES = LOCAL, VLLM, RAY
REPLICA_ENGINES = LOCAL, VLLM
_NEEDED = ("run", "capabilities", "max_in_flight", "describe")
"""What every backend has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """Which engine the user asked for."""

    name: str
    address: str | None
    """Of a running cluster, HOST:PORT or auto; None for a Ray of this run's own on this machine."""
    cores: int | None
    """Cores per replica where there are no GPUs; None for one replica per node."""


ENGINE = pytest.StashKey[EngineConfig]()
_DESCRIBED = pytest.StashKey[ManifestEngine]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options about engines to the group ``fakebench``."""
    group = parser.getgroup("fakebench")
    group.addoption(
        "--engine",
        type=_parse_engine,
        metavar="|".join(ENGINES),
        default=LOCAL,
        help="local: the model is in the process that asks; vllm: it is, too, and vLLM computes;"
        " ray: there is one per GPU, or per so many cores, of a Ray cluster (default: %(default)s)",
    )
    group.addoption(
        "--tensor-parallel-size",
        type=parse_positive,
        metavar="N",
        help="GPUs over which vLLM spreads one copy of a model; with --engine=ray those of one node"
        " (default: 1)",
    )
    group.addoption(
        "--data-parallel-size",
        type=parse_positive,
        metavar="N",
        help="copies of a model in one engine of --engine=vllm (default: 1; -n auto has an engine"
        " for each instead)",
    )
    group.addoption(
        "--deterministic",
        action="store_true",
        help="let no reply of vLLM depend on what else is in its batch, by vLLM's batch-invariant"
        " kernels, which need an NVIDIA GPU (VLLM_BATCH_INVARIANT=1)",
    )
    group.addoption(
        "--ray-address",
        metavar="HOST:PORT",
        help="the cluster of --engine=ray, or auto for the one that this machine is in (default:"
        " RAY_ADDRESS; where that is not set, a Ray is started here for the run)",
    )
    group.addoption(
        "--replica-engine",
        type=_parse_replica_engine,
        metavar="|".join(REPLICA_ENGINES),
        default=LOCAL,
        help="what computes in each replica of --engine=ray, as with the --engine of that name"
        " (default: %(default)s)",
    )
    group.addoption(
        "--replica-cpus",
        type=parse_positive,
        metavar="N",
        help="cores of one replica, in a cluster without GPUs (default: all of a node)",
    )


def _parse_engine(text: str) -> str:
    return _parse_choice(text, ENGINES)


def _parse_replica_engine(text: str) -> str:
    return _parse_choice(text, REPLICA_ENGINES)


def _parse_choice(text: str, choices: Collection[str]) -> str:
    if text not in choices:
        raise argparse.ArgumentTypeError(f"there is no {text!r}; {describe_choices(text, choices)}")
    return text


def pytest_configure(config: pytest.Config) -> None:
    """Read the options; raises UsageError where they do not go together."""
    option = config.option
    ray_options = option.ray_address, option.replica_engine, option.replica_cpus
    if option.engine != RAY and ray_options != (None, LOCAL, None):
        raise pytest.UsageError(
            "--ray-address, --replica-engine and --replica-cpus are about --engine=ray; add that, "
            "or leave them out."
        )
    if option.engine == RAY and (is_worker(config) or getattr(option, "tx", None)):
        raise pytest.UsageError(
            "--engine=ray spreads the work units by itself; leave -n out, or give -n 0."
        )
    if option.engine != LOCAL and option.answers is not None:
        raise pytest.UsageError(f"--answers asks no model; leave --engine={option.engine} out.")
    _check_vllm_options(option)
    address = option.ray_address or os.environ.get("RAY_ADDRESS") or None
    try:
        if not shows_information(config):
            _check_vllm_installed(option)
        if option.engine == RAY:
            require_extra(Extra.RAY, "--engine=ray")
            if address:
                _check_address(config, address)
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[ENGINE] = EngineConfig(
        name=option.engine, address=address, cores=option.replica_cpus
    )


def _check_vllm_options(option: argparse.Namespace) -> None:
    """Raise UsageError where options are about a vLLM that nobody asked for."""
    sizes = option.tensor_parallel_size, option.data_parallel_size
    if option.engine == RAY and option.data_parallel_size is not None:
        raise pytest.UsageError(
            "--data-parallel-size is about one engine in this process, and --engine=ray has a "
            "replica for each copy of the model. Leave it out."
        )
    asked = VLLM in (option.engine, option.replica_engine)
    if not asked and (sizes != (None, None) or option.deterministic):
        raise pytest.UsageError(
            "--tensor-parallel-size, --data-parallel-size and --deterministic are about "
            "--engine=vllm; add that, or leave them out. With --engine=ray, add "
            "--replica-engine=vllm."
        )


def _check_vllm_installed(option: argparse.Namespace) -> None:
    """Raise UserError where vLLM is asked for and not installed here."""
    for name in ("engine", "replica_engine"):
        if getattr(option, name) == VLLM:
            require_extra(Extra.VLLM, f"--{name.replace('_', '-')}=vllm")


def _check_address(config: pytest.Config, address: str) -> None:
    """Raise UserError where no Ray can be, or where cases will run and none answers."""
    option = config.option
    check_address(address)
    if will_run_cases(config) and not option.collectonly:
        probe(address)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Name vLLM, or the cluster, where there is one."""
    choice = config.stash[ENGINE]
    if choice.name == VLLM:
        return ["engine: vLLM"]
    if choice.name == RAY:
        replicas = ", vLLM in each replica" if has_vllm_replicas(config) else ""
        return [f"engine: Ray {choice.address or 'of this run'}{replicas}"]
    return []


def has_vllm_replicas(config: pytest.Config) -> bool:
    """Whether each replica of ``--engine=ray`` is an engine of vLLM, by an option or by the card.

    The card is known once the plan of the run is made.
    """
    if config.option.engine != RAY:
        return False
    plan = find_plan(config)
    return config.option.replica_engine == VLLM or (plan is not None and plan.card.backend == VLLM)


def find_unit_size(config: pytest.Config, cases: int) -> int | None:
    """Least prompts of a work unit for a GPU, as workers and their controller find it; else None.

    Without workers further units of vLLM are begun while one is answered, and none has to be large.
    """
    name = config.stash[ENGINE].name
    if name == LOCAL and is_on_gpu(get_plan(config).card):
        return choose_gpu_unit_size(cases)
    workers = count_processes() if is_worker(config) else count_workers(config)
    if name != VLLM or not workers:
        return None
    return choose_unit_size(cases, workers)


def describe_engine(config: pytest.Config) -> ManifestEngine:
    """The engine as the manifest records it; of a cluster, its replicas by node."""
    return config.stash.get(_DESCRIBED, ManifestEngine(name=config.stash[ENGINE].name))


@contextmanager
def abort_on_user_error(session: pytest.Session) -> Generator[None, None, None]:
    """End the run in one sentence where no case can be asked, here and in the other workers."""
    try:
        yield
    except (EngineError, UserError) as error:
        abort_run(session, error)


def abort_run(session: pytest.Session, error: Exception) -> NoReturn:
    """Ask no further case, here and in the other workers, and fail this test in one sentence."""
    session.shouldstop = str(error)
    raise pytest.fail.Exception(str(error), pytrace=False) from None


def check_backend(model: object, plan: RunPlan) -> None:
    """Raise UserError where what the fixture ``model`` gives cannot be asked the plan's cases."""
    missing = [name for name in _NEEDED if not hasattr(model, name)]
    if missing:
        raise UserError(
            f"The fixture 'model' gives a {type(model).__name__}, which has no "
            f"{', no '.join(missing)}. Let its class inherit from "
            "fakebench_suite.backends.base.Backend, and write run(requests)."
        )
    offered: Collection[Capability] = getattr(model, "capabilities", ())
    needs = {need for case in plan.cases for need in plan.list_needs(case)}
    lacking = needs.difference(offered)
    if lacking:
        raise UserError(
            f"The fixture 'model' gives a {type(model).__name__}, which lacks "
            f"{', '.join(sorted(lacking))}. State it among its capabilities, or leave out what "
            "needs it."
        )


def get_model(request: pytest.FixtureRequest) -> Any:
    """What the fixture ``model`` gives; where it fails, the run ends, as no case can be asked."""
    try:
        return request.getfixturevalue("model")
    except (Exception, pytest.fail.Exception) as error:
        sentence = to_single_line(f"The fixture 'model' failed: {type(error).__name__}: {error}")
        request.session.shouldstop = request.session.shouldstop or sentence
        raise


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Generator[Engine, None, None]:
    """What answers work units, begun when the first case asks."""
    config = request.config
    choice = config.stash[ENGINE]
    if choice.name != RAY:
        model = get_model(request)
        with abort_on_user_error(request.session):
            check_backend(model, get_plan(config))
        yield LocalEngine(model)
        report_inference(config, describe_inference(model))
        return
    from fakebench_suite.execution.ray.client import RayCluster
    from fakebench_suite.execution.ray.pool import ReplicaPool
    from fakebench_suite.execution.ray.worker import make_replica_config

    plan = get_plan(config)
    with abort_on_user_error(request.session):
        replica = make_replica_config(plan.card, plan.load_options())
        cluster = RayCluster(choice.address)
    with closing(cluster):
        with abort_on_user_error(request.session):
            pool = ReplicaPool(cluster, replica, choice.cores, limit=config.option.unit_timeout)
        yield pool
        pool.close()
    config.stash[_DESCRIBED] = pool.describe()
    for info in pool.inference:
        report_inference(config, info)
