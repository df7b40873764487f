"""Check by the counts in a manifest whether a population is complete."""

from collections.abc import Sequence
from dataclasses import dataclass

from fakebench_suite.runs.manifest import Manifest
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
    manifest: Manifest,
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
    reasons = list_reasons(manifest)
    if manifest.population is None:  # before runs counted their populations
        drawn = manifest.sample or 0
        accepted = reasons == [SAMPLED] and sample is not None and drawn >= sample
        return None if accepted or not reasons else _make_partial(manifest, None, subject)
    due = manifest.population.get(task, {}).get(subgroup, 0)
    which = f"{task} case" if subgroup == ALL else f"{task} case of {subgroup}"
    if not due:
        return PartialReason(
            clause=f"the data set has no {which}", phrase=f"no {which} in the data set"
        )
    if {CUT_OFF, INTERRUPTED}.isdisjoint(reasons):
        drawn = (manifest.drawn or {}).get(task, {}).get(subgroup, 0)
        enough = sample is not None and (manifest.sample or 0) >= sample
        if here >= due or (enough and here >= drawn > 0):
            return None
    if manifest.tasks is not None and task not in manifest.tasks:
        clause = f"no {task} case was asked" + ("" if subject == "run" else f" in the {subject}")
        return PartialReason(clause=clause, phrase=clause)
    return _make_partial(manifest, task, subject)


def _make_partial(manifest: Manifest, task: str | None, subject: str) -> PartialReason:
    why = describe_partial(manifest, task)
    return PartialReason(
        clause=f"the {subject} is partial ({why})", phrase=f"partial {subject} ({why})"
    )


def list_reasons(manifest: Manifest) -> Sequence[str]:
    """Why a run is partial; one that did not come to its end is cut off."""
    return [CUT_OFF] if manifest.partial is None else manifest.partial


def describe_partial(manifest: Manifest, task: str | None = None) -> str:
    """Why a run, or a task of it, is partial, with the filter and sample; empty if it is not."""
    reasons = list_reasons(manifest)
    if manifest.tasks is not None and task in manifest.tasks:
        reasons = manifest.tasks[task].partial or reasons
    images = count_of(manifest.sample, "image") if manifest.sample else None
    details = {SAMPLED: images, FILTERED: manifest.filter}
    return ", ".join(
        f"{reason}: {detail}" if (detail := details.get(reason)) else reason for reason in reasons
    )


def list_whole(manifest: Manifest) -> list[str]:
    """The complete tasks of a run."""
    return [task for task, counts in (manifest.tasks or {}).items() if not counts.partial]
