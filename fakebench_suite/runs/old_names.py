"""What older versions of the suite wrote into a run directory, under today's names.

Every function takes a decoded JSON value and returns a new one. Values that are not shaped as
expected are returned unchanged, so that the decoder reports them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from fakebench_suite.deprecation import BENCHMARKS, METRICS, rename_keys, rename_subgroup

_FORGED_REGION = "forged_region"
"""A case had one box at most, before it had regions."""
_CASE = {
    "form": "question_type", "twin": "paired_image", "box": _FORGED_REGION,
    "category": "content_categories",
}  # fmt: skip
_ANSWER = {"mass": "option_probability_mass"}
_VERDICT = {"why": "reason", "said": "label", "obeyed": "followed_format"}
_SCORE = {"slice": "subgroup"}
_TIMING = {"work": "input_digest"}
_OUTCOME = {"ruling": "outcome"}
_RESULT = {"ruling": "outcome", "decisions": "results"}
_GATE = {"slice": "subgroup", "on": "compare", "negligible": "tolerance"}
_OUTCOMES = {"not ruled": "not evaluated"}
_MANIFEST = {"routes": "inference"}
_JUDGE = {"audit": "calibration"}
_REASON = {"why": "reason"}


def has_forged_region(line: bytes) -> bool:
    """Whether a line of ``records.jsonl`` has the box that decodes, unseen, to no region.

    In a text of the record its quotation marks are escaped.
    """
    return b'"forged_region":[' in line


def rename_record(value: Any) -> Any:
    """A line of ``records.jsonl``."""
    parts = {"case": _CASE, "answer": _ANSWER, "verdict": _VERDICT}
    if not isinstance(value, dict):
        return value
    record = {
        key: rename_keys(part, parts[key]) if key in parts and isinstance(part, dict) else part
        for key, part in value.items()
    }
    if isinstance(record.get("case"), dict) and _FORGED_REGION in record["case"]:
        record["case"] = _replace_forged_region(record["case"])
    return record


def _replace_forged_region(case: dict[str, Any]) -> dict[str, Any]:
    """A case with its one box as its only region."""
    rest = {key: value for key, value in case.items() if key != _FORGED_REGION}
    box = case[_FORGED_REGION]
    return rest if box is None else rest | {"regions": [{"box": box}]}


def rename_score(value: Any) -> Any:
    """A score, of ``scores.json`` or the headline of a result."""
    if not isinstance(value, dict):
        return value
    score = rename_keys(value, _SCORE)
    _replace(score, "subgroup", rename_subgroup)
    _replace(score, "metric", lambda name: METRICS.get(name, name))
    return score


def rename_scores(value: Any) -> Any:
    """The list of ``scores.json``."""
    return [rename_score(score) for score in value] if isinstance(value, list) else value


def rename_timings(value: Any) -> Any:
    """The list of ``latency.json``."""
    if not isinstance(value, list):
        return value
    timings = [rename_keys(item, _TIMING) if isinstance(item, dict) else item for item in value]
    for timing in timings:
        _replace(timing, "name", lambda name: BENCHMARKS.get(name, name))
    return timings


def rename_result(value: Any) -> Any:
    """The object of ``gates.json``, which was ``rulings.json``, or the list of older versions."""
    if isinstance(value, list):
        return [_rename_outcome(item) for item in value]
    if not isinstance(value, dict):
        return value
    result = rename_keys(value, _RESULT)
    _replace(result, "outcome", lambda name: _OUTCOMES.get(name, name))
    if isinstance(result.get("gates"), dict):
        result["gates"] = rename_keys(result["gates"], {"ruled": "evaluated"})
    if "headline" in result:
        result["headline"] = rename_score(result["headline"])
    if isinstance(result.get("results"), list):
        result["results"] = [_rename_outcome(item) for item in result["results"]]
    return result


def rename_gate(value: Any) -> Any:
    """A rule of ``gates.toml`` as a manifest has it."""
    if not isinstance(value, dict):
        return value
    gate = rename_keys(value, _GATE)
    _replace(gate, "subgroup", rename_subgroup)
    _replace(gate, "metric", lambda name: METRICS.get(name, name))
    _replace(gate, "benchmark", lambda name: BENCHMARKS.get(name, name))
    return gate


def rename_manifest(value: dict[str, Any]) -> dict[str, Any]:
    """A manifest: its keys, the subgroups of its populations, its cards and its gates' rules."""
    manifest = rename_keys(value, _MANIFEST)
    if isinstance(manifest.get("inference"), list):
        manifest["inference"] = [
            rename_keys(info, _REASON) if isinstance(info, dict) else info
            for info in manifest["inference"]
        ]
    if isinstance(manifest.get("judge"), dict):
        judge = rename_keys(manifest["judge"], _JUDGE)
        if isinstance(judge.get("calibration"), dict):
            judge["calibration"] = rename_keys(judge["calibration"], _REASON)
        manifest["judge"] = judge
    for key in ("model", "identity"):
        part = manifest.get(key)
        if isinstance(part, dict) and isinstance(part.get("card"), dict):
            manifest[key] = {**part, "card": _rename_card(part["card"])}
    for key in ("population", "drawn"):
        if isinstance(manifest.get(key), dict):
            manifest[key] = {
                task: {rename_subgroup(name): count for name, count in cases.items()}
                if isinstance(cases, dict)
                else cases
                for task, cases in manifest[key].items()
            }
    gates = manifest.get("gates")
    if isinstance(gates, Mapping) and isinstance(gates.get("rules"), list):
        manifest["gates"] = {**gates, "rules": [rename_gate(rule) for rule in gates["rules"]]}
    return manifest


def _rename_card(card: dict[str, Any]) -> dict[str, Any]:
    """A card: before cards named a backend, it was called an adapter, and had no options."""
    if "adapter" not in card:
        return card
    adapter = card["adapter"]
    backend = "transformers" if adapter == "huggingface" else adapter
    rest = {key: value for key, value in card.items() if key != "adapter"}
    return {"options": {}, "backend": backend} | rest


def _rename_outcome(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    result = rename_keys(value, _OUTCOME)
    _replace(result, "outcome", lambda name: _OUTCOMES.get(name, name))
    return result


def _replace(table: Any, key: str, rename: Callable[[str], str]) -> None:
    if isinstance(table, dict) and isinstance(table.get(key), str):
        table[key] = rename(table[key])
