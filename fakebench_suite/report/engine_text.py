"""Format the engine of a run."""

from fakebench_suite.runs.manifest import ManifestEngine
from fakebench_suite.text.display import count_of


def format_engine(engine: ManifestEngine | None) -> str:
    """The engine in a manifest as text, such as ``ray, 5 vLLM replicas on 2 nodes, 1 lost``."""
    if engine is None:
        return "local"
    if engine.mixed is not None:
        return f"{engine.name} ({'; '.join(map(format_engine, engine.mixed))})"
    if engine.replicas is None:
        return engine.name
    nodes = count_of(len(engine.nodes or ()), "node")
    noun = "vLLM replica" if engine.replica_engine == "vllm" else "replica"
    text = f"{engine.name}, {count_of(engine.replicas, noun)} on {nodes}"
    return f"{text}, {engine.lost} lost" if engine.lost else text
