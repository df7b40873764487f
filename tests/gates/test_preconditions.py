"""What a gate lacks is known before the first case."""

from dataclasses import replace

import pytest

from fakebench_suite.backends.base import Capability
from fakebench_suite.errors import UserError
from fakebench_suite.gates.config import make_gate_config
from fakebench_suite.gates.preconditions import RunIntent, check_gates
from fakebench_suite.gates.rules import Errors, Gate, Latency, Regression, Threshold
from fakebench_suite.metrics.names import Need
from fakebench_suite.types import Task

POPULATION = {"detection": {"all": 20, "generator=glide": 5, "label=fake": 10}}
WHOLE = RunIntent(
    data="mine",
    population=POPULATION,
    drawn=POPULATION,
    sample=None,
    selected={Task.DETECTION: 20},
    baseline=False,
    timed=False,
    met=(),
    shard=False,
)
SLICE = Threshold(
    name="g", task=Task.DETECTION, metric="accuracy", subgroup="generator=glid", at_least=0.5
)
JUDGED = Threshold(name="g", task=Task.ANALYSIS, metric="judged_score", at_least=1.0)
RANKED = Threshold(name="g", task=Task.DETECTION, metric="roc_auc", at_least=0.5)
NO_WORSE = Regression(name="g", task=Task.DETECTION)
TIMED = Latency(name="g", benchmark="group", seconds=1.0)
SLOWER = Latency(name="g", at_most=1.2)


def check(gate: Gate, intent: RunIntent, *, named: bool) -> None:
    """Check one gate of a file."""
    check_gates(make_gate_config("g.toml", (gate,), named=named, absent=""), intent)


@pytest.mark.parametrize(
    ("gate", "named", "message"),
    [
        (SLICE, True, "nearest: generator=glide"),
        (JUDGED, True, "mine has no case; it has detection"),
        (RANKED, True, "needs --reading=likelihood"),
        (RANKED, False, "needs --reading=likelihood"),
        (NO_WORSE, True, "Add --baseline=RUN"),
        (NO_WORSE, False, "Add --baseline=RUN"),
        (SLOWER, False, "Add --baseline=RUN"),
        (TIMED, False, "Add --latency"),
    ],
)
def test_what_is_lacking_is_named(gate: Gate, named: bool, message: str) -> None:
    """In a run that asks every case."""
    with pytest.raises(UserError, match=message):
        check(gate, WHOLE, named=named)


@pytest.mark.parametrize("gate", [SLICE, JUDGED], ids=["slice", "task"])
def test_gates_by_default_are_let_be_where_the_data_have_none_of_their_cases(gate: Gate) -> None:
    """One file serves many data sets."""
    check(gate, WHOLE, named=False)


@pytest.mark.parametrize("gate", [RANKED, NO_WORSE, TIMED, SLOWER])
def test_gates_by_default_lack_nothing_where_they_will_not_rule(gate: Gate) -> None:
    """In an exploration; where the user named them they do."""
    partial = replace(WHOLE, selected={Task.DETECTION: 19})
    check(gate, partial, named=False)
    with pytest.raises(UserError):
        check(gate, partial, named=True)
    check(gate, replace(partial, shard=True), named=True)


def test_a_sample_that_a_gate_accepts_is_whole() -> None:
    """So a gate that accepts it needs its baseline."""
    gate = Regression(name="g", task=Task.DETECTION, sample=10)
    sample = {"detection": {"all": 10}}
    sampled = replace(WHOLE, drawn=sample, sample=10, selected={Task.DETECTION: 10})
    with pytest.raises(UserError, match="baseline"):
        check(gate, sampled, named=False)
    check(gate, replace(sampled, sample=9), named=False)


def test_nothing_lacks_where_all_is_there() -> None:
    """Baseline, benchmarks and likelihoods."""
    complete = replace(WHOLE, baseline=True, timed=True, met=list(Need))
    for gate in (RANKED, NO_WORSE, TIMED, SLOWER):
        check(gate, complete, named=True)


ABOUT_ANALYSIS = [
    JUDGED,
    Regression(name="g", task=Task.ANALYSIS, metric="judged_score"),
    Errors(name="g", task=Task.ANALYSIS),
    Latency(name="g", task=Task.ANALYSIS, at_most=1.2),
]


@pytest.mark.parametrize("gate", ABOUT_ANALYSIS, ids=lambda gate: type(gate).__name__)
def test_a_task_that_cannot_be_asked_is_refused_in_a_file_that_was_named(gate: Gate) -> None:
    """Whether the data have none of its cases or the backend lacks the capability for it."""
    with pytest.raises(UserError, match="mine has no case; it has detection"):
        check(gate, WHOLE, named=True)
    population = POPULATION | {"analysis": {"all": 4}}
    detector = replace(
        WHOLE, population=population, drawn=population, model="d", deselected={"analysis": "text"}
    )
    message = (
        "analysis, which d cannot be asked: its backend lacks the capability text.*detection, or"
    )
    with pytest.raises(UserError, match=message):
        check(gate, detector, named=True)
    check(gate, detector, named=False)
    sampled = replace(detector, drawn=POPULATION, sample=9)
    check(Regression(name="g", task=Task.ANALYSIS, sample=9), sampled, named=False)


@pytest.mark.parametrize("named", [True, False])
def test_a_benchmark_that_the_backend_cannot_be_asked_is_refused(named: bool) -> None:
    """With what it lacks; loading asks nothing."""
    detector = replace(WHOLE, timed=True, model="d", capabilities=[Capability.PROBABILITIES])
    with pytest.raises(UserError, match=r"'group', which d cannot be asked.*capability text"):
        check(TIMED, detector, named=named)
    loading = Latency(name="g", benchmark="load", state="cold", seconds=1.0)
    check(loading, detector, named=named)
