"""Finalize a run: scores, gates, summary, badge, submission and report."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fakebench_suite.backends.base import MIN_MASS
from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.errors import MachineError, UserError
from fakebench_suite.execution.usage import count_uncounted, sum_usage
from fakebench_suite.extras import Extra, format_install, has_extra
from fakebench_suite.gates.config import GateConfig, describe_gates
from fakebench_suite.gates.evaluate import evaluate_gates
from fakebench_suite.gates.run_view import RunView
from fakebench_suite.gates.status import conclude
from fakebench_suite.provenance import RunIdentity, summarize_pixels
from fakebench_suite.report.badge import make_badge
from fakebench_suite.report.headline import make_result
from fakebench_suite.report.markdown import write_markdown
from fakebench_suite.report.submission import write_submission
from fakebench_suite.report.thumbnails import ReportImageSize
from fakebench_suite.runs.completeness import describe_partial
from fakebench_suite.runs.coverage import lacks_score
from fakebench_suite.runs.differences import list_unknown
from fakebench_suite.runs.manifest import (
    Manifest,
    ManifestBaseline,
    ManifestSubmission,
    ManifestTruncation,
)
from fakebench_suite.runs.metric_delta import MetricDelta
from fakebench_suite.runs.run_result import RunResult
from fakebench_suite.runs.store import (
    RECORDS,
    RunWriter,
    read_all_records,
    read_manifest,
    read_timings,
)
from fakebench_suite.text.display import count_of
from fakebench_suite.types import FinishReason, GateResult, LatencyTiming, Record, Score
from fakebench_suite.workflows.compare import list_baseline_reservations, measure_deltas

if TYPE_CHECKING:
    from fakebench_suite.metrics.claims import GroundedRun
    from fakebench_suite.metrics.text import TextScores

_EVEN, _SIGMOID_OF_1 = 0.5, 0.7310585786300049
"""What a second sigmoid makes of the probabilities 0 and 1."""
_WITHOUT_SIMILARITY = (
    "Similarity and clue scores were not computed. Install what they need with "
    f"{format_install(Extra.SIMILARITY)}, and score the same replies with --answers."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalizedRun:
    """The results of a run; ``report`` is the path of its page, or why there is none."""

    folder: Path
    manifest: Manifest
    scores: Sequence[Score]
    result: RunResult
    decisions: Sequence[GateResult]
    shifts: Sequence[MetricDelta]
    """The changes of metrics since the baseline; empty if there is none."""
    timings: Sequence[LatencyTiming]
    report: str
    notes: Sequence[str] = ()
    """Sentences about what else went wrong."""


def finalize_run(
    store: RunWriter,
    manifest: Manifest,
    records: Sequence[Record],
    *,
    gates: GateConfig,
    baseline: Path | None,
    dataset: Dataset | None,
    size: ReportImageSize | None = ReportImageSize.THUMBNAIL,
) -> FinalizedRun:
    """Write all files that are computed from the records into the run directory.

    ``manifest`` is completed here. Without ``dataset``, neither images nor a submission are
    written; ``size`` is the size of the images, None for no images. Raises UserError if the
    baseline is not a run.
    """
    from fakebench_suite.metrics.claims import ground_run
    from fakebench_suite.metrics.scores import score_run

    texts, text_metrics = _score_texts(records)
    before = None if baseline is None else read_run_view(baseline)
    final = msgspec.structs.replace(
        manifest,
        text_metrics=text_metrics,
        cut_off=count_cut_off(records),
        usage=sum_usage(records, given_again=manifest.answers is not None),
        identity=complete_identity(manifest, records),
        gates=describe_gates(gates),
        baseline=None,
        submission=None,
    )
    reservations = list_reservations(final, records)
    if baseline is not None and before is not None:
        reservations += list_baseline_reservations(
            final, records, before, name=baseline.resolve().name
        )
    if texts and not has_extra(Extra.SIMILARITY):
        reservations.append(_WITHOUT_SIMILARITY)
    final = msgspec.structs.replace(final, reservations=reservations)
    known = ground_run(records)
    scores = score_run(known, texts)
    timings = read_timings(store.folder)
    run = RunView(manifest=final, records=records, scores=scores, timings=timings)
    decisions, absent = [], gates.absent
    if final.shard is None:
        decisions = evaluate_gates(gates.rules, run, before, strict=gates.strict)
    else:
        absent = f"this is shard {final.shard}, and gates are evaluated over the merged run"
    shifts: Sequence[MetricDelta] = ()
    # The most important and smallest files come first; a report can be written again.
    written = store.write_scores(scores)
    if baseline is not None and before is not None:
        shifts = measure_deltas(before.records, records)
        described = describe_baseline(baseline, before)
        final = msgspec.structs.replace(final, baseline=described)
        store.write_comparison(described, shifts)
    result = make_result(final, conclude(decisions, absent=absent), scores, shifts)
    if written:
        store.write_manifest(final)
    store.write_gates(result, decisions)
    summary = write_markdown(final, scores, result, decisions, shifts=shifts, timings=timings)
    store.write_summary(summary)
    store.write_badge(make_badge(final, result))
    if texts:
        store.write_texts(texts)
    if dataset is not None and dataset.kind == "official":
        try:
            missing = write_submission(store.folder, dataset.cases, records)
            submission = ManifestSubmission(missing=len(missing))
            final = msgspec.structs.replace(final, submission=submission)
        except OSError as error:
            store.note(error, "the submission")
    if written:
        store.write_manifest(final)
    # The summaries of shards would repeat parts of the merged run's.
    notes = _append_step_summary(summary) if final.shard is None else ()
    report = _write_report(store, dataset, known, baseline=baseline, shifts=shifts, size=size)
    return FinalizedRun(
        folder=store.folder,
        manifest=final,
        scores=scores,
        result=result,
        decisions=decisions,
        shifts=shifts,
        timings=timings,
        report=report,
        notes=notes,
    )


def _write_report(
    store: RunWriter,
    dataset: Dataset | None,
    known: "GroundedRun",
    *,
    baseline: Path | None,
    shifts: Sequence[MetricDelta],
    size: ReportImageSize | None,
) -> str:
    """The path of the report, or why there is none; it can be written again later."""
    from fakebench_suite.report.html import DatasetImages, ReportBaseline, write_html_report

    try:
        return str(
            write_html_report(
                store.folder,
                images=None if dataset is None or size is None else DatasetImages(dataset),
                size=size or ReportImageSize.THUMBNAIL,
                baseline=None
                if baseline is None
                else ReportBaseline(folder=baseline, shifts=shifts),
                name=store.name,
                known=known,
            )
        )
    except (MachineError, UserError) as error:
        if isinstance(error, MachineError):
            if store.troubles is None:
                raise
            store.troubles.append(str(error))
        return str(error)
    except OSError as error:
        store.note(error, "the report")
        return f"there is none, because it could not be written: {error.strerror}"


def describe_baseline(folder: Path, run: RunView) -> ManifestBaseline:
    """The baseline as the manifest describes it, without its path."""
    manifest = run.manifest
    with (folder / RECORDS).open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return ManifestBaseline(
        run=folder.resolve().name,
        model=manifest.model.name,
        weights_digest=manifest.model.weights_digest,
        started=manifest.started,
        suite=manifest.suite,
        partial=describe_partial(manifest),
        records_digest=digest,
    )


def complete_identity(manifest: Manifest, records: Sequence[Record]) -> RunIdentity | None:
    """The manifest's identity, completed with the pixels and what the model reported."""
    identity = manifest.identity
    if identity is None:
        return None  # --answers of a run of an older version
    rendering = sorted({info.rendering for info in manifest.inference if info.rendering})
    generation = next((info.generation for info in manifest.inference if info.generation), None)
    return msgspec.structs.replace(
        identity,
        pixels=summarize_pixels(records),
        rendering=rendering or identity.rendering,
        generation=generation or identity.generation,
    )


def list_refused_parameters(manifest: Manifest) -> list[str]:
    """The parameters of sampling that the server of a run's model does not take."""
    details = [info.details for info in manifest.inference]
    refused = [entry.get("refused_parameters") for entry in details if isinstance(entry, dict)]
    return sorted({name for names in refused if isinstance(names, list) for name in names})


def find_too_few_tokens(manifest: Manifest) -> int | None:
    """What a server counted for a prompt with a picture, if it is too little; else None."""
    counts = (info.details.get("too_few_tokens") for info in manifest.inference)
    return next((count for count in counts if isinstance(count, int)), None)


def _seems_squashed_twice(manifest: Manifest, records: Sequence[Record]) -> bool:
    """Whether the only output of a detector may be a probability that was read as a logit.

    The sigmoid of a number from 0 to 1 lies between one half and _SIGMOID_OF_1.
    """
    details = [info.details for info in manifest.inference]
    if not any((entry.get("output"), entry.get("outputs")) == ("logits", 1) for entry in details):
        return False
    chances = [
        record.answer.p_fake
        for record in records
        if record.answer is not None and record.answer.p_fake is not None
    ]
    return bool(chances) and (
        all(_EVEN <= chance <= _SIGMOID_OF_1 for chance in chances)
        or all(1 - _SIGMOID_OF_1 <= chance <= _EVEN for chance in chances)
    )


def _has_several_settings(manifest: Manifest) -> bool:
    """Whether the sessions of a run rendered prompts or generated replies in different ways."""
    renderings = {info.rendering for info in manifest.inference if info.rendering}
    generations = [info.generation for info in manifest.inference if info.generation]
    return len(renderings) > 1 or any(other != generations[0] for other in generations[1:])


def list_reservations(manifest: Manifest, records: Sequence[Record]) -> list[str]:
    """Sentences about what was not asked, and what limits the meaning of the answers."""
    reservations = []
    lacking = manifest.deselected
    if lacking:
        reservations.append(
            f"Not asked: {', '.join(lacking)}; the model lacks the capability "
            f"{', '.join(sorted(set(lacking.values())))}."
        )
    reservations += list_answer_reservations(manifest, records)
    if reason := manifest.judge.given_up:
        reservations.append(f"Some texts were not judged; --resume judges them. {reason}")
    if (uncounted := count_uncounted(records)) and not manifest.answers:
        reservations.append(
            f"It is not known what {count_of(uncounted, 'answer')} took: the sums of tokens and "
            "cost are too small."
        )
    return reservations


def list_answer_reservations(manifest: Manifest, records: Sequence[Record]) -> list[str]:
    """Sentences about what limits the meaning of the answers in these records of a run."""
    runs = {"this run": manifest}
    if manifest.answers:
        runs = {f"the run {manifest.answers}": manifest}
    reservations = [f"{text[0].upper()}{text[1:]}." for text in list_unknown(runs)]
    reservations += dict.fromkeys(info.error for info in manifest.inference if info.error)
    if (manifest.resumed or manifest.reused) and _has_several_settings(manifest):
        reservations.append(
            "The prompts were rendered or answered with other settings before than after the run "
            "was resumed, or in the run whose answers were taken over."
        )
    reservations += _list_detector_reservations(manifest, records)
    reservations += _list_server_reservations(manifest)
    reservations += _list_score_reservations(records)
    return reservations


def _list_score_reservations(records: Sequence[Record]) -> Iterator[str]:
    """Yield what accuracies leave out, and where probabilities mean little."""
    if unscored := sum(map(lacks_score, records)):
        be = "is" if unscored == 1 else "are"
        yield (
            f"{count_of(unscored, 'case')} with a label could not be scored and {be} in no "
            "accuracy; gates on accuracies are inconclusive."
        )
    weighed = [
        record.answer
        for record in records
        if record.answer is not None
        and record.answer.p_fake is not None
        and record.answer.option_probability_mass is not None
    ]
    cases = count_of(len(weighed), "case")
    improbable = sum((answer.option_probability_mass or 0.0) < MIN_MASS for answer in weighed)
    if improbable:
        yield (
            f"Both options together have a probability below {100 * MIN_MASS:g} % in "
            f"{improbable:,} of {cases}: the reply would begin with other words, and P(fake) means "
            "little there."
        )
    # In this process the probabilities of all tokens are known.
    one_sided = sum(answer.usage is not None and answer.p_fake in (0, 1) for answer in weighed)
    if one_sided:
        yield (
            f"The server gives the probability of one option only in {one_sided:,} of {cases}: the "
            "other is taken for impossible, and P(fake) for 0 or 1, so that calibration looks "
            "worse than it may be."
        )


def _list_detector_reservations(manifest: Manifest, records: Sequence[Record]) -> Iterator[str]:
    """Yield what limits the scores of a detector."""
    name, card = manifest.model.name, manifest.model.card
    if card.get("backend") == "classifier" and not card.get("training_data"):
        yield (
            f"It is not known whether {name} was trained on images of these generators: its card "
            "has no training_data."
        )
    if _seems_squashed_twice(manifest, records):
        yield (
            f"All outputs of {name} lie in 0 to 1, as probabilities do, and are read as logits: if "
            'it ends in a sigmoid, set output = "probabilities" in its card.'
        )


def _list_server_reservations(manifest: Manifest) -> list[str]:
    """Sentences about the server of the model."""
    reservations = []
    if manifest.usage is not None and len(manifest.usage.models) > 1:
        models = [f"{name} ({count:,})" for name, count in manifest.usage.models.items()]
        reservations.append(f"The server answered with several models: {', '.join(models)}.")
    if refused := list_refused_parameters(manifest):
        reservations.append(
            f"The model's server refuses {', '.join(refused)}: replies may differ each time they "
            "are asked for."
        )
    if (count := find_too_few_tokens(manifest)) is not None:
        reservations.append(
            f"The model's server counted {count} tokens for a test prompt with a picture, fewer "
            "than any known model has for both: it may not have shown pictures to the model."
        )
    return reservations


def read_run_view(folder: Path) -> RunView:
    """A run as a baseline, case by case; raises UserError if it is not one."""
    manifest = read_manifest(folder)
    return RunView(
        manifest=manifest,
        records=read_all_records(folder, manifest),
        timings=read_timings(folder),
    )


def count_cut_off(records: Sequence[Record]) -> ManifestTruncation:
    """Replies that were cut off at the token limit, of those with a finish reason."""
    ends = [record.answer.finish_reason for record in records if record.answer is not None]
    reasons = [end for end in ends if end is not None]
    return ManifestTruncation(replies=reasons.count(FinishReason.LENGTH), of=len(reasons))


def _score_texts(
    records: Sequence[Record],
) -> "tuple[Mapping[str, TextScores], dict[str, str] | None]":
    """The scores of texts with a reference, and the variants of their metrics if there are any."""
    from fakebench_suite.grading.embeddings import SentenceEncoder
    from fakebench_suite.metrics.text import describe_metrics, score_answers

    encoder = SentenceEncoder() if has_extra(Extra.SIMILARITY) else None
    texts = score_answers(records, encoder)
    return texts, describe_metrics(encoder) if texts else None


def _append_step_summary(summary: str) -> Sequence[str]:
    """Append the summary to the page of a GitHub Actions job; a sentence if that fails."""
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if not page:
        return ()
    try:
        with Path(page).open("a", encoding="utf-8") as stream:
            stream.write(summary)
    except OSError as error:
        return (f"The summary was not added to GITHUB_STEP_SUMMARY, {page}: {error.strerror}.",)
    return ()
