"""What two runs disagree on, in words: what their answers depend on, and how they were scored."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from fakebench_suite.errors import UserError
from fakebench_suite.provenance import Identity, count_changed_pixels, read_identity
from fakebench_suite.runs.store import read_manifest
from fakebench_suite.types import Record

COMPARED_KEYS = (
    "suite", "code_digest", "model", "dataset", "prompts", "judge", "answers", "seed", "sample",
    "planned", "versions",
)  # fmt: skip
"""What a figure depends on; the rest of a manifest is about one sitting: clock, machine, counts."""
_IDENTIFIED = frozenset({"model", "dataset", "prompts"})
"""Settings whose part in the answers is in the identity; the rest of them are names and places."""
_NO_SETTINGS = frozenset({"judge.audit", "model.card.path", "model.card_digest"})
"""Found at the end of a sitting, or the name of a place; older versions digested places, too."""
_WORDS = {
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
"""The parts of an identity as they are called where two runs differ in them. Pixels are compared
image by image, for shards of one run show different ones."""
_TOLD = frozenset({"generation", "rendering"})
"""Parts that the loaded model tells, and a run that was cut off does not know."""
_MODEL = frozenset({
    "model weights", "card repository", "card revision", "model.name", "model.weights_digest",
    "model.card.name", "model.card.repository", "model.card.revision",
})  # fmt: skip
_EXTENT = frozenset({"seed", "sample", "planned", "answers"})
"""Settings that choose cases; a comparison pairs the cases that both runs have."""
_ABSENT = object()


def check_data(run: Path, *, name: str, digest: str) -> None:
    """Raise UserError where the run was made over another data set than the one so called."""
    known = read_manifest(run)["dataset"]
    if known.get("digest") != digest:
        raise UserError(
            f"{run} was made over {known.get('name')}, whose digest differs from that of {name}. "
            "Give the same --data as then: only runs over the same data belong together."
        )


def check_same_data(run: Path, other: Path) -> None:
    """Raise UserError where two runs were made over different data."""
    described = read_manifest(run)["dataset"]
    check_data(other, name=described["name"], digest=described.get("digest", ""))


def list_differences(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[str]:
    """What two runs were made with, where they differ, in words such as ``model weights``.

    Runs of which one has no identity are compared by the settings that older versions wrote.
    """
    ours, theirs = read_identity(one), read_identity(two)
    names: list[str] = []
    if ours is not None and theirs is not None:
        names += _compare_identities(ours, theirs)
    known = ours is not None and theirs is not None
    for key in COMPARED_KEYS:
        if not (known and key in _IDENTIFIED):
            names += _walk(key, one.get(key, _ABSENT), two.get(key, _ABSENT))
    if "code_digest" in names and _WORDS["code"] in names:
        names.remove(_WORDS["code"])
    if "judge.text" in names and all("digest" in run.get("judge", {}) for run in (one, two)):
        names.remove("judge.text")  # a local judge's place; what it is says its digest
    return names


def list_confounders(baseline: Mapping[str, Any], run: Mapping[str, Any]) -> list[str]:
    """What a run was made with otherwise than its baseline, besides the model it asks.

    Weights and their name are what is compared, and how many cases were asked is said elsewhere.
    """
    return [
        name
        for name in list_differences(baseline, run)
        if name not in _MODEL and name.partition(".")[0] not in _EXTENT
    ]


def list_unknown(runs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each run, by name, whose manifest has no identity."""
    for name, manifest in runs.items():
        if read_identity(manifest) is None:
            yield (
                f"identity unknown: {name} was written by an older version of the suite, and its "
                "pixels, chat template and tokenizer are compared with nothing"
            )


def describe_pixel_change(one: Sequence[Record], two: Sequence[Record]) -> str | None:
    """What two runs showed otherwise under the same names; None where nothing is known to be."""
    changed, known = count_changed_pixels(one, two)
    return f"pixels of {changed:,} of {known:,} images" if changed else None


def describe_rendering_change(one: Sequence[Record], two: Sequence[Record]) -> str | None:
    """How many prompts became other tokens; None where none is known to."""
    ours, theirs = (
        {r.case.id: r.answer.rendered for r in side if r.answer and r.answer.rendered}
        for side in (one, two)
    )
    both = ours.keys() & theirs.keys()
    changed = sum(ours[name] != theirs[name] for name in both)
    return f"tokens of {changed:,} of {len(both):,} prompts" if changed else None


def _compare_identities(one: Identity, two: Identity) -> Iterator[str]:
    ours, theirs = msgspec.to_builtins(one), msgspec.to_builtins(two)
    for part, word in _WORDS.items():
        mine, other = ours[part], theirs[part]
        if mine == other or (part in _TOLD and None in (mine, other)):
            continue
        if isinstance(mine, Mapping) and isinstance(other, Mapping):
            for name in _walk("", mine, other):
                yield f"{word} {name.removeprefix('.')}"
        else:
            yield word


def _walk(name: str, one: object, two: object) -> Iterator[str]:
    if name in _NO_SETTINGS or one == two:
        return
    if not isinstance(one, Mapping) or not isinstance(two, Mapping):
        yield name
        return
    for key in dict.fromkeys([*one, *two]):
        yield from _walk(f"{name}.{key}", one.get(key, _ABSENT), two.get(key, _ABSENT))
