"""What a manifest is made of, as far as anything is read back from it.

A manifest is written once and read by people and by later versions; these types check what this
version relies on, and let all else be.
"""

from typing import Annotated, Any

import msgspec

Shard = Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]*/[1-9][0-9]*$")]


class ModelShape(msgspec.Struct):
    """The model, and its card as it was."""

    name: str
    card: dict[str, Any]


class DatasetShape(msgspec.Struct):
    """The data set, by name and digest."""

    name: str
    kind: str
    digest: str = ""
    cases: int = 0


class AuditShape(msgspec.Struct):
    """Whether the text judge was fit."""

    passed: bool
    why: str | None = None
    means: dict[str, float | None] = {}
    right: dict[str, float] = {}


class JudgeShape(msgspec.Struct):
    """How replies were read and who graded texts."""

    label: str
    text: str | None = None
    audit: AuditShape | None = None


class EngineShape(msgspec.Struct, frozen=True):
    """Where the model computed; of a cluster, on how many replicas of which nodes."""

    name: str = "local"
    replicas: int = 0
    nodes: dict[str, int] = {}
    lost: int = 0
    mixed: list[dict[str, Any]] = []


class SittingShape(msgspec.Struct):
    """One part of a merged run."""

    run: str
    shard: Shard | None = None
    engine: EngineShape = EngineShape()


class ManifestShape(msgspec.Struct):
    """The parts other code looks at; a run that was cut off lacks those without which it can be."""

    model: ModelShape
    dataset: DatasetShape
    judge: JudgeShape
    status: str = ""
    started: str = ""
    sample: int | None = None
    planned: int = 0
    shard: Shard | None = None
    prompts: dict[str, Any] = {}
    hardware: dict[str, Any] = {}
    partial: list[str] = []
    selected: int = 0
    recorded: int = 0
    errors: int = 0
    wall_seconds: float = 0.0
    workers: int = 0
    engine: EngineShape = EngineShape()
    routes: list[dict[str, Any]] = []
    merged: list[SittingShape] = []
    protocol: int = 1
    reservations: list[str] = []
    answers: str | None = None
