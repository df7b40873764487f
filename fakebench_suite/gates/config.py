"""Find and read ``gates.toml``; raise UserError if it is malformed."""

import hashlib
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from fakebench_suite.deprecation import (
    BENCHMARKS,
    METRICS,
    rename_keys,
    rename_subgroup,
    warn_deprecated,
)
from fakebench_suite.errors import FormatError, UserError
from fakebench_suite.files.contents import read_file
from fakebench_suite.files.parsing import decode_toml
from fakebench_suite.files.paths import resolve
from fakebench_suite.gates.config_errors import list_mistakes
from fakebench_suite.gates.rules import Gate
from fakebench_suite.runs.manifest import Manifest, ManifestGates
from fakebench_suite.text.display import count_of

FILE, NO_GATES = "gates.toml", "none"
_KEYS = {"slice": "subgroup", "on": "compare", "negligible": "tolerance"}
"""Deprecated fields of a gate."""


class GateConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The gates of a run and the file they come from."""

    file: str | None
    """None where there is none."""
    named: bool
    """Whether the user named it on the command line."""
    strict: bool = False
    """Whether a gate whose cases were not all asked is inconclusive, instead of not evaluated."""
    rules: tuple[Gate, ...] = ()
    absent: str = ""
    """Why there are no gates."""
    digest: str = ""
    """Digest of the gates; runs with equal digests have equal gates."""


def make_gate_config(
    file: str | None, rules: tuple[Gate, ...], *, named: bool, absent: str
) -> GateConfig:
    """The configuration, with the digest of its gates."""
    digest = _digest(rules)
    return GateConfig(
        file=file, named=named, strict=named, rules=rules, absent=absent, digest=digest
    )


def _digest(rules: tuple[Gate, ...]) -> str:
    return hashlib.sha256(msgspec.json.encode(rules)).hexdigest()


def load_gates(asked: str | None, *, root: Path, where: Path) -> GateConfig:
    """The gates of the file ``asked``, a path relative to ``where``; else those of ``root``.

    There are none if ``asked`` is ``none``, if ``root`` has no ``gates.toml``, or if the file has
    no gate. Raises UserError as read_gates does, where ``asked`` is empty, and where it is None and
    there are other gates in ``where``.
    """
    if asked is not None and not asked.strip():
        raise UserError("--gates is empty: name a file, write --gates=none, or leave it out.")
    if asked == NO_GATES:
        return make_gate_config(None, (), named=True, absent="--gates=none was given")
    path = where / asked if asked else root / FILE
    if asked is None:
        _check_other_file(root=root, where=where)
    if asked is None and not path.exists():
        absent = f"there is no {FILE} at the root, and no --gates=FILE was given"
        return make_gate_config(None, (), named=False, absent=absent)
    rules = read_gates(path)
    # A path of this machine says nothing elsewhere.
    file = path.name if asked is None or Path(asked).is_absolute() else asked
    absent = "" if rules else f"{file} holds no gate"
    return make_gate_config(file, rules, named=asked is not None, absent=absent)


def choose_gates(*, root: Path, where: Path) -> str | None:
    """The value of ``--gates`` for a run that is called in ``where``; None where it needs none.

    It is the file there. If that holds no gates of the suite, it is that of ``root`` or ``none``.
    """
    other, path = where / FILE, root / FILE
    if not _has_other_file(root=root, where=where):
        return None
    try:
        read_gates(other)
    except UserError:
        return str(path) if path.exists() else NO_GATES
    return FILE


def _has_other_file(*, root: Path, where: Path) -> bool:
    """Whether other gates than those of ``root`` lie in ``where``, outside of it."""
    other, path = where / FILE, root / FILE
    if resolve(where).is_relative_to(resolve(root)) or not other.is_file():
        return False
    return not path.exists() or not (other.samefile(path) or _have_same_rules(other, path))


def _check_other_file(*, root: Path, where: Path) -> None:
    """Raise UserError where other gates lie where the run was called, outside of the root.

    They would not count, and as both files have one name, nobody would see which one decided the
    exit status.
    """
    if not _has_other_file(root=root, where=where):
        return
    other, path = where / FILE, root / FILE
    is_there = path.exists()
    instead = f"{path}, at the root" if is_there else f"none, for {root} is the root"
    value = shlex.quote(str(path)) if is_there else NO_GATES
    raise UserError(
        f"{other} would not decide this run: without --gates it is {instead}. Write "
        f"--gates={FILE} for the one here, or --gates={value}."
    )


def _have_same_rules(other: Path, path: Path) -> bool:
    """Whether two files have the same gates, which another tool's file of this name has not."""
    try:
        rules = read_gates(other)
    except UserError:
        return False
    return rules == read_gates(path)


def describe_gates(gates: GateConfig) -> ManifestGates:
    """The gates as the manifest stores them."""
    return msgspec.convert(msgspec.to_builtins(gates), ManifestGates)


def gates_of_manifest(manifest: Manifest) -> GateConfig | None:
    """The gates in the manifest of a run; None if it has none."""
    if manifest.gates is None:
        return None
    try:
        gates = msgspec.convert(msgspec.to_builtins(manifest.gates), GateConfig)
    except msgspec.ValidationError as error:
        raise UserError(
            f"The manifest holds gates that this version cannot read: {error}. Give --gates=FILE."
        ) from error
    # An older version computed the digest over other names of the fields.
    return msgspec.structs.replace(gates, digest=_digest(gates.rules))


def common_gates(runs: Mapping[Path, Manifest]) -> GateConfig:
    """The gates that all runs have in their manifests; raises UserError if they differ."""
    first: tuple[Path, GateConfig] | None = None
    for folder, manifest in runs.items():
        gates = gates_of_manifest(manifest)
        if gates is None:
            absent = "the manifests of the runs have no gates; give --gates=FILE"
            return make_gate_config(None, (), named=False, absent=absent)
        if first is None:
            first = folder, gates
        elif gates.digest != first[1].digest:
            raise UserError(
                f"{folder} and {first[0]} have different gates: {_name(gates)} and "
                f"{_name(first[1])}. Choose the gates with --gates=FILE, or --gates=none."
            )
    assert first is not None
    return first[1]


def _name(gates: GateConfig) -> str:
    return f"{gates.file or 'none'} ({count_of(len(gates.rules), 'gate')})"


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    gate: list[Gate] = []


def _rename_deprecated(content: dict[str, Any], path: Path) -> dict[str, Any]:
    """The content of a gate file under today's names, with a warning for each deprecated one."""
    tables = content.get("gate")
    if not isinstance(tables, list):
        return content
    return {**content, "gate": [_rename_in_gate(table, path) for table in tables]}


def _rename_in_gate(table: Any, path: Path) -> Any:
    if not isinstance(table, dict):
        return table
    where = f"The gate {table.get('name', '')!r} of {path.name}"
    for old, new in _KEYS.items():
        if old in table and new not in table:
            warn_deprecated(old, new, where=where)
    gate = rename_keys(table, _KEYS)
    for key, rename in (
        ("subgroup", rename_subgroup),
        ("metric", lambda name: METRICS.get(name, name)),
        ("benchmark", lambda name: BENCHMARKS.get(name, name)),
    ):
        value = gate.get(key)
        if isinstance(value, str) and (renamed := rename(value)) != value:
            warn_deprecated(f'{key} = "{value}"', f'{key} = "{renamed}"', where=where)
            gate[key] = renamed
    return gate


def read_gates(path: Path) -> tuple[Gate, ...]:
    """The gates of a file; raises UserError if it cannot be read or is malformed."""
    try:
        content = _rename_deprecated(decode_toml(read_file(path), dict[str, Any]), path)
        for mistake in list_mistakes(content):
            raise UserError(f"The gates in {path} are malformed: {mistake}.")
        gates = msgspec.convert(content, _File).gate
    except (FormatError, msgspec.ValidationError) as error:
        raise UserError(f"The gates in {path} are malformed: {error}.") from error
    except OSError as error:
        raise UserError(f"The gates in {path} cannot be read: {error.strerror}.") from error
    names = [gate.name for gate in gates]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"Two gates in {path} are called {twice[0]!r}; give each its own name.")
    return tuple(gates)
