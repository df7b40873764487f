"""Which text judge was asked for: ``--judge`` as text, checked, and opened when needed."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fakebench_suite.errors import UserError
from fakebench_suite.judges.panel import TextJudge
from fakebench_suite.places import expand_home


class JudgeKind(StrEnum):
    """The judges there are."""

    OPENAI = "openai"
    TRANSFORMERS = "transformers"
    EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeChoice:
    """A judge that was asked for, and how many rounds it gets."""

    kind: JudgeKind
    model: str = ""
    url: str = ""
    rounds: int = 5

    @property
    def name(self) -> str:
        """What the judge is called wherever its scores show."""
        return f"{self.model}@{self.url}" if self.url else f"{self.kind}:{self.model}"

    @property
    def gives_marks(self) -> bool:
        """False for the stand-in, whose score is no judge's."""
        return self.kind is not JudgeKind.EMBEDDING


_ALLOWED = "It may be openai:MODEL@URL, transformers:NAME|PATH or embedding."


def read_choice(text: str, *, rounds: int) -> JudgeChoice:
    """The choice behind ``--judge``; raises UserError saying what is allowed."""
    kind, _, rest = text.partition(":")
    if kind == JudgeKind.EMBEDDING and not rest:
        from fakebench_suite.judges.encoder import NAME  # brings numpy, and help needs none

        return JudgeChoice(kind=JudgeKind.EMBEDDING, model=NAME, rounds=1)
    if kind == JudgeKind.TRANSFORMERS and rest:
        return JudgeChoice(kind=JudgeKind.TRANSFORMERS, model=expand_home(rest), rounds=rounds)
    model, at, url = rest.rpartition("@")
    if kind == JudgeKind.OPENAI and at and model and url.startswith(("http://", "https://")):
        return JudgeChoice(kind=JudgeKind.OPENAI, model=model, url=url, rounds=rounds)
    raise UserError(f"--judge is {text!r}. {_ALLOWED}")


def check_weights(choice: JudgeChoice) -> None:
    """Raise UserError where a local judge's weights are not on this machine; nothing is fetched."""
    if choice.kind is not JudgeKind.TRANSFORMERS or (Path(choice.model) / "config.json").is_file():
        return
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(choice.model, "config.json")
    except HFValidationError:
        found = None
    if not isinstance(found, str):
        raise UserError(
            f"The judge {choice.model!r} is not on this machine. Download it with 'hf download', "
            "or point --judge=transformers:PATH at its directory."
        )


def open_judge(choice: JudgeChoice, *, cache: Path) -> TextJudge:
    """The judge, ready to grade; marks are kept in the file ``cache``. May raise UserError."""
    # Each judge brings a library of its own, loaded only where it was asked for.
    if choice.kind is JudgeKind.EMBEDDING:
        from fakebench_suite.judges.embedding import EmbeddingJudge
        from fakebench_suite.judges.encoder import SentenceEncoder

        return EmbeddingJudge(SentenceEncoder())
    from fakebench_suite.judges.cache import RatingCache

    kept = RatingCache(cache)
    if choice.kind is JudgeKind.OPENAI:
        from fakebench_suite.judges.endpoint import EndpointJudge

        return EndpointJudge(choice.model, choice.url, rounds=choice.rounds, cache=kept)
    from fakebench_suite.judges.local import LocalJudge

    return LocalJudge(choice.model, rounds=choice.rounds, cache=kept)
