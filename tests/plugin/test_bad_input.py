"""Every mistake of a user's ends in one clear error before anything is asked."""

import os
from pathlib import Path

import pytest

from tests.plugin.sandbox import MODES, Run

BYTES = b"m\xff"
"""A name that a file system takes and that is no text."""


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_an_unknown_model_lists_the_cards_and_suggests_the_nearest(
    run: Run, mode: tuple[str, ...]
) -> None:
    """A mistyped model name is a usage error in one sentence, also under xdist."""
    result = run("--model=pokcet", *mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: There is no model 'pokcet'. Did you mean 'pocket'?*"])
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


def test_weights_that_are_not_here_are_one_sentence(
    run_apart: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A card whose weights are elsewhere says what to download and where to point --model."""
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    result = run_apart("--model=qwen-vl")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: The weights of 'qwen-vl' *hf download *--model*"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data=nowhere"], "*There is no *nowhere*FakeClass.json*"),
        (["--data=cases"], "*No FakeBench files in *looked for FakeClass.json*"),
        (["--sample=0"], "*--sample*'0' is not a number, 1 or more*"),
        (["--run=../elsewhere"], "*--run is '../elsewhere'; it must be a plain name*"),
        (["--prompts=papr"], "*--prompts*'papr'*allowed: paper, clean; nearest: paper*"),
        (["--reading=gramar"], "*--reading*'gramar'*grammar, paper*; nearest: grammar*"),
        (["--report-images=ful"], "*--report-images*'ful'*thumbnail, full; nearest: full*"),
        (["--engine=rya"], "*--engine*'rya'*allowed: local, vllm, ray; nearest: ray*"),
        (["--tasks=detect"], "*--tasks*'detect'*nearest: detection*"),
        (["--judge=opnai:gpt@http://x"], "*--judge*openai:MODEL@URL*nearest: openai*"),
        (["--modle=coin"], "*no option --modle; nearest: --model*"),
        (["--strict-case"], "*no option --strict-case; nearest: --strict-cases*"),
        (["-m", "detect"], "*'detect'*detection, interpretation*nearest: detection*"),
        (["-m", "analysis or not resoning"], "*'resoning'*nearest: reasoning*"),
        (["-m", "not gpu"], "*'gpu'*register it in the setting 'markers'*"),
        (["--judge=gpt-4"], "*--judge is 'gpt-4'. It may be openai:MODEL@URL*"),
        (["--judge=openai:gpt-4@nowhere"], "*--judge is 'openai:gpt-4@nowhere'*"),
        (["--judge-rounds=0"], "*--judge-rounds*'0' is not a number*"),
        (["--reading=likelihood"], "*scripted and has no probabilities*"),
        (["--reports=pyproject.toml"], "*cannot be written to*--reports*"),
        (["--reports=.", "--run=pyproject.toml"], "*cannot be written to*--run*"),
        (["--run=" + "x" * 300], "*cannot be written to*--run*"),
        (["--data=" + "x" * 300], "*There is no *"),
        (["--model=" + "x" * 300], "*There is no model *"),
        *(
            ([f"{option}="], f"*argument {option}: its value is empty*or leave it out*")
            for option in (
                "--data",
                "--model",
                "--judge",
                "--gates",
                "--baseline",
                "--answers",
                "--reuse",
            )
        ),
        *(
            ([f"{option}={os.fsdecode(BYTES)}"], f"*{option}*'m?udcff'*is not UTF-8*")
            for option in ("--data", "--gates", "--baseline", "--answers", "--reports", "--run")
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_bad_options_are_usage_errors(run: Run, options: list[str], message: str) -> None:
    """Each wrong option says what was wrong and what is allowed."""
    result = run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_a_directory_whose_name_is_no_text_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No manifest or report could name it."""
    place = tmp_path / os.fsdecode(BYTES)
    place.mkdir()
    (place / "conftest.py").write_text('pytest_plugins = "fakebench_suite.plugin"')
    monkeypatch.chdir(place)
    result = run(f"--rootdir={place}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*The directory '*m?udcff' is not UTF-8; rename it*"])


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ("detection[chelsea-101:isfak]", "*nearest: cases/*[[]chelsea-101:isfake]*"),
        ("detection[chelsae-101:isfake]", "*nearest: cases/*[[]chelsea-101:isfake]*"),
        ("detection[zzz]", "*probes has no case 'zzz'*"),
    ],
)
def test_a_node_id_that_is_not_there_names_the_nearest(run: Run, node: str, message: str) -> None:
    """Before anything is collected."""
    result = run("--model=coin", f"cases/test_detection.py::test_{node}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_a_node_id_that_the_sample_left_out_says_so(run: Run) -> None:
    """It is there, and is not asked."""
    node = "cases/test_detection.py::test_detection[chelsea-101:isfake]"
    result = run("--model=coin", "--tasks=reasoning", node)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*chelsea-101:isfake is left out by --tasks*"])


def test_markers_that_are_there_may_be_named(run: Run) -> None:
    """Tasks and pytest's own, with operators and arguments."""
    result = run("-m", "detection and not (skip or xfail)", "--collect-only", "-q")
    assert result.ret == 0


def test_broken_json_names_file_and_place(run: Run, data: Path) -> None:
    """A truncated file is a usage error that names it."""
    path = data / "Evaluation" / "FakeQA.json"
    path.write_text(path.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    result = run(f"--data={data}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: FakeQA.json is not complete JSON*"])


def test_a_data_set_without_any_image_is_refused_but_can_be_collected(run: Run, data: Path) -> None:
    """No picture at all is a usage error of a run; --collect-only still counts the cases."""
    for path in data.glob("*_images/*"):
        path.unlink()
    result = run(f"--data={data}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: There are no images below *"])
    collected = run(f"--data={data}", "--collect-only", "-q")
    collected.stdout.fnmatch_lines(["48 tests collected*"])


def test_a_run_is_never_overwritten(run: Run, data: Path) -> None:
    """A second run of the same name is refused."""
    assert run(f"--data={data}").ret == 0
    result = run(f"--data={data}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *already holds a run*--run*"])
