"""``gates.toml`` is checked on reading, and every mistake is one sentence."""

from pathlib import Path

import pytest

from fakebench_suite.deprecation import DeprecatedNameWarning
from fakebench_suite.errors import UserError
from fakebench_suite.gates.config import choose_gates, load_gates, read_gates
from fakebench_suite.gates.rules import Comparand, Errors, Latency, Regression, Threshold
from fakebench_suite.metrics.names import METRICS
from fakebench_suite.metrics.scores import score_records
from fakebench_suite.types import Outcome, Task
from tests.factories import make_record

ROOT = Path(__file__).parents[2]
FLOOR = '[[gate]]\nname = "a"\nkind = "threshold"\ntask = "detection"\nmetric = "accuracy"\n'
DROP = '[[gate]]\nname = "r"\nkind = "regression"\ntask = "detection"\n'
SPEED = '[[gate]]\nname = "l"\nkind = "latency"\n'
SUBGROUP = FLOOR + 'at_least = 0.5\nsubgroup = "{}"'


def write(folder: Path, text: str) -> Path:
    """A file of gates."""
    path = folder / "gates.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_gates_are_the_ones_promised() -> None:
    """Better than chance, no constant answer, 95 % parsed, no errors."""
    chance, constant, parsed, errors = read_gates(ROOT / "gates.toml")
    assert isinstance(chance, Threshold)
    assert (chance.metric, chance.at_least, chance.compare) == (
        "balanced_accuracy",
        0.5,
        Comparand.INTERVAL,
    )
    assert isinstance(constant, Threshold)
    assert (constant.metric, constant.at_least, constant.at_most) == ("fake_rate", 0.02, 0.98)
    assert isinstance(parsed, Threshold)
    assert (parsed.metric, parsed.at_least) == ("parsed_rate", 0.95)
    assert isinstance(errors, Errors)
    assert errors.at_most == 0


def test_all_kinds_are_read(tmp_path: Path) -> None:
    """Thresholds, regressions and latencies with their defaults."""
    text = FLOOR + (
        'at_least = 0.6\n[[gate]]\nname = "b"\nkind = "regression"\ntask = "detection"\n'
        '[[gate]]\nname = "c"\nkind = "latency"\nat_most = 1.2\n'
    )
    floor, regression, latency = read_gates(write(tmp_path, text))
    assert isinstance(floor, Threshold)
    assert floor.subgroup == "all"
    assert isinstance(regression, Regression)
    assert (regression.metric, regression.margin, regression.level) == ("accuracy", 0.02, 0.05)
    assert isinstance(latency, Latency)
    assert latency.task is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gate = 3", "malformed"),
        ("[[gate]", "malformed"),
        (FLOOR, "needs at_least or at_most"),
        (
            FLOOR.replace("accuracy", "accurracy") + "at_least = 1",
            "no metric 'accurracy'.*nearest: accuracy",
        ),
        (
            FLOOR + "at_least = 0.5\nat_leest = 0.4",
            "'at_leest'; allowed: kind, .*nearest: at_least",
        ),
        (FLOOR + "at_least = 50", "lies from 0 to 1; 50 % is 0.5"),
        (FLOOR + "at_most = -0.1", "lies from 0 to 1"),
        (FLOOR.replace("accuracy", "matthews_corrcoef") + "at_least = -2", "lies from -1 to 1"),
        (FLOOR.replace("accuracy", "judged_score") + "at_least = 1", "is no score of detection"),
        (
            FLOOR.replace("accuracy", "fake_rate")
            + 'at_least = 0.5\nsubgroup = "question_type=what"',
            "a subgroup",
        ),
        (SUBGROUP.format("generater=sd"), "none of detection; .*nearest: generator=NAME"),
        (SUBGROUP.format("generator"), "none of detection; allowed: all, label=NAME"),
        (SUBGROUP.format("generator="), "none of detection; allowed: all, label=NAME"),
        (SUBGROUP.format(""), "none of detection; allowed: all, label=NAME"),
        (SUBGROUP.format("label=Fake"), "allowed: label=fake, label=real; nearest: label=fake"),
        (SUBGROUP.format("question_type=is_fake"), "nearest: question_type=isfake"),
        (SUBGROUP.format("perturbation=flip"), "none of detection"),
        (
            SUBGROUP.format("label=fake").replace("detection", "reasoning"),
            "none of reasoning; allowed: all, generator=NAME",
        ),
        (
            SUBGROUP.format("perturbation=jpeg:070").replace("detection", "robustness"),
            "is written perturbation=jpeg:70",
        ),
        (
            SUBGROUP.format("perturbation=jpg:70").replace("detection", "robustness"),
            "no perturbation 'jpg'",
        ),
        (DROP + 'metric = "judged_score"', "judged_score is no score of detection, but of inter"),
        (FLOOR.replace("threshold", "treshold"), "allowed: threshold, .*nearest: threshold"),
        (FLOOR.replace('kind = "threshold"\n', "") + "at_least = 1", "has no kind; allowed: "),
        (FLOOR.replace('"threshold"', "[]") + "at_least = 1", "malformed"),
        ('[[gates]]\nname = "a"', "no field 'gates' beside the tables"),
        (FLOOR.replace("detection", "detektion") + "at_least = 0.5", "allowed: detection, int"),
        (FLOOR + "at_least = 0.5\nminimum = 0", "minimum"),
        (2 * (FLOOR + "at_least = 0.5\n"), "Two gates"),
        ('[[gate]]\nname = "r"\nkind = "regression"\ntask = "analysis"\nmetric = "x"', "tests"),
        ('[[gate]]\nname = "l"\nkind = "latency"', "at_most"),
        (SPEED + "at_most = 1.2\nseconds = 1", "needs one number: at_most .* or seconds"),
        (SPEED + 'seconds = inf\nbenchmark = "group"', "needs one number"),
        (SPEED + "at_most = nan", "at_most"),
        (SPEED + 'at_most = 1.2\nstate = "cold"', "state needs a benchmark"),
        (SPEED + 'at_most = 1.2\nbenchmark = "group"\nsample = 9', "leave sample out"),
        (SPEED + "seconds = 1", "needs a benchmark"),
        (SPEED + 'at_most = 1.2\ntask = "detection"\nbenchmark = "work unit"', "has no task"),
        (SPEED + 'at_most = 1.2\nbenchmark = "load"', "loading is always cold"),
        (SPEED + 'at_most = 1.2\nbenchmark = "lunch"', "lunch.*allowed: load, first token, prompt"),
        (SPEED + 'at_most = 1.2\nbenchmark = "load"\nstate = "ice"', "ice.*allowed: warm, cold"),
        ('[[gate]]\nname = "q"\nkind = "queue"', "queue.*allowed: threshold, regression, latency"),
        (FLOOR + "at_least = nan", "must be numbers"),
        (FLOOR + "at_least = 0.5\ntolerance = inf", "must be numbers"),
        (FLOOR + "at_least = 0.9\nat_most = 0.1", "no more than at_most"),
        (FLOOR.replace('"a"', '""') + "at_least = 0.5", "text of one line"),
        (FLOOR.replace('"a"', '"a\\nb"') + "at_least = 0.5", "text of one line"),
        (FLOOR + 'at_least = "a"', "'a'; it must be a number"),
        ('[[gate]]\nname = "e"\nkind = "errors"\nat_most = 50', "from 0 to 1, and 50 % is 0.5"),
        (DROP + "margin = 2", "from 0 to 1, and 2 % is 0.02"),
        (DROP + "level = 5.0", "above 0 and below 1, and 5 % is 0.05"),
        (DROP + "minimum = 1.5", "a whole number of 1 or more"),
        (DROP.replace("task", "# task"), "lacks task, one of detection, inter"),
        ("a = " + "[" * 5000, "malformed"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    """A misspelt field, metric or task is refused by name, not ignored."""
    with pytest.raises(UserError, match=message):
        read_gates(write(tmp_path, text))


@pytest.mark.parametrize("text", ["", "gate = []", "# nothing", "\ufeff"])
def test_a_file_may_hold_no_gate(tmp_path: Path, text: str) -> None:
    """Then nothing is ruled, and it is known why."""
    write(tmp_path, text)
    gates = load_gates(None, root=tmp_path, where=tmp_path)
    assert gates.rules == ()
    assert gates.absent == "gates.toml holds no gate"


def test_gates_that_would_not_count_are_named(tmp_path: Path) -> None:
    """Those where a run is called, if they are others than those of the root and nobody chose."""
    root, here = tmp_path / "root", tmp_path / "here"
    for folder in (root, here):
        folder.mkdir()
    (root / "gates.toml").write_text(FLOOR + "at_least = 0.5", encoding="utf-8")
    (here / "gates.toml").write_text(FLOOR + "at_least = 0.9", encoding="utf-8")
    with pytest.raises(UserError, match=r"would not decide .* --gates=gates\.toml for the"):
        load_gates(None, root=root, where=here)
    with pytest.raises(UserError, match=r"it is none, for .* is the root.* --gates=none"):
        load_gates(None, root=tmp_path / "bare", where=here)
    assert choose_gates(root=root, where=here) == "gates.toml"
    (gate,) = load_gates("gates.toml", root=root, where=here).rules
    assert isinstance(gate, Threshold)
    assert gate.at_least == 0.9
    (here / "gates.toml").write_text("# the same\n" + FLOOR + "at_least = 0.5", encoding="utf-8")
    assert len(load_gates(None, root=root, where=here).rules) == 1
    assert len(load_gates(None, root=root, where=root).rules) == 1
    assert choose_gates(root=root, where=here) is choose_gates(root=root, where=root) is None
    (here / "gates.toml").write_text("[quality]\ncoverage = 80\n", encoding="utf-8")
    with pytest.raises(UserError, match="would not decide"):  # another tool's
        load_gates(None, root=root, where=here)
    assert choose_gates(root=root, where=here) == str(root / "gates.toml")
    (tmp_path / "of mine").symlink_to(root)
    with pytest.raises(UserError, match=r"--gates='.*of mine.gates\.toml'\."):
        load_gates(None, root=tmp_path / "of mine", where=here)
    assert choose_gates(root=tmp_path / "bare", where=here) == "none"


def test_an_empty_name_is_not_the_default(tmp_path: Path) -> None:
    """A variable that is not set does not choose the gates of the root."""
    write(tmp_path, FLOOR + "at_least = 0.5")
    with pytest.raises(UserError, match="--gates is empty"):
        load_gates("", root=tmp_path, where=tmp_path)


def test_an_absent_or_binary_file_is_a_sentence(tmp_path: Path) -> None:
    """Neither ends in a traceback."""
    with pytest.raises(UserError, match="cannot be read"):
        read_gates(tmp_path / "none.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="malformed"):
        read_gates(tmp_path / "b.toml")


def test_every_score_can_be_gated() -> None:
    """No metric is scored whose name a gate would refuse."""
    records = [
        make_record(f"{task}{n}.png", Outcome.CORRECT, fake=n % 2 == 0, task=task, score=score)
        for task, score in ((Task.DETECTION, None), (Task.INTERPRETATION, 2.0))
        for n in range(4)
    ]
    assert {score.metric for score in score_records(records)} <= set(METRICS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('slice = "label=fake"', 'subgroup = "label=fake"'),
        ('subgroup = "form=what"', 'subgroup = "question_type=what"'),
        ('on = "value"', 'compare = "value"'),
        ("negligible = 0.1", "tolerance = 0.1"),
    ],
)
def test_a_deprecated_field_means_the_new_one(tmp_path: Path, old: str, new: str) -> None:
    """The gate is the same, and so is its digest; the warning names both words."""
    expected = read_gates(write(tmp_path, f"{FLOOR}at_least = 0.5\n{new}"))
    path = write(tmp_path, f"{FLOOR}at_least = 0.5\n{old}")
    with pytest.warns(DeprecatedNameWarning, match="The gate 'a' of gates.toml") as warnings:
        assert read_gates(path) == expected
    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [("stand_in_score", "similarity_score"), ("format_obeyed", "format_followed")],
)
def test_a_deprecated_metric_means_the_new_one(tmp_path: Path, old: str, new: str) -> None:
    """The gate is over the metric's new name."""
    text = FLOOR.replace("detection", "interpretation") + "at_least = 0.5"
    with pytest.warns(DeprecatedNameWarning, match=f"{old}.*{new}"):
        (gate,) = read_gates(write(tmp_path, text.replace("accuracy", old)))
    assert isinstance(gate, Threshold)
    assert gate.metric == new


def test_a_deprecated_benchmark_means_the_new_one(tmp_path: Path) -> None:
    """``slice`` means ``work unit``."""
    path = write(tmp_path, f'{SPEED}seconds = 1\nbenchmark = "slice"')
    with pytest.warns(DeprecatedNameWarning, match="work unit"):
        (gate,) = read_gates(path)
    assert isinstance(gate, Latency)
    assert gate.benchmark == "work unit"


def test_an_old_and_a_new_name_together_are_refused(tmp_path: Path) -> None:
    """A gate with both ``slice`` and ``subgroup`` is an error."""
    path = write(tmp_path, f'{FLOOR}at_least = 0.5\nslice = "all"\nsubgroup = "all"')
    with pytest.raises(UserError, match="has the field 'slice'"):
        read_gates(path)
