"""The metrics of other benchmarks by their own names, and the score here that each one is.

Official scripts of some of them count otherwise: LOKI's draws an option where a reply cannot be
read and reads yes or no from its first four letters, FakeVLM's tosses a coin where a reply says
neither, MMFR's leaves unreadable replies out and stops after ten images. None of that is copied;
``docs/other-benchmarks.md`` lists it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from fakebench_suite.types import Score, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkMetric:
    """A metric of another benchmark."""

    name: str
    """What its authors call it, and over what they take it."""
    task: str
    metric: str
    """The name in :data:`fakebench_suite.metrics.names.METRICS`."""
    subgroup: str = "all"
    """A subgroup, or the beginning of several, such as ``category=``, each of which has a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkScore:
    """A score under another benchmark's name."""

    name: str
    score: Score


def _make(*metrics: tuple[str, str, str, str]) -> tuple[BenchmarkMetric, ...]:
    return tuple(
        BenchmarkMetric(name=name, task=task, metric=metric, subgroup=subgroup)
        for name, task, metric, subgroup in metrics
    )


BENCHMARK_METRICS: Mapping[str, tuple[BenchmarkMetric, ...]] = MappingProxyType({
    "loki": _make(
        ("Judgment accuracy", Task.DETECTION, "accuracy", "all"),
        ("Judgment accuracy by question type", Task.DETECTION, "accuracy", "question_type="),
        ("Judgment accuracy by category", Task.DETECTION, "accuracy", "category="),
        ("Multiple choice accuracy", Task.COMPARISON, "accuracy", "all"),
        ("Multiple choice accuracy by question type", Task.COMPARISON, "accuracy",
         "question_type="),
        ("Multiple choice accuracy by category", Task.COMPARISON, "accuracy", "category="),
    ),
    "fakevlm-fakeclue": _make(
        ("Acc", Task.REASONING, "label_accuracy", "all"),
        ("Acc by category", Task.REASONING, "label_accuracy", "category="),
        ("F1 (of fake)", Task.REASONING, "f1_score", "all"),
        ("ROUGE-L", Task.REASONING, "rouge_l", "all"),
        ("CSS (another encoder)", Task.REASONING, "similarity", "all"),
    ),
    "synthscars": _make(
        ("ROUGE-L", Task.INTERPRETATION, "rouge_l", "all"),
        ("CSS (another encoder)", Task.INTERPRETATION, "similarity", "all"),
    ),
    "mmfr": _make(
        ("Accuracy", Task.REASONING, "label_accuracy", "all"),
        ("Accuracy without unreadable replies", Task.REASONING, "label_accuracy_parsed", "all"),
        ("Accuracy by generator", Task.REASONING, "label_accuracy", "generator="),
        ("BLEU-1 (smoothed)", Task.REASONING, "bleu_1", "all"),
        ("ROUGE-L", Task.REASONING, "rouge_l", "all"),
    ),
})  # fmt: skip
"""By the kind of data set. MMFR's and FakeVLM's accuracies are of the reply's conclusion, whatever
a judge says of its text."""


def list_benchmark_scores(kind: str, scores: Sequence[Score]) -> Iterator[BenchmarkScore]:
    """Yield the scores of a data set of this kind under its benchmark's own names.

    A metric without a value is left out; a kind without metrics has none.
    """
    for metric in BENCHMARK_METRICS.get(kind, ()):
        several = metric.subgroup.endswith("=")
        for score in scores:
            if (score.task, score.metric) != (metric.task, metric.metric) or score.value is None:
                continue
            if several and score.subgroup.startswith(metric.subgroup):
                value = score.subgroup.removeprefix(metric.subgroup)
                yield BenchmarkScore(name=f"{metric.name}: {value}", score=score)
            elif score.subgroup == metric.subgroup:
                yield BenchmarkScore(name=metric.name, score=score)
