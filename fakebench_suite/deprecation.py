"""Names that users may still write although a newer one has taken their place.

Each use gives one :class:`DeprecatedNameWarning` and means what the newer name means. Files that
an older version of the suite wrote are read without a warning (``runs/old_names.py``).
"""

import warnings
from collections.abc import Mapping
from typing import Any

BENCHMARKS = {"slice": "work unit"}
"""Latency benchmarks."""
METRICS = {"format_obeyed": "format_followed", "stand_in_score": "similarity_score"}
"""Metrics of ``scores.json``."""
SUBGROUP_FIELDS = {"form": "question_type"}
"""Fields before the ``=`` of a subgroup."""


class DeprecatedNameWarning(FutureWarning):
    """An old name was used; a later version of the suite will refuse it."""


def warn_deprecated(old: str, new: str, *, where: str) -> None:
    """Warn that ``where`` says ``old``, which is called ``new``."""
    message = f"{where}: {old} is deprecated; write {new}."
    warnings.warn(message, DeprecatedNameWarning, stacklevel=3)


def rename_keys(table: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A table with its old keys renamed, except where the new key is there as well."""
    return {
        names[key] if key in names and names[key] not in table else key: value
        for key, value in table.items()
    }


def rename_subgroup(subgroup: str) -> str:
    """The present name of a subgroup."""
    field, equals, value = subgroup.partition("=")
    return f"{SUBGROUP_FIELDS.get(field, field)}{equals}{value}"
