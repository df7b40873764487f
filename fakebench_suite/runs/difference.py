"""What two manifests disagree on, by name."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fakebench_suite.errors import UserError
from fakebench_suite.report.store import read_manifest

SETTING = (
    "suite", "code_digest", "model", "dataset", "prompts", "judge", "answers", "seed", "sample",
    "planned", "versions",
)  # fmt: skip
"""What a figure depends on; the rest of a manifest is about one sitting: clock, machine, counts."""
_AFTERWARDS = frozenset({"judge.audit"})
"""Found at the end of a sitting, and not a setting."""
_ABSENT = object()


def check_data(run: Path, *, name: str, digest: str) -> None:
    """Raise UserError where the run was made over another data set than the one so called."""
    known = read_manifest(run)["dataset"]
    if known.get("digest") != digest:
        raise UserError(
            f"{run} was made over {known.get('name')}, whose digest differs from that of {name}. "
            "Give the same --data as then: only runs over the same data belong together."
        )


def check_pair(run: Path, other: Path) -> None:
    """Raise UserError where two runs were made over different data."""
    described = read_manifest(run)["dataset"]
    check_data(other, name=described["name"], digest=described.get("digest", ""))


def list_differences(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[str]:
    """The settings in which two runs differ, as dotted names such as ``model.weights_digest``."""
    names: list[str] = []
    for key in SETTING:
        names += _walk(key, one.get(key, _ABSENT), two.get(key, _ABSENT))
    return names


def _walk(name: str, one: object, two: object) -> Iterator[str]:
    if name in _AFTERWARDS or one == two:
        return
    if not isinstance(one, Mapping) or not isinstance(two, Mapping):
        yield name
        return
    for key in dict.fromkeys([*one, *two]):
        yield from _walk(f"{name}.{key}", one.get(key, _ABSENT), two.get(key, _ABSENT))
