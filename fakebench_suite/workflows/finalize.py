"""The end of a run, however it came about: scores, rulings, summary, badge, submission, report."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.errors import MachineError, UserError
from fakebench_suite.gates.config import GateConfig
from fakebench_suite.gates.evaluate import evaluate_gates
from fakebench_suite.gates.run_view import RunView
from fakebench_suite.gates.status import conclude
from fakebench_suite.provenance import summarize_pixels
from fakebench_suite.report.badge import make_badge
from fakebench_suite.report.headline import make_result
from fakebench_suite.report.markdown import write_markdown
from fakebench_suite.report.submission import write_submission
from fakebench_suite.report.thumbnails import ReportImages
from fakebench_suite.runs.differences import (
    describe_pixel_change,
    list_confounders,
    list_unknown,
)
from fakebench_suite.runs.metric_delta import MetricDelta
from fakebench_suite.runs.partial import describe_partial
from fakebench_suite.runs.result import RunResult
from fakebench_suite.runs.store import (
    RECORDS,
    RunStore,
    read_manifest,
    read_records,
    read_timings,
)
from fakebench_suite.types import FinishReason, GateResult, Record, Score, Timing
from fakebench_suite.workflows.compare import measure_deltas

if TYPE_CHECKING:
    from fakebench_suite.metrics.text import TextScores

_SHOWN = 8
"""Differences that a reservation names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalizedRun:
    """What a run came to; ``report`` is the page to open, or why there is none."""

    folder: Path
    manifest: Mapping[str, Any]
    scores: Sequence[Score]
    result: RunResult
    decisions: Sequence[GateResult]
    shifts: Sequence[MetricDelta]
    """What rose and what fell since the baseline; nothing where there is none."""
    timings: Sequence[Timing]
    report: str
    notes: Sequence[str] = ()
    """What else went wrong beside the run."""


def finalize_run(
    store: RunStore,
    manifest: Mapping[str, Any],
    records: Sequence[Record],
    *,
    gates: GateConfig,
    baseline: Path | None,
    dataset: Dataset | None,
    size: ReportImages | None = ReportImages.THUMBNAIL,
) -> FinalizedRun:
    """Write everything that follows from the records into the run directory.

    ``manifest`` is the final one but for what is found here. Without ``dataset`` there are neither
    new pictures nor a submission; ``size`` is that of new pictures, None makes none. Raises
    UserError where the baseline is no run.
    """
    from fakebench_suite.metrics.scores import score_records

    texts, described = _score_texts(records)
    final = {**manifest, **described, "cut_off": count_cut_off(records)}
    final |= {"identity": complete_identity(manifest, records)}
    before = None if baseline is None else read_run_view(baseline)
    final["reservations"] = list_reservations(final, records, before)
    scores = score_records(records, texts)
    timings = read_timings(store.folder)
    run = RunView(manifest=final, records=records, scores=scores, timings=timings)
    decisions, absent = [], gates.absent
    if final["shard"] is None:
        decisions = evaluate_gates(gates.rules, run, before, strict=gates.strict)
    else:
        absent = f"this is shard {final['shard']}, and gates rule over the merged run"
    shifts: Sequence[MetricDelta] = ()
    # The least room is needed by what matters most; a report can be made again, with its pictures.
    written = store.write_scores(scores)
    if baseline is not None and before is not None:
        shifts = measure_deltas(before.records, records)
        final["baseline"] = describe_baseline(baseline, before)
        store.write_comparison(final["baseline"], shifts)
    final["gates"] = msgspec.to_builtins(gates)
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
            final["submission"] = {"missing": len(missing)}
        except OSError as error:
            store.note(error, "the submission")
    if written:
        store.write_manifest(final)
    # Shards would fill the page with parts of what the merge says.
    notes = _append_step_summary(summary) if final["shard"] is None else ()
    report = _write_report(store, dataset, baseline=baseline, shifts=shifts, size=size)
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
    store: RunStore,
    dataset: Dataset | None,
    *,
    baseline: Path | None,
    shifts: Sequence[MetricDelta],
    size: ReportImages | None,
) -> str:
    """Where the report is, or why there is none: the run is whole, and it can be made again."""
    from fakebench_suite.report.html import DatasetImages, write_html_report

    try:
        return str(
            write_html_report(
                store.folder,
                images=None if dataset is None or size is None else DatasetImages(dataset),
                size=size or ReportImages.THUMBNAIL,
                baseline=baseline,
                shifts=shifts,
                name=store.name,
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


def describe_baseline(folder: Path, run: RunView) -> dict[str, Any]:
    """The baseline as the manifest names it: by what it is, and not by where it lies."""
    model = run.manifest["model"]
    with (folder / RECORDS).open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {
        "run": folder.resolve().name,
        "model": model["name"],
        "weights_digest": model.get("weights_digest"),
        "started": run.manifest.get("started"),
        "suite": run.manifest.get("suite"),
        "partial": describe_partial(run.manifest),
        "records_digest": digest,
    }


def complete_identity(manifest: Mapping[str, Any], records: Sequence[Record]) -> Any:
    """The manifest's identity with what is known at the end: pixels, and what the model told."""
    known = manifest.get("identity")
    if not isinstance(known, dict):
        return None  # of answers given again that an older version recorded
    pixels = summarize_pixels(records)
    routes = manifest.get("routes", ())
    rendering = sorted({one["rendering"] for one in routes if one.get("rendering")})
    generation = next((one["generation"] for one in routes if one.get("generation")), None)
    return known | {
        "pixels": None if pixels is None else msgspec.to_builtins(pixels),
        "rendering": rendering or known.get("rendering"),
        "generation": generation or known.get("generation"),
    }


def list_reservations(
    manifest: Mapping[str, Any], records: Sequence[Record], baseline: RunView | None
) -> list[str]:
    """What could not be compared with the run's answers or its baseline, a sentence each."""
    runs = {"this run": manifest}
    if manifest.get("answers"):
        runs = {f"the run {manifest['answers']}": manifest}
    if baseline is not None:
        runs["the baseline"] = baseline.manifest
    found = [f"{text[0].upper()}{text[1:]}." for text in list_unknown(runs)]
    if baseline is None:
        return found
    changed = describe_pixel_change(baseline.records, records)
    if changed is not None:
        found.append(f"The baseline differs in the {changed}: changes say nothing of the model.")
    others = list_confounders(baseline.manifest, manifest)
    if others:
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        found.append(
            f"The baseline was made otherwise, not with another model alone: they differ in "
            f"{', '.join(others[:_SHOWN])}{more}."
        )
    return found


def read_run_view(folder: Path) -> RunView:
    """A run as others are compared with it, case by case; raises UserError where it is none."""
    return RunView(
        manifest=read_manifest(folder),
        records=list(read_records(folder)),
        timings=read_timings(folder),
    )


def count_cut_off(records: Sequence[Record]) -> dict[str, int]:
    """How many replies were cut off at the token limit, of those that say why they ended."""
    ends = [record.answer.finish_reason for record in records if record.answer is not None]
    told = [end for end in ends if end is not None]
    return {"replies": told.count(FinishReason.LENGTH), "of": len(told)}


def _score_texts(records: Sequence[Record]) -> "tuple[Mapping[str, TextScores], dict[str, Any]]":
    """The scores of texts with a reference, and what the manifest says of their metrics."""
    from fakebench_suite.grading.embeddings import SentenceEncoder
    from fakebench_suite.metrics.text import describe_metrics, score_answers

    encoder = SentenceEncoder()
    texts = score_answers(records, encoder)
    return texts, {"text_metrics": describe_metrics(encoder)} if texts else {}


def _append_step_summary(summary: str) -> Sequence[str]:
    """Add the summary to the page of a GitHub Actions job, where this is one; or why it cannot."""
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if not page:
        return ()
    try:
        with Path(page).open("a", encoding="utf-8") as stream:
            stream.write(summary)
    except OSError as error:
        return (f"The summary was not added to GITHUB_STEP_SUMMARY, {page}: {error.strerror}.",)
    return ()
