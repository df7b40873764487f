"""Check by the counts in a manifest whether a population is complete."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fakebench_suite.tasks.subgroups import ALL
from fakebench_suite.text.display import count_of

CUT_OFF, INTERRUPTED, SAMPLED, FILTERED = "cut off", "interrupted", "sampled", "filtered"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialReason:
    """Why a population is incomplete."""

    clause: str
    """As part of a sentence, such as ``the run is partial (sampled: 200 images)``."""
    phrase: str
    """Without a verb, such as ``partial run (sampled: 200 images)``."""


def missing_cases(
    manifest: Mapping[str, Any],
    task: str,
    subgroup: str,
    here: int,
    *,
    sample: int | None,
    subject: str = "run",
) -> PartialReason | None:
    """Why ``here`` records are fewer than a population has; None if it is complete.

    A sample of at least ``sample`` images counts as complete. ``subject`` names the run in the
    reason.
    """
    reasons = manifest.get("partial", [CUT_OFF])
    if "population" not in manifest:  # before runs counted their populations
        drawn = manifest.get("sample") or 0
        accepted = reasons == [SAMPLED] and sample is not None and drawn >= sample
        return None if accepted or not reasons else _make_partial(manifest, None, subject)
    due = manifest["population"].get(task, {}).get(subgroup, 0)
    which = f"{task} case" if subgroup == ALL else f"{task} case of {subgroup}"
    if not due:
        return PartialReason(
            clause=f"the data set has no {which}", phrase=f"no {which} in the data set"
        )
    if {CUT_OFF, INTERRUPTED}.isdisjoint(reasons):
        drawn = manifest.get("drawn", {}).get(task, {}).get(subgroup, 0)
        enough = sample is not None and (manifest.get("sample") or 0) >= sample
        if here >= due or (enough and here >= drawn > 0):
            return None
    if "tasks" in manifest and task not in manifest["tasks"]:
        clause = f"no {task} case was asked" + ("" if subject == "run" else f" in the {subject}")
        return PartialReason(clause=clause, phrase=clause)
    return _make_partial(manifest, task, subject)


def _make_partial(manifest: Mapping[str, Any], task: str | None, subject: str) -> PartialReason:
    why = describe_partial(manifest, task)
    return PartialReason(
        clause=f"the {subject} is partial ({why})", phrase=f"partial {subject} ({why})"
    )


def describe_partial(manifest: Mapping[str, Any], task: str | None = None) -> str:
    """Why a run, or a task of it, is partial, with the filter and sample; empty if it is not."""
    reasons = manifest.get("partial", [CUT_OFF])
    if task is not None:
        reasons = manifest.get("tasks", {}).get(task, {}).get("partial") or reasons
    sample, chosen = manifest.get("sample"), manifest.get("filter")
    details = {SAMPLED: sample and count_of(sample, "image"), FILTERED: chosen}
    return ", ".join(
        f"{reason}: {detail}" if (detail := details.get(reason)) else reason for reason in reasons
    )


def list_whole(manifest: Mapping[str, Any]) -> list[str]:
    """The complete tasks of a run."""
    tasks = manifest.get("tasks", {})
    return [task for task, covered in tasks.items() if not covered["partial"]]
