"""Name the differences between two runs: what answers depend on, and how they were scored."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from fakebench_suite.errors import UserError
from fakebench_suite.files.paths import resolve
from fakebench_suite.provenance import RunIdentity, count_changed_pixels
from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.runs.store import read_manifest
from fakebench_suite.types import Record

_COMPARED: tuple[str, ...] = (
    "suite", "code_digest", "model", "dataset", "prompts", "judge", "answers", "seed", "sample",
    "planned", "versions",
)  # fmt: skip
"""Keys of a manifest that scores depend on; the rest describes one session."""
_COVERED_BY_IDENTITY = frozenset({"model", "dataset", "prompts"})
"""Keys that the identity covers; the rest of their content is names and paths."""
_NOT_COMPARED = frozenset({"judge.calibration", "judge.given_up", "model.card.path"})
"""Results of a session and paths."""
_PART_NAMES = {
    "protocol": "protocol",
    "code": "code of the suite that asked",
    "card": "card",
    "weights": "model weights",
    "files": "model file",
    "remote_code": "trust in the checkpoint's code",
    "rows": "rows of the data",
    "prompts": "prompts",
    "style": "style of the prompts",
    "reply": "replies (written or weighed)",
    "generation": "generation setting",
    "rendering": "rendered prompts (chat template or date)",
}
"""The parts of an identity by their names in messages. Pixels are compared image by image, because
shards of one run have different images."""
_MODEL_PARTS = frozenset(
    {"protocol", "card", "weights", "files", "remote_code", "generation", "rendering"}
)
"""The parts that an answer depends on besides its prompt and pixels."""
_REPORTED_BY_MODEL = frozenset({"generation", "rendering"})
"""Parts that the loaded model reports; interrupted runs lack them."""
_MODEL_SETTINGS = frozenset({
    "model weights", "card repository", "card revision", "model.name", "model.weights_digest",
    "model.card.name", "model.card.repository", "model.card.revision", "card backend",
    "card endpoint", "card endpoint.url", "card endpoint.model",
})  # fmt: skip
_CASE_SELECTION = frozenset({"seed", "sample", "planned", "answers"})
"""Settings that select cases; comparisons pair the cases of both runs."""
_ABSENT = object()
PROBES = "probes"
"""Name and kind of the embedded data set."""


def check_data(run: Path, *, name: str, digest: str) -> None:
    """Raise UserError if the run is over another data set than the named one."""
    dataset = read_manifest(run).dataset
    if dataset.digest != digest and dataset.kind == name == PROBES:
        raise UserError(
            f"{run} was made over the probes of another version of the suite. Make it anew: only "
            "runs over the same data belong together."
        )
    if dataset.digest != digest:
        raise UserError(
            f"{run} was made over {dataset.name}, whose digest differs from that of {name}. "
            "Give the same --data as then: only runs over the same data belong together."
        )


def check_other_run(run: Path, other: Path) -> None:
    """Raise UserError if two runs to be compared are one."""
    if resolve(run) == resolve(other):
        raise UserError(f"{other} would be compared with itself. Name another run.")


def check_same_data(run: Path, other: Path) -> None:
    """Raise UserError if two runs to be compared are one, or are over different data sets."""
    check_other_run(run, other)
    dataset = read_manifest(run).dataset
    check_data(other, name=dataset.name, digest=dataset.digest)


def list_differences(manifest: Manifest, other: Manifest) -> list[str]:
    """The differences between two runs, in words such as ``model weights``.

    If a run has no identity, the settings that older versions wrote are compared.
    """
    names: list[str] = []
    keys = _COMPARED
    if manifest.identity is not None and other.identity is not None:
        names += _compare_identities(manifest.identity, other.identity)
        keys = tuple(key for key in _COMPARED if key not in _COVERED_BY_IDENTITY)
    table, other_table = msgspec.to_builtins(manifest), msgspec.to_builtins(other)
    for key in keys:
        names += _differing_keys(key, table[key], other_table[key])
    if "code_digest" in names and _PART_NAMES["code"] in names:
        names.remove(_PART_NAMES["code"])
    if "judge.text" in names and manifest.judge.digest and other.judge.digest:
        names.remove("judge.text")  # a path; the digest identifies a local judge
    return names


def list_confounders(baseline: Manifest, run: Manifest) -> list[str]:
    """The differences between a run and its baseline, other than the model and the cases asked."""
    return [
        name
        for name in list_differences(baseline, run)
        if name not in _MODEL_SETTINGS and name.partition(".")[0] not in _CASE_SELECTION
    ]


def list_unknown(runs: Mapping[str, Manifest]) -> Iterator[str]:
    """One sentence per run whose manifest has no identity; ``runs`` are manifests by name."""
    for name, manifest in runs.items():
        if manifest.identity is None:
            yield (
                f"identity unknown: {name} was written by an older version of the suite, and its "
                "pixels, chat template and tokenizer cannot be compared"
            )


def describe_pixel_change(records: Sequence[Record], other_records: Sequence[Record]) -> str | None:
    """The number of images with different pixels in two runs, in words; None if there is none."""
    changed, known = count_changed_pixels(records, other_records)
    return f"pixels of {changed:,} of {known:,} images" if changed else None


def describe_rendering_change(
    records: Sequence[Record], other_records: Sequence[Record]
) -> str | None:
    """The number of prompts with different tokens in two runs, in words; None if there is none."""
    tokens, other_tokens = (
        {r.case.id: r.answer.rendered for r in side if r.answer and r.answer.rendered}
        for side in (records, other_records)
    )
    both = tokens.keys() & other_tokens.keys()
    changed = sum(tokens[name] != other_tokens[name] for name in both)
    return f"tokens of {changed:,} of {len(both):,} prompts" if changed else None


def list_model_differences(identity: RunIdentity, other: RunIdentity) -> list[str]:
    """The differences between the models of two runs and how these were asked, in words."""
    return list(_compare_identities(identity, other, parts=_MODEL_PARTS))


def _compare_identities(
    identity: RunIdentity, other_identity: RunIdentity, *, parts: Collection[str] = _PART_NAMES
) -> Iterator[str]:
    values, other_values = msgspec.to_builtins(identity), msgspec.to_builtins(other_identity)
    for part, word in _PART_NAMES.items():
        if part not in parts:
            continue
        value, other = values[part], other_values[part]
        if value == other or (part in _REPORTED_BY_MODEL and None in (value, other)):
            continue
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            for name in _differing_keys("", value, other):
                yield f"{word} {name.removeprefix('.')}"
        else:
            yield word


def _differing_keys(name: str, value: object, other: object) -> Iterator[str]:
    if name in _NOT_COMPARED or value == other:
        return
    if not isinstance(value, Mapping) or not isinstance(other, Mapping):
        yield name
        return
    for key in dict.fromkeys([*value, *other]):
        yield from _differing_keys(
            f"{name}.{key}", value.get(key, _ABSENT), other.get(key, _ABSENT)
        )
