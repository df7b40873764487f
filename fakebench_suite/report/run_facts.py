"""Facts that identify a run: model, data, reply parser, judge, date, command line and suite.

Terminal, summary and page use this definition.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fakebench_suite.tasks.registry import list_tasks
from fakebench_suite.text.display import count_of

_DIGEST_LENGTH = 12
"""Characters of a digest that are shown; the manifest has all."""


def list_facts(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts as names and texts; facts that the manifest does not have are left out."""
    return [(name, text) for name, text in _list_facts(manifest) if text]


def _list_facts(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    model, dataset, judge = manifest["model"], manifest["dataset"], manifest["judge"]
    yield (
        "model",
        _join(
            model["name"],
            model["card"].get("repository"),
            ("revision", model["card"].get("revision")),
            ("weights", str(model.get("weights_digest") or "")[:_DIGEST_LENGTH]),
        ),
    )
    kind = dataset["kind"]
    yield (
        "data",
        _join(
            dataset["name"] if kind == dataset["name"] else f"{dataset['name']} ({kind})",
            count_of(dataset["cases"], "case") if "cases" in dataset else "",
            ("digest", str(dataset.get("digest", ""))[:_DIGEST_LENGTH]),
        ),
    )
    yield "asked", _describe_tasks(manifest)
    yield "filter", str(manifest.get("filter") or "")
    yield (
        "prompts",
        _join(
            manifest.get("prompts", {}).get("style"),
            ("seed", manifest.get("seed")),
            ("sample of", manifest.get("sample")),
            ("answers of", manifest.get("answers")),
        ),
    )
    rounds = judge.get("rounds")
    yield "reply parser", str(judge["label"])
    yield (
        "judge of texts",
        _join(judge.get("text") or "none", count_of(rounds, "round") if rounds else ""),
    )
    gates = manifest.get("gates", {})
    yield (
        "gates",
        _join(
            gates.get("file") or ("none" if gates else ""),
            ("digest", str(gates.get("digest", ""))[:_DIGEST_LENGTH] if gates.get("rules") else ""),
        ),
    )
    yield "baseline", _describe_baseline(manifest.get("baseline", {}))
    yield "started", str(manifest.get("started") or "")
    yield (
        "suite",
        _join(
            manifest.get("suite"),
            ("commit", manifest.get("commit")),
            ("code", str(manifest.get("code_digest") or "")[:_DIGEST_LENGTH]),
        ),
    )
    yield "command", str(manifest.get("command") or "")


def _describe_tasks(manifest: Mapping[str, Any]) -> str:
    """The recorded cases of each task, of all its cases."""
    tasks, population = manifest.get("tasks", {}), manifest.get("population", {})
    asked = [
        f"{task} {coverage['recorded']:,} of {coverage['cases']:,}"
        for task, coverage in tasks.items()
    ]
    left = [task for task in list_tasks() if task in population and task not in tasks]
    return "; ".join([*asked, *([f"not {' or '.join(left)}"] if tasks and left else [])])


def _describe_baseline(baseline: Mapping[str, Any]) -> str:
    if not baseline:
        return ""
    return _join(
        baseline.get("run"),
        ("model", baseline.get("model")),
        ("weights", str(baseline.get("weights_digest") or "")[:_DIGEST_LENGTH]),
        ("started", baseline.get("started")),
        ("records", str(baseline.get("records_digest") or "")[:_DIGEST_LENGTH]),
    )


def _join(*parts: object | tuple[str, object]) -> str:
    """The parts that are not empty, each pair as name and value."""
    texts = []
    for part in parts:
        name, value = part if isinstance(part, tuple) else ("", part)
        if value not in (None, ""):
            texts.append(f"{name} {value}".strip())
    return ", ".join(texts)
