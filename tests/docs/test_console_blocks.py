"""Every console block of the documents runs as it is typed, or says why not.

The info string of a block, which no reader sees, holds what a test has to know: ``not-run:`` and a
reason, ``status: 1`` for another exit status than 0 and 6, ``exact`` where the output must be the
one that is shown, and ``own-repository`` where it runs outside a checkout.
"""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.docs.conftest import Call
from tests.docs.markdown import GUIDES, ROOT, Block, list_blocks

BLOCKS = [block for page in GUIDES for block in list_blocks(page, "console")]
RUN = [block for block in BLOCKS if not block.note.startswith("not-run:")]
_LEFT_OUT = ("make ", "pip install ", ". .venv/bin/activate")
"""Commands that make an environment, or that the tests of the Makefile stand for."""
_OF_PYTEST = {"--help", "--version", "--lf", "--junit-xml", "--pyargs"}
_OWN = re.compile(r"(?:\S*/)?(?:pytest|fakebench) ")


def list_commands(block: Block) -> list[str]:
    """The command lines of a block without their comments; a trailing backslash joins lines."""
    text = block.text.replace("\\\n", "")
    lines = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
    return [re.sub(r"\s+#\s.*", "", line) for line in lines]


def split_command(line: str) -> list[str]:
    """The words of a pytest or fakebench command, or one word: a line for the shell."""
    if re.match(r"(pytest|fakebench) ", line) and not re.search(r"[|><*$;&]", line):
        return shlex.split(line)
    return [line]


def list_shown(block: Block) -> list[str]:
    """The lines of output a block shows."""
    return [line.rstrip() for line in block.text.splitlines() if line and line[:2] != "$ "]


@pytest.mark.parametrize("block", RUN, ids=lambda block: block.place)
def test_a_block_runs(block: Block, call: Call, workplace: Path, repository: Path) -> None:
    """Each command ends with the status that is expected, and prints what is shown as exact."""
    status = re.search(r"status: (\d+)", block.note)
    allowed = {int(status[1])} if status else {0, 6}
    commands = [line for line in list_commands(block) if not f"{line} ".startswith(_LEFT_OUT)]
    cwd = repository if "own-repository" in block.note else workplace
    output = "".join(call(split_command(line), allowed, cwd) for line in commands)
    if "exact" in block.note.split():
        lines = [line.rstrip() for line in output.splitlines()]
        assert [line for line in list_shown(block) if line not in lines] == []


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_holds_commands(block: Block) -> None:
    """Each has a prompt, and one that does not run says why in words."""
    assert list_commands(block)
    if block not in RUN:
        assert len(block.note.removeprefix("not-run:").split()) >= 3, block.note


def test_few_commands_of_the_suite_do_not_run() -> None:
    """At most one in five: those that need a network, a cluster, or minutes."""
    commands = {
        kind: [line for block in blocks for line in list_commands(block) if _OWN.match(line)]
        for kind, blocks in (("all", BLOCKS), ("run", RUN))
    }
    assert len(commands["run"]) >= 0.8 * len(commands["all"])


@pytest.mark.process
def test_targets_of_make_exist() -> None:
    """Whatever the documents tell make to do, it finds."""
    lines = {line for block in BLOCKS for line in list_commands(block) if line[:5] == "make "}
    assert lines
    for line in lines:
        command = ["make", "-n", "-o", ".venv/ready", *shlex.split(line)[1:]]
        result = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr


def test_options_that_are_named_exist() -> None:
    """Every option in a command of the documents, also of blocks that do not run."""
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    options = set(re.findall(r"`(--[\w-]+)", page)) | _OF_PYTEST
    lines = [line for block in BLOCKS for line in list_commands(block) if _OWN.match(line)]
    unknown = {
        line: unknown_options
        for line in lines
        if (unknown_options := set(re.findall(r"(?<= )--[a-z][\w-]*", line)) - options)
    }
    assert unknown == {}
