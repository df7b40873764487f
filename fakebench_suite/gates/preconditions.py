"""What keeps gates from ruling and is known before the first case is asked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fakebench_suite.errors import UserError, describe_choices
from fakebench_suite.gates.config import Gates
from fakebench_suite.gates.rules import Gate, Latency, Regression, Threshold
from fakebench_suite.metrics.names import METRICS, Need
from fakebench_suite.tasks.subgroups import ALL, Population
from fakebench_suite.types import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a run sets out to do, as far as gates depend on it."""

    data: str
    """The data set's name."""
    population: Population
    """The cases of the data set."""
    drawn: Population
    """Those of the sample, or all."""
    sample: int | None
    selected: Mapping[Task, int]
    """Cases that will be asked."""
    baseline: bool
    """Whether there is a run to compare with."""
    timed: bool
    """Whether benchmarks are measured."""
    met: Collection[Need]
    """What scores need and this run has."""
    shard: bool
    """Whether this is a part, and gates rule over the whole later."""


def check_gates(gates: Gates, intent: Intent) -> None:
    """Raise UserError where a gate that is to rule lacks what it needs.

    Gates that the user did not name are let be where not all of their cases will be asked, or this
    data set has none.
    """
    for gate in gates.rules:
        lack = None
        if gates.named and isinstance(gate, Threshold):
            lack = _find_absence(gate, intent)
        rules = not intent.shard and (gates.named or is_to_rule(gate, intent))
        if lack is None and rules:
            lack = _find_lack(gate, intent)
        if lack is not None:
            raise UserError(f"The gate {gate.name!r} of {gates.file} {lack}")


def is_to_rule(gate: Gate, intent: Intent) -> bool:
    """Whether all cases of the gate's population will be asked."""
    subgroup = gate.subgroup if isinstance(gate, Threshold) else ALL
    task = None if isinstance(gate, Latency) and gate.benchmark else gate.task
    enough = gate.sample is not None and (intent.sample or 0) >= gate.sample
    for one in Task if task is None else [task]:
        cases, drawn = (side.get(one, {}).get(ALL, 0) for side in (intent.population, intent.drawn))
        if intent.population.get(one, {}).get(subgroup) and (
            intent.selected.get(one, 0) >= (drawn if enough else cases)
        ):
            return True
    return False


def _find_absence(gate: Threshold, intent: Intent) -> str | None:
    """What the data set lacks for a gate, and has instead."""
    known = intent.population.get(gate.task, {})
    if not known:
        tasks = ", ".join(intent.population)
        return f"is about {gate.task}, of which {intent.data} has no case; it has {tasks}."
    if gate.subgroup in known:
        return None
    key = gate.subgroup.partition("=")[0]
    alike = [name for name in known if name.partition("=")[0] == key] or list(known)
    return (
        f"is about subgroup = {gate.subgroup!r}, of which {intent.data} has no {gate.task} case; "
        f"{describe_choices(gate.subgroup, alike)}."
    )


def _find_lack(gate: Gate, intent: Intent) -> str | None:
    """What was not asked for on the command line and a gate needs."""
    if isinstance(gate, Threshold):
        need = METRICS[gate.metric].need
        if need is not None and need not in intent.met:
            return f"is about {gate.metric}, which needs {need}. Add it, or choose other gates."
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
