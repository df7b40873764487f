"""A resumed run is given its own arguments again; those of now win."""

import copy
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.files.paths import expand_home
from fakebench_suite.plugin.arguments import join_option_values
from fakebench_suite.runs.last import find_run
from fakebench_suite.runs.store import MANIFEST, RECORDS, read_manifest
from fakebench_suite.text.redaction import MASK

_RESUME = "--resume"
_OF_ITS_DIRECTORY = ("--run", "--reports", _RESUME, "--rootdir", "-c", "--config-file", "-o", "-W")
"""Options that a resumed run is not given again: where it is, and what ``fakebench run`` adds."""
_OF_ENGINES = {
    "ray": ("--ray-address", "--replica-engine", "--replica-cpus"),
    "vllm": ("--data-parallel-size",),
}
"""Options that mean nothing to any other engine, so that a run can be resumed on one."""
_SELECTING = frozenset({"--deselect", "--ignore", "--lf", "--last-failed", "--reuse", "--answers"})
"""Options that have no place beside ``--resume``, as ``-k`` and ``-m``."""
_OF_ITS_CACHE = frozenset({"--lf", "--last-failed", "--sw", "--stepwise", "--nf", "--ff"})
"""Options whose selection cannot be repeated."""


def list_resumed(arguments: Sequence[str], *, where: Path) -> list[str]:
    """The arguments of the run that ``--resume RUN`` names; raises UserError if it has none."""
    joined = join_option_values(arguments)
    named = [word.partition("=")[2] for word in joined if word.startswith(f"{_RESUME}=")]
    if not named:
        return []
    folder = find_run(where / expand_home(named[-1]))
    if (folder / RECORDS).exists() and not (folder / MANIFEST).exists():
        raise UserError(
            f"{folder} broke off before its first answer, so there is nothing to resume. "
            "Delete it, and start a new run."
        )
    earlier = read_manifest(folder).arguments
    if earlier is None:
        raise UserError(
            f"{folder} was written by a version of the suite whose runs cannot be resumed. "
            "Start a new run."
        )
    repeated = _drop_options(earlier, _OF_ITS_DIRECTORY)
    engines = [word.partition("=")[2] for word in joined if word.startswith("--engine=")]
    for engine, options in _OF_ENGINES.items():
        if engines and engines[-1] != engine:
            repeated = _drop_options(repeated, options)
    selecting = _OF_ITS_CACHE.intersection(repeated)
    if selecting:
        raise UserError(
            f"{folder} was run with {', '.join(sorted(selecting))}, whose selection of tests "
            "cannot be repeated. Start a new run."
        )
    given = {word.partition("=")[0] for word in joined}
    for word in repeated:
        option = word.partition("=")[0]
        if MASK in word and option not in given:
            raise UserError(
                f"{folder} was run with a secret in {option}, which is not kept. Give {option} "
                "again."
            )
    return [word for word in repeated if MASK not in word]


def _drop_options(arguments: Sequence[str], options: Collection[str]) -> list[str]:
    """The arguments without these options, their values, and directories of cases."""
    kept: list[str] = []
    words = iter(arguments)
    for word in words:
        if word in options:
            next(words, None)
        elif word.partition("=")[0] not in options and not (
            Path(word).is_absolute() and Path(word).name == "cases"
        ):
            kept.append(word)
    return kept


def repeat_arguments(config: pytest.Config, parser: pytest.Parser, args: list[str]) -> None:
    """Give a resumed run its own arguments again, here and in its workers."""
    call = config.invocation_params
    try:
        _check_beside_resume(call.args, places=config.known_args_namespace.file_or_dir)
        repeated = list_resumed(args, where=call.dir)
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    args[:] = [*repeated, *args]
    given = copy.copy(config.option)
    config.known_args_namespace = parser.parse_known_args(args, namespace=given)
    config.invocation_params = pytest.Config.InvocationParams(
        args=(*repeated, *call.args), plugins=call.plugins, dir=call.dir
    )


def _check_beside_resume(arguments: Iterable[str], *, places: Sequence[str]) -> None:
    """Raise UserError where less than the whole run is to be resumed, or with other answers."""
    selecting = [
        word
        for word in arguments
        if word.partition("=")[0] in _SELECTING or word[:2] in {"-k", "-m"}
    ]
    selecting += [place for place in places if "::" in place]
    if selecting:
        raise UserError(
            f"--resume goes on with the whole run, as it was started; leave {selecting[0]} out."
        )
