"""Format the engine of a run."""

from collections.abc import Mapping
from typing import Any

from fakebench_suite.text.display import count_of


def format_engine(engine: Mapping[str, Any]) -> str:
    """The engine in a manifest as text, such as ``ray, 5 replicas on 2 nodes, 1 lost``."""
    name = str(engine.get("name", "local"))
    if name == "mixed":
        return f"mixed ({'; '.join(format_engine(part) for part in engine.get('mixed', ()))})"
    if "replicas" not in engine:
        return name
    replicas, nodes, lost = engine["replicas"], len(engine.get("nodes", ())), engine.get("lost", 0)
    text = f"{name}, {count_of(replicas, 'replica')} on {count_of(nodes, 'node')}"
    return f"{text}, {lost} lost" if lost else text
