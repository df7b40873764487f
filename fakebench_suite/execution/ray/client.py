"""Ray, behind few verbs: start a replica, call it, store pixels, wait for results, end it.

The only module that imports Ray.
"""

import logging
import os
import secrets
import socket
import warnings
from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any

# Read when Ray is imported: nothing is reported to anybody, and what Ray prints here when a node
# dies, a page each, is left out. Pools count losses, and nodes have it in their logs.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")

import ray
from ray.exceptions import RayActorError, RayError

from fakebench_suite.errors import EngineError, UserError
from fakebench_suite.execution.ray.address import AUTO, probe
from fakebench_suite.execution.ray.placement import ReplicaResources
from fakebench_suite.execution.ray.worker import (
    Replica,
    ReplicaConfig,
    ReplicaDied,
    ResultLost,
    UnitRequest,
)

_OTHER_CALLS = 3
"""Calls that reach a replica beside its work units: ``stop``, ``give_up`` and ``unload``."""
_LENGTH = 200
"""Characters of Ray's words that are passed on."""
Result = Any
"""What a replica said, or Died, or Lost."""


class RayCluster:
    """A connection to a cluster, or to a Ray started on this machine for this run."""

    def __init__(self, address: str | None) -> None:
        """Connect to ``address`` ("host:port" or "auto"); start a Ray here where it is None.

        Raises UserError where the address is none that can be used, and EngineError where no Ray
        starts here.
        """
        if address is not None:
            probe(address)
        # Ray's dashboard is for who runs a cluster, and this one lives as long as the run.
        local: dict[str, Any] = {"include_dashboard": False} if address is None else {}
        if address is None:
            # Its own key; else Ray would leave one in the home directory, for clusters to come.
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex())
        try:
            with warnings.catch_warnings():
                # Shown, but no case's error: pytest may have been told to raise warnings.
                warnings.simplefilter("default")
                ray.init(
                    address=address or "local",
                    log_to_driver=False,  # what nodes print stays in their logs
                    logging_level=logging.ERROR,
                    **local,
                )
        except (OSError, RuntimeError, ValueError, RayError, SystemExit) as error:
            if address is None:
                raise EngineError(f"Ray does not start here: {_shorten(error)}.") from error
            if address == AUTO and isinstance(error, ConnectionError):
                raise UserError(
                    f"The address {AUTO} finds no Ray on this machine, or several. Start one with "
                    "'ray start --head', or give its HOST:PORT."
                ) from error
            raise UserError(
                f"The Ray at {address} cannot be used: {_shorten(error)}. Run pytest on one of its "
                "nodes, with the same Python and Ray as the others."
            ) from error
        here = ray.get_runtime_context().get_node_id()
        node = next(node for node in ray.nodes() if node["NodeID"] == here)
        self._node = (node["NodeManagerAddress"], node["NodeManagerPort"])
        """Where Ray listens on this machine."""

    def list_nodes(self) -> Sequence[Mapping[str, Any]]:
        """The nodes as Ray tells of them."""
        nodes: Sequence[Mapping[str, Any]] = ray.nodes()
        return nodes

    def start(self, place: ReplicaResources, units: int) -> Any:
        """A replica that takes so many work units at a time at most.

        Ray starts it as soon as some node has room.
        """
        # A replica of one unit at a time computes in its main thread.
        threads = {"max_concurrency": units + _OTHER_CALLS} if units > 1 else {}
        make = ray.remote(Replica).options(num_gpus=place.gpus, num_cpus=place.cores, **threads)
        return make.remote()

    def greet(self, replica: Any) -> Any:
        """A ticket for the name of the replica's node."""
        return replica.greet.remote()

    def load(self, replica: Any, order: ReplicaConfig, cores: int) -> Any:
        """A ticket for a ReplicaReady, or for why the model never will be ready."""
        return replica.load.remote(order, cores or None)

    def ask(self, replica: Any, question: UnitRequest, pixels: Any) -> Any:
        """A ticket for the response; a replica begins its questions one after another."""
        return replica.answer.remote(question, pixels)

    def stop(self, replica: Any, reason: str) -> None:
        """Let a replica that takes several work units at a time begin no further prompt."""
        replica.stop.remote(reason)

    def give_up(self, replica: Any) -> None:
        """Let a replica that was told to stop wait no longer for prompts in flight."""
        replica.give_up.remote()

    def unload(self, replica: Any) -> Any:
        """A ticket for the time when the processes of a replica's model have ended."""
        return replica.unload.remote()

    def store(self, value: Any) -> Any:
        """A ticket that replicas on any node get the value for; it stays on this node.

        Raises EngineError where this machine's Ray has ended.
        """
        self._check_node()
        return ray.put(value)

    def wait(self, tickets: Sequence[Any], seconds: float) -> Mapping[Any, Result]:
        """What is there of the tickets; at least one, or else the seconds have passed.

        Raises EngineError where this machine's Ray has ended.
        """
        self._check_node()
        done, _ = ray.wait(list(tickets), num_returns=1, timeout=seconds)
        self._check_node()
        return {ticket: _read(ticket) for ticket in done}

    def end(self, replica: Any) -> None:
        """End a replica, whatever it is doing."""
        ray.kill(replica)

    def close(self) -> None:
        """Let go of the cluster; a Ray that was started for this run ends."""
        ray.shutdown()

    def _check_node(self) -> None:
        """Raise EngineError where this machine's Ray has ended.

        Asked before Ray is, which ends a process that goes on with a dead node: at once where it
        stores something, else when the cluster has noticed the death.
        """
        try:
            socket.create_connection(self._node, timeout=1.0).close()
        except ConnectionRefusedError as error:
            raise EngineError(
                "The Ray on this machine has ended. Start it again with 'ray start', and repeat "
                "the run."
            ) from error
        except OSError:
            return  # It is slow, and not gone.


def _read(ticket: Any) -> Result:
    try:
        return ray.get(ticket)
    except RayActorError as error:
        return ReplicaDied(why=_shorten(error))
    except Exception as error:  # Ray raises what the other side raised as its own kind.
        return ResultLost(why=_shorten(error))


def _shorten(error: BaseException) -> str:
    """The end of a message, on one line and without its full stop.

    Ray puts what happened below a page of where.
    """
    lines = [line for line in str(error).splitlines() if line.strip()]
    return shorten(lines[-1], _LENGTH).rstrip(".") if lines else type(error).__name__
