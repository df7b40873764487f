"""``fakebench``: reading replies and printing the published tables."""

import json
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from fakebench_suite.deprecation import DeprecatedNameWarning
from tests.helpers import call, call_forked
from tests.plugin.sandbox import Command


@pytest.mark.parametrize(("rule", "expected"), [("grammar", "real"), ("paper", "fake")])
def test_replies_are_read_line_by_line(rule: str, expected: str) -> None:
    """One verdict a line in order; an empty line is passed over, Chinese is read."""
    rows = [
        {"question_type": "what", "reply": "It is not fake."},
        {"question_type": "isreal", "reply": "No"},
        {"question_type": "isfake", "reply": "不是。"},
    ]
    lines = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    result = call("read", f"--reading={rule}", stdin=lines)
    assert result.returncode == 0, result.stderr
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["verdict"] for answer in answers[:2]] == [expected, "fake"]
    assert answers[2]["verdict"] == ("real" if rule == "grammar" else "unparsed")
    assert all(answer["reason"] for answer in answers)


@pytest.mark.parametrize(
    "line",
    ['{"question_type": "maybe", "reply": "x"}', '{"question_type": "what"}', "what: fake", "[]"],
)
def test_a_bad_line_is_named(line: str) -> None:
    """The line's number and what is wrong with it, in one sentence and without a traceback."""
    result = call("read", stdin='{"question_type": "what", "reply": "fake"}\n' + line)
    assert result.returncode == 2
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr.startswith(
        "line 2 of standard input is not {question_type, reply} as JSON"
    )
    assert "Traceback" not in result.stderr


def test_likelihood_reads_no_written_reply() -> None:
    """Asked for by mistake, it says which rules there are."""
    result = call("read", "--reading=likelihood")
    assert result.returncode == 2
    assert "asks the model itself" in result.stderr


def test_tables_are_printed_and_checked() -> None:
    """All four tables as printed; --check names the two rows that contradict themselves."""
    output = call("tables").stdout
    for words in ("Table V: detection", "Table VIII: analysis", "Humans (Overall)", "0.573"):
        assert words in output
    checked = call("tables", "--check")
    assert checked.returncode == 0
    assert [line.split(":")[0] for line in checked.stdout.splitlines()] == [
        "Table VI, Qwen-VL",
        "Table VII, Q-Instruct",
    ]


def test_models_are_listed_with_their_weights() -> None:
    """The embedded model is here, scripted ones need no weights, and nothing is downloaded."""
    lines = {
        line.split()[0]: line.rstrip()
        for line in call("models").stdout.splitlines()
        if line.strip()
    }
    assert lines["pocket"].endswith("here")
    assert lines["always-fake"].endswith("none needed")
    assert "Qwen/Qwen3-VL-8B-Instruct" in lines["qwen-vl"]
    assert set(lines) > {"card", "coin", "llava-1.5", "gemma-3"}


def test_a_narrow_terminal_takes_no_figure_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines are wrapped by it instead."""
    for number in range(12):
        folder = tmp_path / "images" / ("fake" if number % 2 else "real")
        folder.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((16, 16), 8 * number + 1).save(folder / f"{number}.png")
    monkeypatch.setenv("COLUMNS", "30")
    output = call("data", str(tmp_path / "images")).stdout
    header = next(line for line in output.splitlines() if line.startswith("feature"))
    assert header.split()[:4] == ["feature", "accuracy", "n", "exposed"]
    assert "…" not in output


@pytest.fixture(scope="module")
def terminal(forks: str) -> Command:
    """``terminal(*words, PYTHONIOENCODING=NAME)`` is a command on a terminal of that encoding."""
    return partial(call_forked, forks, cwd=Path())


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_replies_are_read_on_any_terminal(terminal: Command, encoding: str) -> None:
    """A reply's own signs are quoted as JSON escapes where the terminal has none of them."""
    reply = "Verdict: \U0001f7e5 fake \x9b2J\u202e \U0001f7e5"
    line = json.dumps({"question_type": "what", "reply": reply}, ensure_ascii=False)
    result = terminal("read", stdin=f"\ufeff{line}", PYTHONIOENCODING=encoding)
    assert result.returncode == 0, result.stderr
    assert result.stdout.rstrip("\n").isprintable()
    assert json.loads(result.stdout)["verdict"] == "fake"


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_tables_are_printed_on_any_terminal(terminal: Command, encoding: str) -> None:
    """No command fails over the signs it prints."""
    for command in (("tables",), ("models",), ("read", "--help")):
        result = terminal(*command, PYTHONIOENCODING=encoding)
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_sentences_are_printed_on_any_terminal(
    terminal: Command, encoding: str, tmp_path: Path
) -> None:
    """In its own encoding, also where Click would rather write UTF-8."""
    result = terminal("report", str(tmp_path / "\u56fe"), PYTHONIOENCODING=encoding)
    assert result.returncode == 2
    assert "\\u56fe" in result.stderr
    result = terminal("runs", f"--reports={tmp_path}", PYTHONIOENCODING=encoding)
    assert result.returncode == 0
    assert result.stdout.isascii()


def test_the_deprecated_field_form_is_read() -> None:
    """``form`` means ``question_type``, with a warning."""
    with pytest.warns(DeprecatedNameWarning, match="question_type"):
        result = call("read", stdin='{"form": "what", "reply": "fake"}\n')
    assert json.loads(result.stdout)["verdict"] == "fake"
