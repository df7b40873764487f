"""The gate kind ``robustness``: paired bounds at one level, by their intervals."""

from dataclasses import replace

import msgspec
import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.gates.config import make_gate_config
from fakebench_suite.gates.config_errors import list_mistakes
from fakebench_suite.gates.evaluate import evaluate_gates
from fakebench_suite.gates.preconditions import RunIntent, check_gates, will_be_evaluated
from fakebench_suite.gates.rules import Gate, Robustness
from fakebench_suite.gates.run_view import RunView
from fakebench_suite.metrics.scores import score_records
from fakebench_suite.tasks.subgroups import count_cases
from fakebench_suite.types import GateOutcome, GateResult, Outcome
from tests.factories import make_manifest, make_perturbed

DROP = Robustness(name="re-upload", perturbation="jpeg:70", max_drop=0.1)
FLIPS = Robustness(name="stable", perturbation="jpeg:70", max_flip_rate_above_identity=0.1)
PASS, FAIL, INCONCLUSIVE = GateOutcome.PASS, GateOutcome.FAIL, GateOutcome.INCONCLUSIVE


def rule(gate: Robustness, *, falls: int, n: int = 100, noise: int = 0, errors: int = 0,
         strict: bool = True, lost: int = 0) -> GateResult:  # fmt: skip
    """The result over n images, of which the first ``falls`` are wrong at jpeg:70.

    The last ``noise`` flip as they are asked again, and the last ``errors`` end in an error as the
    original is asked; ``lost`` cases of identity were never asked.
    """
    records = []
    for number in range(n):
        image, last = f"{number}.png", n - 1 - number
        original = Outcome.MODEL_ERROR if last < errors else Outcome.CORRECT
        again = Outcome.INCORRECT if last < noise else Outcome.CORRECT
        after = Outcome.INCORRECT if number < falls else Outcome.CORRECT
        records.append(make_perturbed(image, "original", original))
        records.append(make_perturbed(image, "identity", again))
        records.append(make_perturbed(image, "jpeg:70", after))
    population = count_cases(record.case for record in records)
    if lost:
        records = [r for r in records if r.case.perturbation != "identity"][lost:] + [
            r for r in records if r.case.perturbation == "identity"
        ][lost:]
    manifest = make_manifest(population=population, partial=["filtered"] if lost else [])
    run = RunView(manifest=manifest, records=records, scores=score_records(records))
    (result,) = evaluate_gates([gate], run, strict=strict)
    return result


@pytest.mark.parametrize(
    ("gate", "falls", "outcome"),
    [
        (DROP, 0, PASS), (DROP, 1, PASS), (DROP, 8, INCONCLUSIVE), (DROP, 40, FAIL),
        (FLIPS, 0, PASS), (FLIPS, 8, INCONCLUSIVE), (FLIPS, 40, FAIL),
    ],
)  # fmt: skip
def test_the_interval_decides(gate: Robustness, falls: int, outcome: GateOutcome) -> None:
    """Wholly within passes, wholly beyond fails, and across the bound is inconclusive."""
    result = rule(gate, falls=falls)
    assert result.outcome is outcome, result.reason
    assert result.n == 100
    assert abs(result.value or 0) == falls / 100
    assert (result.needed is not None) is (outcome is INCONCLUSIVE)


def test_few_images_settle_nothing() -> None:
    """Not one flip of ten excludes no flip rate of 10 %."""
    assert rule(FLIPS, falls=0, n=10).outcome is INCONCLUSIVE


def test_flips_are_counted_above_those_of_identity() -> None:
    """40 flips fail, unless as many verdicts flip when the same is asked again."""
    assert rule(FLIPS, falls=40).outcome is FAIL
    result = rule(FLIPS, falls=40, noise=40)
    assert result.value == 0
    assert result.outcome is not FAIL


def test_both_bounds_together() -> None:
    """The worse one decides, and the reason has both."""
    both = Robustness(
        name="both", perturbation="jpeg:70", max_drop=0.9, max_flip_rate_above_identity=0.1
    )
    result = rule(both, falls=40)
    assert result.outcome is FAIL
    assert "accuracy_change is -0.400" in result.reason
    assert "flip_rate_above_identity is 0.400" in result.reason


def test_errors_of_the_original_settle_nothing() -> None:
    """What it was compared with is missing, although the level itself is whole."""
    result = rule(DROP, falls=0, errors=1)
    assert result.outcome is INCONCLUSIVE
    assert "1 case ended in an error" in result.reason


def test_cases_that_could_not_be_scored_settle_nothing() -> None:
    """They are in no figure, and the others alone would pass."""
    records = [
        make_perturbed(f"{number}.png", level, Outcome.UNSCORED if lacks else Outcome.CORRECT)
        for level in ("original", "identity", "jpeg:70")
        for number in range(100)
        for lacks in [level == "jpeg:70" and number < 30]
    ]
    manifest = make_manifest(population=count_cases(record.case for record in records), partial=[])
    run = RunView(manifest=manifest, records=records, scores=score_records(records))
    for result in evaluate_gates([DROP, FLIPS], run, strict=True):
        assert result.outcome is INCONCLUSIVE
        assert "30 cases could not be scored" in result.reason


def test_a_population_with_gaps_is_not_evaluated() -> None:
    """Inconclusive where the gate was named, as other gates are."""
    assert rule(DROP, falls=0, lost=5).outcome is INCONCLUSIVE
    assert rule(DROP, falls=0, lost=5, strict=False).outcome is GateOutcome.NOT_EVALUATED


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"perturbation": "jpg:70", "max_drop": 0.1}, "there is no perturbation 'jpg'"),
        ({"perturbation": "jpeg:70"}, "needs max_drop or max_flip_rate_above_identity"),
        ({"max_drop": 0.1}, "lacks perturbation"),
        ({"perturbation": "jpeg:70", "max_drop": 5}, "max_drop = 5; it must be a number from 0"),
        ({"perturbation": "jpeg:70", "max_drp": 0.1}, "has the field 'max_drp'"),
    ],
)
def test_mistakes_are_named(fields: dict[str, object], sentence: str) -> None:
    """Before anything is asked, with what is allowed."""
    gate = {"name": "g", "kind": "robustness", **fields}
    assert any(sentence in mistake for mistake in list_mistakes({"gate": [gate]}))
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(gate, Gate)


def test_a_level_that_is_not_asked_is_met_before_the_first_case() -> None:
    """Nothing is asked without the option, and a level between those of the ladder never."""
    cases = [make_perturbed("a.png", name).case for name in ("original", "identity", "jpeg:70")]
    with_option = RunIntent(
        data="own", population=count_cases(cases), drawn=count_cases(cases), sample=None,
        selected={"robustness": 3}, baseline=False, timed=False, met=set(), shard=False,
    )  # fmt: skip
    without = replace(with_option, population={}, drawn={}, selected={})

    def check(gate: Robustness, intent: RunIntent) -> None:
        check_gates(make_gate_config("g.toml", (gate,), named=True, absent=""), intent)

    check(DROP, with_option)
    assert will_be_evaluated(DROP, with_option)
    assert not will_be_evaluated(DROP, without)
    with pytest.raises(UserError, match=r"no case is asked\. Add --robustness"):
        check(DROP, without)
    between = Robustness(name="b", perturbation="jpeg:75", max_drop=0.1)
    with pytest.raises(UserError, match=r"no robustness case; .*nearest: perturbation=jpeg:70"):
        check(between, with_option)
