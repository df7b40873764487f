"""Facts that identify a run: model, data, reply parser, judge, date, command line and suite.

Terminal, summary and page use this definition.
"""

from collections.abc import Iterator

from fakebench_suite.runs.manifest import (
    Manifest,
    ManifestBaseline,
    ManifestResumption,
    ManifestReuse,
    ManifestUsage,
)
from fakebench_suite.tasks.registry import list_tasks
from fakebench_suite.text.display import count_of

_DIGEST_LENGTH = 12
"""Characters of a digest that are shown; the manifest has all."""


def list_facts(manifest: Manifest) -> list[tuple[str, str]]:
    """The facts as names and texts; facts that the manifest does not have are left out."""
    return [(name, text) for name, text in _list_facts(manifest) if text]


def _list_facts(manifest: Manifest) -> Iterator[tuple[str, str]]:
    model, dataset, judge = manifest.model, manifest.dataset, manifest.judge
    card = model.summarize_card()
    yield (
        "model",
        _join(
            model.name,
            card.repository,
            ("revision", card.revision),
            ("weights", _shorten(model.weights_digest)),
        ),
    )
    yield (
        "data",
        _join(
            dataset.name if dataset.kind == dataset.name else f"{dataset.name} ({dataset.kind})",
            count_of(dataset.cases, "case"),
            ("digest", _shorten(dataset.digest)),
        ),
    )
    yield "asked", _describe_tasks(manifest)
    yield "filter", manifest.filter or ""
    yield (
        "prompts",
        _join(
            manifest.prompts.style,
            ("seed", manifest.seed),
            ("sample of", manifest.sample),
            ("answers of", manifest.answers),
        ),
    )
    yield "reply parser", judge.label
    yield (
        "judge of texts",
        _join(judge.text or "none", count_of(judge.rounds, "round") if judge.rounds else ""),
    )
    gates = manifest.gates
    if gates is not None:
        digest = _shorten(gates.digest) if gates.rules else ""
        yield "gates", _join(gates.file or "none", ("digest", digest))
    if manifest.baseline is not None:
        yield "baseline", _describe_baseline(manifest.baseline)
    yield "started", manifest.started
    for resumption in manifest.resumed:
        yield "resumed", _describe_resumption(resumption)
    if manifest.usage is not None:
        yield "usage", _describe_usage(manifest.usage)
    if manifest.reused is not None:
        yield "reused", _describe_reuse(manifest.reused)
    yield (
        "suite",
        _join(
            manifest.suite,
            ("commit", manifest.commit),
            ("code", _shorten(manifest.code_digest)),
        ),
    )
    yield "command", manifest.command or ""


def _describe_tasks(manifest: Manifest) -> str:
    """The recorded cases of each task, of all its cases."""
    tasks, population = manifest.tasks or {}, manifest.population or {}
    asked = [f"{task} {counts.recorded:,} of {counts.cases:,}" for task, counts in tasks.items()]
    left = [task for task in list_tasks() if task in population and task not in tasks]
    return "; ".join([*asked, *([f"not {' or '.join(left)}"] if tasks and left else [])])


def _describe_resumption(resumption: ManifestResumption) -> str:
    """When a run was resumed, what it kept, and what was different then."""
    dropped = resumption.dropped_bytes
    versions = [f"{name} {change}" for name, change in resumption.changed_versions.items()]
    return _join(
        resumption.started,
        f"{count_of(resumption.kept, 'answer')} kept",
        f"a last line of {count_of(dropped, 'byte')} dropped, which was cut off" if dropped else "",
        *versions,
    )


def _describe_usage(usage: ManifestUsage) -> str:
    """Requests, tokens and cost of the answers that were asked for."""
    cached, reasoning = usage.cached_tokens, usage.reasoning_tokens
    return _join(
        count_of(usage.attempts, "request"),
        f"{count_of(usage.prompt_tokens, 'token')} in"
        + (f" ({cached:,} cached)" if cached else ""),
        f"{count_of(usage.completion_tokens, 'token')} out"
        + (f" ({reasoning:,} reasoning)" if reasoning else ""),
        "" if usage.cost is None else ("cost", f"{usage.cost:,.4f}"),
        ""
        if usage.first_token_seconds is None
        else f"first token after {usage.first_token_seconds:.2f} s (median)",
        *(("served by", name) for name in usage.models),
    )


def _describe_reuse(reuse: ManifestReuse) -> str:
    """How many answers were taken over from which run, and why the others were asked."""
    asked = [f"{reason} ({count:,})" for reason, count in reuse.asked.items()]
    return _join(f"{count_of(reuse.taken, 'answer')} of {reuse.run}", ("asked:", "; ".join(asked)))


def _describe_baseline(baseline: ManifestBaseline) -> str:
    return _join(
        baseline.run,
        ("model", baseline.model),
        ("weights", _shorten(baseline.weights_digest)),
        ("started", baseline.started),
        f"partial ({baseline.partial})" if baseline.partial else "",
        ("records", _shorten(baseline.records_digest)),
    )


def _shorten(digest: str | None) -> str:
    return (digest or "")[:_DIGEST_LENGTH]


def _join(*parts: object | tuple[str, object]) -> str:
    """The parts that are not empty, each pair as name and value."""
    texts = []
    for part in parts:
        name, value = part if isinstance(part, tuple) else ("", part)
        if value not in (None, ""):
            texts.append(f"{name} {value}".strip())
    return ", ".join(texts)
