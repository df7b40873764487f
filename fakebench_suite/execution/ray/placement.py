"""Where replicas may run: one per GPU or several, or one per so many cores, over all nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fakebench_suite.errors import UserError
from fakebench_suite.text.display import count_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaResources:
    """What one replica takes of a node."""

    gpus: int
    cores: int
    """Cores it computes on; 0 where a GPU computes."""

    def is_offered(self, nodes: Sequence[Mapping[str, Any]]) -> bool:
        """Whether some node has as much, be it in use or not."""
        return any(
            node["Resources"].get("GPU", 0) >= self.gpus
            and node["Resources"].get("CPU", 0) >= self.cores
            for node in nodes
            if node["Alive"]
        )


def list_replica_resources(
    nodes: Sequence[Mapping[str, Any]], cores: int | None, *, gpus: int = 1
) -> list[ReplicaResources]:
    """The places of a cluster, from what Ray tells of its nodes.

    One per ``gpus`` GPUs of a node where there are any. Else one per ``cores`` cores, or per node
    where that is None. Raises UserError where there is none.
    """
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    on_nodes = [int(node.get("GPU", 0)) for node in alive]
    if any(on_nodes):
        count = sum(have // gpus for have in on_nodes)
        if not count:
            raise UserError(
                f"No node of the cluster has {gpus} GPUs for a replica (they have "
                f"{', '.join(map(str, on_nodes))}). Lower --tensor-parallel-size, or add nodes."
            )
        return [ReplicaResources(gpus=gpus, cores=0)] * count
    if gpus > 1:
        raise UserError(
            f"--tensor-parallel-size={gpus} is about GPUs, of which the cluster has none. Leave it "
            "out, or add nodes."
        )
    whole = [int(node.get("CPU", 0)) for node in alive]
    places = [
        ReplicaResources(gpus=0, cores=cores or have)
        for have in whole
        for _ in range(have // cores if cores else min(1, have))
    ]
    if not places:
        raise UserError(
            f"No node of the cluster has {count_of(cores or 1, 'core')} for a replica (they have "
            f"{', '.join(map(str, whole))}). Lower --replica-cpus, or add nodes."
        )
    return places
