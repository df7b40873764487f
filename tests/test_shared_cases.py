"""The small inputs that once failed, one folder each, run as their READMEs say, with what is right.

They are not part of the repository: ``FAKEBENCH_CASES`` says where they lie, ``FAKEBENCH_SAMPLES``
where the real images are that some of them need.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from fakebench_suite.grading.judges.registry import open_judge, parse_judge
from fakebench_suite.grading.judges.rubric import RatingRequest
from tests.endpoint_server import Endpoint, serve
from tests.plugin.forking import ADDRESS, complete, is_forkable

ROOT = Path(__file__).parents[1]
CASES = Path(os.environ.get("FAKEBENCH_CASES", ROOT / "absent"))
SAMPLES = Path(os.environ.get("FAKEBENCH_SAMPLES", ROOT / "absent"))
CIFAKE = SAMPLES / "cifake"
_SECONDS = 540

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="FAKEBENCH_CASES names no directory")
needs_images = pytest.mark.skipif(not CIFAKE.is_dir(), reason="FAKEBENCH_SAMPLES names none")
OLD_NAMES = ("-p", "tests.old_names")
Done = subprocess.CompletedProcess[str]


@pytest.fixture(autouse=True)
def _forks(forks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs need not import the suite."""
    monkeypatch.setenv(ADDRESS, forks)


def start(
    *command: object,
    encoding: str = "utf-8",
    stdin: bytes = b"",
    own_interpreter: bool = False,
    **env_changes: str,
) -> Done:
    """A command in the suite's checkout; ``env_changes`` are variables of its environment.

    It is forked where it can be, unless it asks for an interpreter of its own.
    """
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    variables = {"PYTHONIOENCODING": encoding, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    words, env = list(map(str, command)), inherited | variables | env_changes
    result = (
        subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            check=False,
            cwd=ROOT,
            timeout=_SECONDS,
            env=env,
        )
        if own_interpreter or not is_forkable(words)
        else complete(words, cwd=ROOT, env=env, stdin=stdin, timeout=_SECONDS)
    )
    output, errors = (text.decode(encoding) for text in (result.stdout, result.stderr))
    completed = Done(result.args, result.returncode, output, errors)
    assert "Traceback" not in output + errors, output + errors
    assert "INTERNALERROR" not in output + errors, output + errors
    return completed


def run(*options: object, reports: Path, **start_options: Any) -> Done:
    """``pytest`` with these options, and a run directory called ``run``."""
    run_option = (
        [] if any(str(option).startswith("--run=") for option in options) else ["--run=run"]
    )
    return start(
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options,
        f"--reports={reports}", *run_option, **start_options,
    )  # fmt: skip


def call(*arguments: object, **start_options: Any) -> Done:
    """``fakebench`` with these arguments."""
    return start(sys.executable, "-m", "fakebench_suite", *arguments, **start_options)


def make(case: str, *arguments: object) -> Done:
    """The case's own make.py."""
    return start(sys.executable, CASES / case / "make.py", *arguments)


def read_run(folder: Path) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """The manifest and the records of a run."""
    lines = (folder / "records.jsonl").read_bytes().splitlines()
    return json.loads((folder / "manifest.json").read_bytes()), list(map(json.loads, lines))


def count_outcomes(folder: Path) -> Counter[str]:
    """How many records ended how."""
    return Counter(record["verdict"]["outcome"] for record in read_run(folder)[1])


def test_png_metadata(tmp_path: Path) -> None:
    """Metadata that a decoder objects to stay behind: four pictures of equal pixels."""
    make("png-metadata", tmp_path)
    result = run("--model=coin", f"--data={tmp_path / 'x.jsonl'}", "--gates=none", reports=tmp_path)
    assert result.returncode == 0
    _, records = read_run(tmp_path / "run")
    assert len(records) == 4
    assert len({record["pixels"]["digest"] for record in records}) == 1
    assert "unreadable" not in call("data", tmp_path / "x.jsonl").stdout


def test_reasoning_marks() -> None:
    """Marks around thoughts and answers are known."""
    replies = (CASES / "reasoning-marks" / "replies.jsonl").read_bytes()
    verdicts = [
        json.loads(line)["verdict"] for line in call("read", stdin=replies).stdout.splitlines()
    ]
    assert verdicts == ["fake", "unparsed", "unparsed", "fake", "fake", "fake"]


@pytest.mark.slow
@needs_images
def test_disk_full(tmp_path: Path) -> None:
    """One sentence and a status of its own; what was recorded is kept."""
    script = (CASES / "disk-full" / "run.sh").read_text(encoding="utf-8")
    script = script.replace(".venv/bin/pytest", f"{sys.executable} -m pytest -p no:cacheprovider")
    copies = tmp_path / "kept"
    script += f'\ncp -r "$small" {copies}\n'
    probe = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)  # noqa: S607
    if probe.returncode:
        pytest.skip("unshare needs rights that are not here")
    path = tmp_path / "run.sh"
    path.write_text(script, encoding="utf-8")
    result = start("unshare", "-m", "bash", path, FAKEBENCH=str(CIFAKE))
    status = re.search(r"^status (\d+)$", result.stdout, re.MULTILINE)
    assert status is not None
    assert int(status[1]) in {2, 3}
    assert "space" in result.stdout + result.stderr
    assert (copies / "a" / "records.jsonl").stat().st_size > 100_000


@contextmanager
def serving(mode: str, port: int) -> Iterator[str]:
    """The case's server of that mode."""
    server = subprocess.Popen(
        [sys.executable, CASES / "judge-temperature" / "server.py", str(port), mode]
    )
    try:
        for _ in range(100):
            try:
                urlopen(f"http://127.0.0.1:{port}", timeout=1)  # this machine's own
            except URLError as error:
                if not isinstance(error.reason, ConnectionRefusedError):
                    break
                time.sleep(0.2)
            except OSError:
                break
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["fixed", "noseed", "think", "tail", "lead", "float", "null"])
def test_judge_temperature(tmp_path: Path, mode: str) -> None:
    """Any endpoint grades: parameters that it refuses are left out, marks found beside the rest."""
    make("png-metadata", tmp_path)
    rows = [
        {"id": f"t{n}", "task": "analysis", "image": "plain.png", "label": "fake",
         "question": "How is the edge?", "criterion": "edge", "expected": f"It melts {n}."}
        for n in range(3)
    ]  # fmt: skip
    data = tmp_path / "texts.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    modes = ["fixed", "noseed", "think", "tail", "lead", "float", "null"]
    with serving(mode, 8431 + modes.index(mode)) as url:
        result = run(
            "--model=coin", f"--data={data}", f"--judge=openai:m@{url}", "--gates=none",
            reports=tmp_path,
        )  # fmt: skip
    assert result.returncode == 0, result.stdout
    _, records = read_run(tmp_path / "run")
    assert [len(record["verdict"]["ratings"]) for record in records] == [5, 5, 5]


@pytest.mark.slow
def test_weights_missing(tmp_path: Path) -> None:
    """Tensors that are lacking are named, and nothing is answered."""
    make("weights-missing", tmp_path)
    result = run(
        f"--model={tmp_path / 'renamed'}", "--sample=6", "-m", "detection", "--gates=none",
        reports=tmp_path,
    )  # fmt: skip
    assert result.returncode in {2, 4}, result.stdout
    assert "vision_tower" in result.stdout + result.stderr
    assert not list(tmp_path.glob("run/records.jsonl")) or not count_outcomes(tmp_path / "run")


@pytest.mark.slow
def test_manifest_blind_to_checkpoint(tmp_path: Path) -> None:
    """Parts between which template and pixel means changed are not merged."""
    script = (CASES / "manifest-blind-to-checkpoint" / "run.sh").read_text(encoding="utf-8")
    script = script.replace(".venv/bin/python", sys.executable)
    script = script.replace(".venv/bin/pytest", f"{sys.executable} -m pytest -p no:cacheprovider")
    script = script.replace("$here/..", str(CASES))
    path = tmp_path / "run.sh"
    path.write_text(script, encoding="utf-8")
    result = start("bash", path, tmp_path / "out")
    output = result.stdout + result.stderr
    assert "not parts of one run" in output
    assert "chat_template.jinja" in output
    assert not (tmp_path / "out" / "whole").exists()


@pytest.mark.slow
def test_shipped_generation_settings(tmp_path: Path) -> None:
    """A penalty that a checkpoint ships changes no answer."""
    make("shipped-generation-settings", tmp_path)
    texts = []
    for number, model in enumerate((tmp_path / "penalty", ROOT / "models" / "pocket")):
        result = run(
            f"--model={model}", "--sample=12", "-m", "detection", "--gates=none",
            f"--run={number}", reports=tmp_path,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout
        _, records = read_run(tmp_path / str(number))
        texts.append({record["case"]["id"]: record["answer"]["text"] for record in records})
    assert texts[0] == texts[1]
    assert len(texts[0]) == 36


# What pytest-timeout does by a signal: the test in hand fails by an exception of its own.
_TIMEOUT = """
import signal
import pytest

def pytest_addoption(parser):
    parser.addoption("--timeout", type=int)

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    def stop(number, frame):
        pytest.fail("Timeout")
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(item.config.option.timeout)
    try:
        return (yield)
    finally:
        signal.alarm(0)
"""


@pytest.mark.slow
@needs_images
def test_timeout_one_slow_slice(tmp_path: Path) -> None:
    """One failed case; the others of its slice are asked again."""
    (tmp_path / "alarms.py").write_text(_TIMEOUT, encoding="utf-8")
    path = os.pathsep.join((str(CASES / "timeout-one-slow-slice"), str(tmp_path)))
    result = run(
        *OLD_NAMES, "-p", "slowonce", "-p", "alarms", "--timeout=2", "--model=always-fake",
        f"--data={CIFAKE}", "-m", "detection", "--sample=200", "--gates=none", reports=tmp_path,
        PYTHONPATH=path,
    )  # fmt: skip
    assert "pop from an empty deque" not in result.stdout
    assert count_outcomes(tmp_path / "run") == {"correct": 100, "incorrect": 99, "model_error": 1}
    assert result.returncode == 1


@pytest.mark.slow
def test_thinking_left_open(tmp_path: Path) -> None:
    """A thought that the template opens and nothing closes asserts nothing."""
    make("thinking-left-open", tmp_path / "model")
    run(
        f"--model={tmp_path / 'model'}", "--sample=12", "-m", "detection", "--gates=none",
        reports=tmp_path,
    )  # fmt: skip
    outcomes = count_outcomes(tmp_path / "run")
    assert outcomes["unparsed"] + outcomes["truncated"] == 36


@pytest.mark.slow
def test_answers_cut(tmp_path: Path) -> None:
    """Replies that end at the token limit are counted, in the terminal and wherever else."""
    make("answers-cut", tmp_path / "model")
    result = run(
        f"--model={tmp_path / 'model'}", "--sample=6", "-m", "detection", "--gates=none",
        reports=tmp_path,
    )  # fmt: skip
    message = "18 of 18 replies were cut off at max_new_tokens = 3"
    assert message in result.stdout
    assert message in (tmp_path / "run" / "summary.md").read_text(encoding="utf-8")
    assert read_run(tmp_path / "run")[0]["cut_off"] == {"replies": 18, "of": 18}


@pytest.mark.slow
def test_same_second(tmp_path: Path) -> None:
    """Two parts begun together have a directory each."""
    script = (CASES / "same-second" / "run.sh").read_text(encoding="utf-8")
    script = script.replace(".venv/bin/pytest", f"{sys.executable} -m pytest -p no:cacheprovider")
    path = tmp_path / "run.sh"
    path.write_text(script, encoding="utf-8")
    result = start("bash", path, tmp_path / "out")
    assert "File exists" not in result.stdout
    folders = [path for path in (tmp_path / "out").glob("coin-*") if path.is_dir()]
    assert len(folders) == 2, result.stdout
    assert {read_run(folder)[0]["shard"] for folder in folders} == {"1/2", "2/2"}


@pytest.mark.parametrize("encoding", [pytest.param("cp1252", marks=pytest.mark.slow), "ascii"])
def test_standard_output_is_not_utf8(tmp_path: Path, encoding: str) -> None:
    """Every command prints on any terminal."""
    case = CASES / "stdout-not-utf8"
    make("png-metadata", tmp_path)
    replies = (case / "reply.jsonl").read_bytes()
    reading = call("read", stdin=replies, encoding=encoding)
    assert json.loads(reading.stdout)["verdict"] == "fake"
    shutil.copy(case / "note.toml", tmp_path)
    result = run(
        f"--model={tmp_path / 'note.toml'}", f"--data={tmp_path / 'x.jsonl'}", "--gates=none",
        reports=tmp_path, encoding=encoding,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
    folder = tmp_path / "run"
    merged = call("merge", folder, f"--into={tmp_path / 'x'}", "--gates=none", encoding=encoding)
    assert merged.returncode == 0
    assert "\\u56fe" in merged.stdout
    assert call("compare", folder, tmp_path / "x", encoding=encoding).returncode == 0
    assert call("runs", f"--reports={tmp_path}", encoding=encoding).returncode == 0


@pytest.mark.slow
def test_nan_logits(tmp_path: Path) -> None:
    """A model that computes no numbers fails on every prompt."""
    make("nan-logits", tmp_path / "model")
    result = run(
        f"--model={tmp_path / 'model'}", "--sample=6", "-m", "detection", "--gates=none",
        reports=tmp_path,
    )  # fmt: skip
    assert result.returncode == 1
    assert count_outcomes(tmp_path / "run") == {"model_error": 18}


def plant_data(folder: Path) -> Path:
    """A data set beside the case's pytest.ini and plugin."""
    make("png-metadata", folder)
    for path in (CASES / "hostile" / "data-pytest-ini").iterdir():
        shutil.copy(path, folder)
    (folder / "conftest.py").write_text("open('EXECUTED', 'a').write('x')\n", encoding="utf-8")
    row = {"image_id": "plain.png", "authenticity": 0}
    row["question"] = "Is this a fake image, yes or no?"
    (folder / "FakeClass.json").write_text(json.dumps([row]), encoding="utf-8")
    return folder


@pytest.mark.parametrize("spelling", ["joined", "command, joined", "command, separate"])
def test_nothing_of_a_data_set_is_executed(tmp_path: Path, spelling: str) -> None:
    """In the spellings that are documented."""
    data = plant_data(tmp_path / "data")
    value: tuple[object, ...] = ("--data", data) if "separate" in spelling else (f"--data={data}",)
    program = ("fakebench_suite", "run") if "command" in spelling else ("pytest",)
    marker = ROOT / "EXECUTED"
    try:
        result = start(
            sys.executable, "-m", *program, "-p", "no:cacheprovider", "--model=coin", *value,
            "--collect-only", own_interpreter=True,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout + result.stderr
        assert not marker.exists()
        assert not (data / "EXECUTED").exists()
    finally:
        marker.unlink(missing_ok=True)


def test_a_separate_value_is_refused(tmp_path: Path) -> None:
    """Plain pytest takes it for a directory of tests; its conftest.py does not run."""
    data = plant_data(tmp_path / "data")
    (data / "pytest.ini").unlink()  # pytest reads it before any plugin of ours is there
    marker = ROOT / "EXECUTED"
    try:
        result = start(
            sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--model=coin", "--data",
            data, "--collect-only", own_interpreter=True,
        )  # fmt: skip
        assert result.returncode == 4
        assert f"Write --data={data}" in result.stderr
        assert not marker.exists()
    finally:
        marker.unlink(missing_ok=True)


HOSTILE = {"PYTHONPATH": str(CASES / "hostile")}


@pytest.mark.slow
def test_a_worker_that_dies_turns_nothing_red(tmp_path: Path) -> None:
    """All cases are recorded, and the status is that of the gates."""
    result = run(
        "-p", "die_once", "--model=coin", "-n", "2", "--gates=none", reports=tmp_path, **HOSTILE
    )
    assert result.returncode == 0, result.stdout[-3_000:]
    assert len(read_run(tmp_path / "run")[1]) == 1_524


@pytest.mark.slow
def test_a_sick_worker_is_retired(tmp_path: Path) -> None:
    """Its cases are asked elsewhere; a few slices at most are lost."""
    model = CASES / "hostile" / "slow.toml"
    run(
        *OLD_NAMES, "-p", "sick_worker", f"--model={model}", "-n", "2", "--gates=none",
        reports=tmp_path, **HOSTILE,
    )  # fmt: skip
    outcomes = count_outcomes(tmp_path / "run")
    assert sum(outcomes.values()) == 1_524
    assert outcomes["model_error"] < 200


@pytest.mark.slow
@pytest.mark.parametrize("mechanism", ["py", "c"])
def test_a_model_that_hangs_is_given_up(tmp_path: Path, mechanism: str) -> None:
    """After the time that the user allowed, in a sentence."""
    result = run(
        *OLD_NAMES, "-p", "hang_model", "--model=pocket", "--sample=20", "-m", "detection",
        "--gates=none", "--unit-timeout=5", reports=tmp_path,
        **HOSTILE, HANG_HANG=mechanism, HANG_AFTER="0",
    )  # fmt: skip
    assert result.returncode == 2, result.stdout
    assert "--unit-timeout=5" in result.stdout + result.stderr


def test_merge_writes_inside_its_directory_only(tmp_path: Path) -> None:
    """Pictures of a part have names of the suite's own making, or are not copied."""
    make("png-metadata", tmp_path)
    shard = tmp_path / "DL" / "a" / "shard-1"
    result = run(
        "--model=coin", f"--data={tmp_path / 'x.jsonl'}", "--gates=none", "--run=shard-1",
        reports=shard.parent,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
    images = shard / "report" / "images"
    images.mkdir(parents=True, exist_ok=True)
    shutil.copy(CASES / "hostile" / "merge-traversal" / "images.json", images)
    (tmp_path / "DL" / "PWNED.py").write_text("theirs", encoding="utf-8")
    target = tmp_path / "project" / "reports" / "candidate"
    assert call("merge", shard, f"--into={target}", "--gates=none").returncode == 0
    assert sorted(path.parent for path in tmp_path.rglob("PWNED.py")) == [tmp_path / "DL"]


def test_a_judges_reply_that_cannot_be_stored_costs_its_round(tmp_path: Path) -> None:
    """Two other texts have their marks."""
    bad_reply = (CASES / "hostile" / "reply-surrogate.json").read_text(encoding="utf-8")
    good_reply = json.dumps({"reason": "r", "completeness": 2, "preciseness": 1, "relevance": 0})

    def behave(body: Mapping[str, Any], number: int) -> tuple[int, str]:
        del number
        return 200, json.loads(
            json.dumps(bad_reply if "third" in str(body["messages"]) else good_reply)
        )

    requests = [
        RatingRequest(question="q", reference=["r"], text=f"the {n}") for n in ("one", "third")
    ]
    with serve(Endpoint(behave=behave)) as endpoint:
        choice = parse_judge(f"openai:m@{endpoint.url}", rounds=2)
        judge = open_judge(choice, cache=tmp_path / "marks.sqlite")
        judge.check()
        first, third = judge.grade(requests)
    assert len(first.ratings) == 2
    assert (third.ratings, third.failed) == ((), 2)


@pytest.mark.parametrize("command", ["report", "compare"])
def test_a_run_whose_texts_are_deep_is_a_sentence(tmp_path: Path, command: str) -> None:
    """Nested beyond any depth."""
    folder = tmp_path / "run"
    shutil.copytree(CASES / "hostile" / "run-texts-deep", folder)
    folder.chmod(0o755)
    other = [shutil.copytree(folder, tmp_path / "other")] if command == "compare" else []
    result = call(command, folder, *other)
    assert result.returncode == (2 if command == "report" else 0)
    assert command == "compare" or "malformed" in result.stderr


def test_a_card_that_is_deep_is_a_sentence(tmp_path: Path) -> None:
    """The same of TOML."""
    card = CASES / "hostile" / "card-deep" / "card.toml"
    result = run(f"--model={card}", reports=tmp_path)
    assert result.returncode == 4
    assert "nested too deeply" in result.stderr


@pytest.mark.parametrize("name", ["c.jsonl", "bad.jsonl"])
def test_escapes_are_shown(tmp_path: Path, name: str) -> None:
    """Nothing of a data set reaches the terminal as a command."""
    make("png-metadata", tmp_path)
    shutil.copy(tmp_path / "plain.png", tmp_path / "FLUX-pro-00001.png")
    shutil.copy(CASES / "hostile" / "escapes" / name, tmp_path)
    result = run(
        "--model=coin", f"--data={tmp_path / name}", "-rm", "--gates=none", reports=tmp_path
    )
    assert result.returncode == (0 if name == "c.jsonl" else 4), result.stdout + result.stderr
    assert "\x1b]" not in result.stdout + result.stderr
    assert "\x07" not in result.stdout + result.stderr
    assert "\x1b]" not in call("data", tmp_path / name).stdout


def measure(pictures: int, folder: Path) -> int:
    """Peak memory in bytes of a run over copies of the largest picture that is opened."""
    folder.mkdir()
    rows = []
    for number in range(pictures):
        shutil.copy(CASES / "hostile" / "bomb-8000x8000-16bit.png", folder / f"{number}.png")
        row = {"id": "d", "task": "detection", "image": f"{number}.png", "label": "fake"}
        rows.append(json.dumps(row | {"question": "Is this image fake or real?"}))
    (folder / "x.jsonl").write_text("\n".join(rows), encoding="utf-8")
    command = [
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--model=coin",
        f"--data={folder / 'x.jsonl'}", "--gates=none", f"--reports={folder}", "--run=run",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert sum(count_outcomes(folder / "run").values()) == pictures
    return usage.ru_maxrss * 1024


@pytest.mark.slow
def test_large_pictures_are_bounded_in_memory(tmp_path: Path) -> None:
    """Sixteen took 4.85 GB; what is decoded at once is bounded by bytes now."""
    assert measure(16, tmp_path / "many") < 2_000_000_000


@pytest.mark.slow
@needs_images
def test_rerun_keeps_the_last_try(tmp_path: Path) -> None:
    """The record and the status of a case that was tried again are those of its last try."""
    from tests.plugin.test_tries import RERUN

    (tmp_path / "again.py").write_text(RERUN, encoding="utf-8")
    path = os.pathsep.join((str(CASES / "rerun-keeps-first-error"), str(tmp_path)))
    result = run(
        *OLD_NAMES, "-p", "flakyonce", "-p", "again", "--model=always-fake", f"--data={CIFAKE}",
        "-m", "detection", "--sample=40", "--gates=none", reports=tmp_path, PYTHONPATH=path,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
    manifest, records = read_run(tmp_path / "run")
    assert manifest["errors"] == 0
    assert len(records) == 40
    assert set(count_outcomes(tmp_path / "run")) == {"correct", "incorrect"}


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    """Of gates, cards and standard input."""
    case = CASES / "toml-bom"
    make("png-metadata", tmp_path)
    options = (f"--data={tmp_path / 'x.jsonl'}",)
    gates = run("--model=coin", f"--gates={case / 'gates.toml'}", *options, reports=tmp_path)
    assert gates.returncode in {0, 6}, gates.stdout + gates.stderr
    card = run(
        f"--model={case / 'card.toml'}", "--gates=none", "--run=card", *options, reports=tmp_path
    )
    assert card.returncode == 0, card.stdout + card.stderr
    reading = call("read", stdin=(case / "reply.jsonl").read_bytes())
    assert json.loads(reading.stdout)["verdict"] == "fake"


def test_every_case_has_its_test() -> None:
    """A folder that is added is not forgotten."""
    source = Path(__file__).read_text(encoding="utf-8")
    folders = [path.name for path in CASES.iterdir() if path.is_dir()]
    folders += [path.name for path in (CASES / "hostile").iterdir()]
    other_names = {"hostile", "README.md", "__pycache__"}
    absent = [name for name in folders if Path(name).stem not in source and name not in other_names]
    assert absent == []
