"""Checks of gates before the first case is asked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from fakebench_suite.backends.base import Capability
from fakebench_suite.errors import UserError, describe_choices
from fakebench_suite.gates.config import GateConfig
from fakebench_suite.gates.rules import Gate, Latency, Regression, Robustness, Threshold
from fakebench_suite.metrics.names import METRICS, Need
from fakebench_suite.metrics.required_annotations import describe_unknown
from fakebench_suite.tasks.registry import get_task, list_tasks
from fakebench_suite.tasks.subgroups import ALL, Population
from fakebench_suite.types import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIntent:
    """The plan of a run, as far as gates depend on it."""

    data: str
    """Name of the data set."""
    population: Population
    """The cases of the data set."""
    drawn: Population
    """The cases of the sample, or all."""
    sample: int | None
    selected: Mapping[str, int]
    """Cases that will be asked."""
    baseline: bool
    """Whether ``--baseline`` was given."""
    timed: bool
    """Whether latency benchmarks are measured."""
    met: Collection[Need]
    """The needs of metrics that this run meets."""
    shard: bool
    """Whether this run is a shard; gates are evaluated when shards are merged."""
    model: str = "the model"
    """Name of the model."""
    deselected: Mapping[str, str] = field(default_factory=dict)
    """Tasks that the model cannot be asked, and the capability that its backend lacks."""
    capabilities: Collection[Capability] = frozenset(Capability)
    """What the backend can be asked."""
    cases: Sequence[Case] = ()
    """The cases of the data set, as far as they are known."""


BENCHMARK_CAPABILITIES: Mapping[str, Capability] = MappingProxyType(
    {
        "first token": Capability.FIRST_TOKEN,
        "prompt": Capability.TEXT,
        "group": Capability.TEXT,
        "work unit": Capability.TEXT,
    }
)
"""What the benchmarks of ``--latency`` ask; loading asks nothing."""


def check_gates(gates: GateConfig, intent: RunIntent) -> None:
    """Raise UserError if a gate that will be evaluated cannot be.

    Default gates are skipped if not all of their cases will be asked.
    """
    for gate in gates.rules:
        problem = _missing_cases(gate, intent) if gates.named else None
        evaluated = not intent.shard and (gates.named or will_be_evaluated(gate, intent))
        if problem is None and evaluated:
            problem = _missing_option(gate, intent)
        if problem is not None:
            raise UserError(f"The gate {gate.name!r} of {gates.file} {problem}")


def will_be_evaluated(gate: Gate, intent: RunIntent) -> bool:
    """True if all cases of the gate's population will be asked."""
    subgroup = gate.population if isinstance(gate, Threshold | Robustness) else ALL
    task = None if isinstance(gate, Latency) and gate.benchmark else gate.task
    enough = gate.sample is not None and (intent.sample or 0) >= gate.sample
    for name in list_tasks() if task is None else [task]:
        cases, drawn = (
            side.get(name, {}).get(ALL, 0) for side in (intent.population, intent.drawn)
        )
        needed = drawn if enough else cases
        if intent.population.get(name, {}).get(subgroup) and (
            intent.selected.get(name, 0) >= needed > 0
        ):
            return True
    return False


def _missing_cases(gate: Gate, intent: RunIntent) -> str | None:
    """Why no case of a gate can be asked, and what to do; None if some can."""
    if gate.task is None:
        return None
    subgroups = intent.population.get(gate.task, {})
    if not subgroups and get_task(gate.task).derived:
        return f"is about {gate.task}, of which no case is asked. Add --{gate.task}."
    if not subgroups:
        tasks = ", ".join(intent.population)
        return f"is about {gate.task}, of which {intent.data} has no case; it has {tasks}."
    if gate.task in intent.deselected:
        asked = ", ".join(task for task in intent.population if task not in intent.deselected)
        return (
            f"is about {gate.task}, which {intent.model} cannot be asked: its backend lacks the "
            f"capability {intent.deselected[gate.task]}. Give --gates=FILE with gates about "
            f"{asked}, or --gates=none."
        )
    if not isinstance(gate, Threshold | Robustness):
        return None
    return _missing_subgroup(gate, subgroups, intent) or _missing_knowledge(gate, intent)


def _missing_knowledge(gate: Threshold | Robustness, intent: RunIntent) -> str | None:
    """Why the data set does not know enough for a gate's metric; None if it does."""
    if not isinstance(gate, Threshold):
        return None
    cases = [case for case in intent.cases if case.task == gate.task]
    unknown = describe_unknown(gate.metric, cases) if cases else None
    if unknown is None:
        return None
    return (
        f"is about {gate.metric} of {gate.task}, which {intent.data} does not have: {unknown}. "
        "Choose other gates with --gates=FILE, or --gates=none."
    )


def _missing_subgroup(
    gate: Threshold | Robustness, subgroups: Mapping[str, int], intent: RunIntent
) -> str | None:
    """Why the data set has no case of a gate's subgroup, and what it has; None if it has some."""
    if gate.population in subgroups:
        return None
    key = gate.subgroup.partition("=")[0]
    nearby = [name for name in subgroups if name.partition("=")[0] == key] or list(subgroups)
    return (
        f"is about subgroup = {gate.subgroup!r}, of which {intent.data} has no {gate.task} case; "
        f"{describe_choices(gate.subgroup, nearby)}."
    )


def _missing_option(gate: Gate, intent: RunIntent) -> str | None:
    """The command-line option that a gate needs and that was not given; None if there is none."""
    if isinstance(gate, Threshold):
        need = METRICS[gate.metric].need
        if need is not None and need not in intent.met:
            return f"is about {gate.metric}, which needs {need}. Add it, or choose other gates."
    if isinstance(gate, Latency) and gate.benchmark:
        capability = BENCHMARK_CAPABILITIES.get(gate.benchmark)
        if capability is not None and capability not in intent.capabilities:
            return (
                f"is about the benchmark {gate.benchmark!r}, which {intent.model} cannot be asked: "
                f"its backend lacks the capability {capability}. Choose other gates with "
                "--gates=FILE, or --gates=none."
            )
    if isinstance(gate, Latency) and gate.benchmark and not intent.timed:
        return f"is about the benchmark {gate.benchmark!r}. Add --latency, or choose other gates."
    compares = isinstance(gate, Regression) or (
        isinstance(gate, Latency) and gate.at_most is not None
    )
    if compares and not intent.baseline:
        return (
            "compares with an earlier run. Add --baseline=RUN; for a first run there is "
            "--gates=none or another --gates=FILE."
        )
    return None
