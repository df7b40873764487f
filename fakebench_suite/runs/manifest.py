"""What a manifest is made of, as far as anything is read back from it.

A manifest is written once and read by people and by later versions; these types check what this
version relies on, and let all else be.
"""

from typing import Annotated, Any

import msgspec

from fakebench_suite.tasks.registry import check_task
from fakebench_suite.tasks.subgroups import ALL

Shard = Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]*/[1-9][0-9]*$")]


class ManifestGeneration(msgspec.Struct, frozen=True):
    """Decoding settings."""

    max_new_tokens: int | None = None


class ManifestCard(msgspec.Struct, frozen=True):
    """The card; ``--answers`` reads it whole, and says what is wrong with it."""

    repository: str | None = None
    revision: str | None = None
    note: str | None = None
    generation: ManifestGeneration = ManifestGeneration()


class ManifestModel(msgspec.Struct, frozen=True):
    """The model, and its card as it was."""

    name: str
    card: ManifestCard
    weights_digest: str | None = None


class ManifestDataset(msgspec.Struct, frozen=True):
    """The data set, by name and digest."""

    name: str
    kind: str
    digest: str = ""
    cases: int = 0


class ManifestCalibration(msgspec.Struct, frozen=True):
    """Whether the text judge was fit."""

    passed: bool
    why: str | None = None
    means: dict[str, float | None] = {}
    right: dict[str, float] = {}


class ManifestJudge(msgspec.Struct, frozen=True):
    """How replies were read and who graded texts."""

    label: str
    text: str | None = None
    rounds: int = 0
    audit: ManifestCalibration | None = None


class ManifestEngine(msgspec.Struct, frozen=True):
    """Where the model computed; of a cluster, on how many replicas of which nodes."""

    name: str = "local"
    replicas: int = 0
    nodes: dict[str, int] = {}
    lost: int = 0
    mixed: "list[ManifestEngine]" = []


class ManifestPart(msgspec.Struct, frozen=True):
    """One part of a merged run."""

    run: str
    shard: Shard | None = None
    engine: ManifestEngine = ManifestEngine()
    started: str = ""
    command: str | None = None


class ManifestPrompts(msgspec.Struct, frozen=True):
    """How the prompts were worded."""

    style: str = ""
    digest: str = ""


class ManifestTaskCounts(msgspec.Struct, frozen=True):
    """How much of one task was asked."""

    cases: int
    recorded: int
    errors: int
    partial: list[str]
    selected: int = 0
    planned: int = 0


class ManifestInference(msgspec.Struct, frozen=True):
    """A way that replies came about, and what the loaded model told."""

    rendering: str | None = None
    left_over: list[str] = []


class ManifestBaseline(msgspec.Struct, frozen=True):
    """The run that changes are counted from."""

    run: str
    weights_digest: str | None = None
    records_digest: str | None = None


class ManifestTruncation(msgspec.Struct, frozen=True):
    """Replies that ended at the token limit, of those that say why they ended."""

    replies: int = 0
    of: int = 0


class Manifest(msgspec.Struct, frozen=True):
    """The parts other code looks at; a run that was cut off lacks those without which it can be."""

    model: ManifestModel
    dataset: ManifestDataset
    judge: ManifestJudge
    status: str = ""
    started: str = ""
    sample: int | None = None
    planned: int = 0
    shard: Shard | None = None
    prompts: ManifestPrompts = ManifestPrompts()
    versions: dict[str, Any] | None = None
    hardware: dict[str, Any] = {}
    partial: list[str] | msgspec.UnsetType = msgspec.UNSET
    selected: int = 0
    recorded: int | msgspec.UnsetType = msgspec.UNSET
    errors: int | msgspec.UnsetType = msgspec.UNSET
    wall_seconds: float = 0.0
    workers: int = 0
    engine: ManifestEngine = ManifestEngine()
    routes: list[ManifestInference] = []
    merged: list[ManifestPart] = []
    protocol: int = 1
    reservations: list[str] = []
    answers: str | None = None
    population: dict[str, dict[str, int]] = {}
    drawn: dict[str, dict[str, int]] = {}
    deselected: dict[str, str] = {}
    tasks: dict[str, ManifestTaskCounts] = {}
    gates: dict[str, Any] = {}
    baseline: ManifestBaseline | None = None
    cut_off: ManifestTruncation = ManifestTruncation()
    command: str | None = None
    commit: str | None = None
    filter: str | None = None

    def __post_init__(self) -> None:
        for task in self.tasks:
            check_task(task)
        counts = (self.recorded, self.errors)
        if self.partial is not msgspec.UNSET and msgspec.UNSET in counts:
            raise ValueError("it says that the run ended, but not with how many cases and errors")
        for cases in (*self.population.values(), *self.drawn.values()):
            if ALL not in cases:
                raise ValueError(f"a population has no count of {ALL!r}")
