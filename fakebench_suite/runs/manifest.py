"""The manifest of a run: what was run, on what, with what, so that a number can be traced.

:class:`Manifest` is what ``manifest.json`` holds, written and read. A field that is None or empty
is of something that the run does not have, has not come to yet, or did not count at the time it
was written. Keys that this version does not know are ignored when a manifest is read.
"""

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from fakebench_suite.provenance import InferenceInfo, RunIdentity
from fakebench_suite.tasks.registry import check_task
from fakebench_suite.tasks.subgroups import ALL

MANIFEST_VERSION = 2
"""Incremented whenever a key is renamed or changes its meaning; a manifest without it has 1.

2: ``inference`` (was ``routes``), ``judge.calibration`` (``judge.audit``), and ``reason`` in both
(``why``); :mod:`.old_names` reads version 1.
"""

ShardName = Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]*/[1-9][0-9]*$")]
"""``K/N``."""
CaseCounts = dict[str, dict[str, int]]
"""Numbers of cases by task and subgroup."""


class RunStatus(StrEnum):
    """How far a run has come."""

    RUNNING = "running"
    """It has not ended, or was killed."""
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    """It ended before every selected case was recorded."""


class GenerationSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The decoding settings that are shown."""

    max_new_tokens: int | None = None


class CardSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a card that are shown."""

    repository: str | None = None
    revision: str | None = None
    note: str = ""
    training_data: str = ""
    generation: GenerationSummary = GenerationSummary()


class ManifestModel(msgspec.Struct, frozen=True, kw_only=True):
    """The model."""

    name: str
    card: dict[str, Any]
    """The card with its defaults. ``--answers`` reads it as a card again; a run whose card another
    version of the suite could not read has scores and a report all the same."""
    weights_digest: str | None
    """None for models without weights."""

    def __post_init__(self) -> None:
        try:
            self.summarize_card()
        except msgspec.ValidationError as error:
            raise ValueError(f"in the card, {error}") from error

    def summarize_card(self) -> CardSummary:
        """The fields of the card that are shown."""
        return msgspec.convert(self.card, CardSummary)


class ManifestDataset(msgspec.Struct, frozen=True, kw_only=True):
    """The data set."""

    name: str
    kind: str
    """``official``, ``layout``, ``jsonl``, ``folder``, ``probes``, or of another package."""
    package: str | None = None
    """The package, with its version, that brings the data set; None if the suite does."""
    digest: str
    """Digest of its rows."""
    cases: int
    note: str = ""
    """How cases were made where no file says so, without its full stop."""


class ManifestPrompts(msgspec.Struct, frozen=True, kw_only=True):
    """How the prompts were worded."""

    style: str
    """``paper`` or ``clean``."""
    digest: str
    """Digest of the texts of all prompts."""


class ManifestCalibration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The judge's scores of texts whose order is known."""

    passed: bool
    reason: str | None = None
    """Why the judge could not be calibrated; None if it could."""
    means: dict[str, float | None] = {}
    """Mean score, 0-2, by kind of text; None without a rating."""
    right: dict[str, float] = {}
    """Share of the images on which each comparison is right."""


class ManifestJudge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How labels were read, and who graded texts."""

    label: str
    """How replies were read: ``grammar``, ``paper`` or ``likelihood``."""
    text: str | None
    """The judge of texts, ``exact`` for probes; None if texts were not graded."""
    package: str | None = None
    """The package, with its version, that brings the judge; None if the suite does."""
    rounds: int | None = None
    """Rounds per text; None if no judge was asked."""
    instruction_digest: str | None = None
    """Digest of the instruction of judges that give ratings."""
    digest: str | None = None
    """As in :class:`~fakebench_suite.provenance.JudgeInfo`, and so are the next three."""
    refused_parameters: list[str] = []
    sampling: str | None = None
    details: dict[str, Any] = {}
    calibration: ManifestCalibration | None = None
    """None if no judge was calibrated."""
    given_up: str | None = None
    """Why it was not asked any more, as a sentence; None if it was asked to the end."""


class ManifestHardware(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The machine of the session, or the machines of a merged run."""

    machine: str | None = None
    """Architecture, such as ``x86_64``."""
    system: str | None = None
    processor: str | None = None
    cpus: int | None = None
    """Logical CPUs."""
    mixed: "list[ManifestHardware] | None" = None
    """The machines of the parts of a merged run, if they differ."""


class ManifestEngine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the model computed."""

    name: str
    """``local``, ``vllm``, ``ray``, or ``mixed`` for a merged run of parts that differ."""
    replica_engine: str | None = None
    """``vllm`` where each replica on a cluster is an engine of vLLM; else None."""
    replicas: int | None = None
    """Replicas on a cluster; None without one."""
    nodes: dict[str, int] | None = None
    """Replicas by node."""
    lost: int | None = None
    """Replicas that died."""
    mixed: "list[ManifestEngine] | None" = None
    """The engines of the parts of a merged run, if they differ."""


class ManifestSession(msgspec.Struct, frozen=True, kw_only=True):
    """One session of a merged run."""

    run: str
    """Name of its directory."""
    started: str
    shard: ShardName | None = None
    hardware: ManifestHardware | None = None
    wall_seconds: float | None = None
    workers: int | None = None
    engine: ManifestEngine | None = None
    command: str | None = None


class ManifestResumption(msgspec.Struct, frozen=True, kw_only=True):
    """One time that the run was resumed."""

    started: str
    """Date and time in ISO 8601, UTC."""
    command: str
    """The command line, without secrets."""
    kept: int
    """Cases whose recorded answers were kept."""
    dropped_bytes: int = 0
    """Length of a last line that had not been written to its end."""
    seconds_before: float | None = None
    """Seconds of the sessions before; None if they were not counted, because one was killed."""
    changed_versions: dict[str, str] = {}
    """Packages whose versions differ from those before, as ``1.2 -> 1.3``."""


class ManifestReuse(msgspec.Struct, frozen=True, kw_only=True):
    """The earlier run whose answers were taken over."""

    run: str
    """Name of its directory."""
    started: str
    taken: int
    """Cases whose answers were taken over."""
    asked: dict[str, int]
    """Number of the other cases by the reason why they were asked."""


class ManifestTaskCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many cases of one task there are, from the data set to the records."""

    cases: int
    """In the data set."""
    planned: int = 0
    """In the sample, over all shards."""
    selected: int = 0
    """After ``--shard`` and filters."""
    recorded: int
    errors: int
    """Recorded cases that ended in an error."""
    partial: list[str]
    """Why they are not all cases of the data set; empty if they are."""


class ManifestGates(msgspec.Struct, frozen=True, kw_only=True):
    """The gates of a run; ``gates/config.py`` reads them again."""

    file: str | None
    """None if there was no file."""
    named: bool = False
    """Whether the user named it on the command line."""
    strict: bool = False
    """Whether a gate whose cases were not all asked is inconclusive, instead of not evaluated."""
    rules: list[dict[str, Any]] = []
    """The tables of the file."""
    absent: str = ""
    """Why there are no gates."""
    digest: str = ""
    """Digest of the rules."""


class ManifestBaseline(msgspec.Struct, frozen=True, kw_only=True):
    """The run that changes are counted from, without its path."""

    run: str
    """Name of its directory."""
    model: str | None = None
    weights_digest: str | None = None
    started: str | None = None
    suite: str | None = None
    partial: str = ""
    """Why it is partial; empty if it is not."""
    records_digest: str | None = None


class ManifestTruncation(msgspec.Struct, frozen=True, kw_only=True):
    """Replies that were cut off at the token limit."""

    replies: int
    of: int
    """Replies that say why they ended."""


class ManifestUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What the server of a model counted over all answers of a run."""

    answers: int
    """Answers whose server counted their tokens."""
    attempts: int
    """Requests that were sent for the answers, those that failed among them."""
    prompt_tokens: int
    """Tokens of prompts and images."""
    cached_tokens: int
    """Of these, the tokens that the server had computed before."""
    completion_tokens: int
    """Tokens of replies."""
    reasoning_tokens: int
    """Of these, the tokens of reasoning."""
    cost: float | None = None
    """In the currency of the card's prices; None if no answer has a price."""
    reused_answers: int = 0
    """Answers that were taken over from another run; they are in no other count."""
    first_token_seconds: float | None = None
    """Median over the replies that arrived in pieces; None without any."""
    models: dict[str, int] = {}
    """Answers by the model that gave them, by the server's name."""
    providers: dict[str, int] = {}
    """Answers by who served the model, where the server says so."""


class ManifestRobustness(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked of robustness."""

    mode: str
    """``ladder``, ``search`` or ``both``."""
    families: list[str]
    """The families of perturbations."""
    budget: int | None = None
    """Most prompts; None for no limit."""
    images: int
    """Images that were perturbed, over all shards."""
    left_out: int = 0
    """Images for which the budget had no room."""
    prompts: int
    """Prompts at most, over all shards."""


class ManifestSubmission(msgspec.Struct, frozen=True, kw_only=True):
    """The submission to FakeBench's authors."""

    missing: int
    """Answers that it lacks."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The manifest of a run."""

    manifest_version: int = MANIFEST_VERSION
    status: RunStatus
    suite: str
    """Version of the suite."""
    protocol: int = 1
    """Number of the measuring rules, :data:`~fakebench_suite.provenance.PROTOCOL`."""
    code_digest: str
    """Digest of the suite's code."""
    commit: str | None = None
    """Git commit of the working directory, if it has one."""
    started: str
    """Date and time in ISO 8601, UTC."""
    command: str | None = None
    """The command line, without secrets."""
    arguments: list[str] | None = None
    """Its words, which ``--resume`` repeats; None if an older version of the suite wrote them."""
    process: str | None = None
    """Process and host that wrote the run last."""
    resumed: list[ManifestResumption] = []
    reused: ManifestReuse | None = None
    """None without ``--reuse``."""
    model: ManifestModel
    dataset: ManifestDataset
    prompts: ManifestPrompts
    judge: ManifestJudge
    answers: str | None = None
    """Name of the run whose answers were given again."""
    seed: int
    sample: int | None
    """Images that were drawn; None for all."""
    shard: ShardName | None = None
    filter: str | None = None
    """The options and arguments that may have left cases out; empty if there were none."""
    versions: dict[str, str]
    """Versions of Python and packages."""
    hardware: ManifestHardware
    engine: ManifestEngine | None = None
    """None until the run has ended."""
    workers: int | None = None
    """Processes of pytest-xdist; 0 if cases ran in pytest's own, None until the run has ended."""
    inference: list[InferenceInfo] = []
    """How the model computed its answers; several if its processes differ."""
    merged: list[ManifestSession] = []
    """The sessions of a merged run."""
    identity: RunIdentity | None = None
    """Everything that answers depend on; None if an older version of the suite asked."""
    population: CaseCounts | None = None
    """Cases of the data set; None before runs counted them."""
    drawn: CaseCounts | None = None
    """Cases of the sample; None without one."""
    deselected: dict[str, str] = {}
    """Tasks that were not asked, and the capability that the backend lacks for them."""
    robustness: ManifestRobustness | None = None
    """None without ``--robustness``."""
    planned: int | None = None
    """Cases to be asked over all shards."""
    selected: int | None = None
    """Cases to be asked here, after filters; None, as the next four, until the run has ended."""
    recorded: int | None = None
    errors: int | None = None
    """Recorded cases that ended in an error."""
    wall_seconds: float | None = None
    partial: list[str] | None = None
    """Every reason why the run is partial; empty if it is not."""
    tasks: dict[str, ManifestTaskCounts] | None = None
    """The tasks of which cases were selected."""
    cut_off: ManifestTruncation | None = None
    usage: ManifestUsage | None = None
    """None without a server."""
    text_metrics: dict[str, str] | None = None
    """Variants of the metrics of texts; None if no text has a reference."""
    reservations: list[str] = []
    """Sentences that limit what the scores mean."""
    gates: ManifestGates | None = None
    baseline: ManifestBaseline | None = None
    submission: ManifestSubmission | None = None
    """None for data that are not FakeBench's."""

    def __post_init__(self) -> None:
        for task in self.tasks or ():
            check_task(task)
        if self.partial is not None and None in (self.recorded, self.errors):
            raise ValueError("it says that the run ended, but not with how many cases and errors")
        for counts in (self.population or {}, self.drawn or {}):
            for cases in counts.values():
                if ALL not in cases:
                    raise ValueError(f"a population has no count of {ALL!r}")
