"""Reuse a run: a new run takes over the answers of an earlier one to the same prompt and pixels.

An answer depends on the model, its settings, the prompt's text and the image's pixels, and on
nothing else: neither on the case's name nor on how replies are read.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fakebench_suite.backends.base import Capability
from fakebench_suite.errors import UserError
from fakebench_suite.runs.differences import list_model_differences
from fakebench_suite.runs.manifest import Manifest, ManifestReuse
from fakebench_suite.runs.store import read_manifest
from fakebench_suite.tasks.robustness import IDENTITY, SEARCH
from fakebench_suite.types import Answer, Case, FinishReason, Outcome, PixelDigest, Record


class ContentKey(NamedTuple):
    """What an answer of one model depends on."""

    prompt: str
    pixels: tuple[str, ...]
    """Digests of the pixels of the images, in the order in which they are shown."""
    want: Capability


ReusableAnswers = Mapping[ContentKey, Answer]


def select_reusable(records: Iterable[Record]) -> dict[ContentKey, Answer]:
    """The answers that a run may take over: whole ones upon known pixels.

    Errors are asked again, and so are replies that were cut off at the token limit.
    """
    return {
        make_key(record.prompt, pixels, record.answer): record.answer
        for record in records
        if record.answer is not None
        and (pixels := list_pixels(record)) is not None
        and is_whole(record)
        and is_reusable(record.case)
    }


def is_reusable(case: Case) -> bool:
    """Whether its answer is that of the model to the prompt and the pixels.

    ``identity`` is there to ask the same again, and a search has asked more than it shows.
    """
    return case.perturbation not in (IDENTITY, SEARCH)


def is_whole(record: Record) -> bool:
    """Whether a record holds an answer that came to its end."""
    answer, outcome = record.answer, record.verdict.outcome
    if answer is None or (outcome.is_error and outcome is not Outcome.JUDGE_ERROR):
        return False
    return answer.finish_reason is not FinishReason.LENGTH and outcome is not Outcome.TRUNCATED


def list_pixels(record: Record) -> tuple[PixelDigest, ...] | None:
    """What was shown, in order; None where that is not known of every image."""
    shown = (record.pixels, record.second_pixels)[: len(record.case.image_names)]
    known = tuple(pixels for pixels in shown if pixels is not None)
    return known if len(known) == len(shown) else None


def make_key(prompt: str, shown: Sequence[PixelDigest], answer: Answer) -> ContentKey:
    """The key of an answer that was given."""
    # Where a server showed neither option, there is a mass and no probability.
    weighed = (answer.p_fake, answer.option_probability_mass) != (None, None)
    want = Capability.PROBABILITIES if weighed else Capability.TEXT
    digests = tuple(pixels.digest for pixels in shown)
    return ContentKey(prompt=prompt, pixels=digests, want=want)


def check_reusable(folder: Path, earlier: Manifest, planned: Manifest) -> None:
    """Raise UserError if no answer of a run can be taken over, because another model gave them."""
    if earlier.identity is None or planned.identity is None:
        raise UserError(
            f"{folder} was written by an older version of the suite, and what its answers depend "
            "on is not known. Leave --reuse out."
        )
    differences = list_model_differences(earlier.identity, planned.identity)
    if differences:
        raise UserError(
            f"No answer of {folder} can be taken over: it had another "
            f"{', another '.join(differences)}. Leave --reuse out."
        )


def count_reuse(run: Path, before: Sequence[Record], records: Sequence[Record]) -> ManifestReuse:
    """How many answers a run took over, and why it asked the others.

    ``before`` are the records of the earlier run in the directory ``run``.
    """
    earlier = {record.case.id: record for record in before}
    reasons = Counter(
        find_reason(earlier.get(record.case.id), record) for record in records if not record.reused
    )
    return ManifestReuse(
        run=run.name,
        started=read_manifest(run).started,
        taken=sum(record.reused for record in records),
        asked=dict(sorted(reasons.items())),
    )


def find_reason(before: Record | None, now: Record) -> str:
    """Why a case was asked although the earlier run was there to take its answer from."""
    if before is None:
        return "new case"
    if not is_reusable(now.case):
        return "always asked"
    if before.answer is None or before.verdict.outcome.is_error:
        return "error before"
    if not is_whole(before):
        return "cut off before"
    if before.prompt != now.prompt:
        return "other prompt"
    if list_pixels(before) is None or list_pixels(before) != list_pixels(now):
        return "other pixels"
    return "read otherwise"
