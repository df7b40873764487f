"""Parse ``--judge``, and open the text judge that it names."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from fakebench_suite.errors import UserError, find_nearest
from fakebench_suite.extras import Extra, require_extra
from fakebench_suite.files.paths import expand_home
from fakebench_suite.grading.judges.base import TextJudge
from fakebench_suite.text.redaction import find_secrets, redact


class JudgeKind(StrEnum):
    """The kinds of judges."""

    OPENAI = "openai"
    TRANSFORMERS = "transformers"
    EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeConfig:
    """The chosen judge and the number of its rounds."""

    kind: JudgeKind
    model: str = ""
    url: str = field(default="", repr=False)
    """As passed; it may contain a key, and is shown through ``name`` only."""
    rounds: int = 5

    @property
    def name(self) -> str:
        """Name of the judge wherever its scores are shown."""
        if not self.url:
            return f"{self.kind}:{self.model}"
        return f"{self.model}@{redact(self.url, *find_secrets(self.url))}"

    @property
    def gives_ratings(self) -> bool:
        """False for the similarity baseline, which gives no ratings."""
        return self.kind is not JudgeKind.EMBEDDING


ALLOWED_JUDGES = "openai:MODEL@URL, transformers:NAME|PATH or embedding"
"""Allowed values of ``--judge``."""
MAX_ROUNDS = 1_000
"""Rounds per text; the paper has five, and all rounds of some texts are in memory at once."""
_ENDPOINT = re.compile(r"(?P<model>.+?)@(?P<url>https?://.*)", re.IGNORECASE | re.DOTALL)


def parse_judge(text: str, *, rounds: int) -> JudgeConfig:
    """Parse the value of ``--judge``; raises UserError with the allowed values."""
    if rounds > MAX_ROUNDS:
        raise UserError(f"--judge-rounds is {rounds:,}; it may be 1 to {MAX_ROUNDS:,}.")
    kind, _, value = text.strip().partition(":")
    match kind.strip().lower():
        case JudgeKind.EMBEDDING if not value:
            from fakebench_suite.grading.embeddings import (
                MODEL_NAME,  # imports numpy, which --help does not need
            )

            return JudgeConfig(kind=JudgeKind.EMBEDDING, model=MODEL_NAME, rounds=1)
        case JudgeKind.EMBEDDING:
            raise UserError(f"--judge is {_show(text)}. embedding takes no model of its own.")
        case JudgeKind.TRANSFORMERS if value:
            return JudgeConfig(kind=JudgeKind.TRANSFORMERS, model=expand_home(value), rounds=rounds)
        case JudgeKind.OPENAI if (match := _ENDPOINT.fullmatch(value)) is not None:
            if why := _describe_url_fault(match["url"]):
                raise UserError(f"--judge is {_show(text)}, whose URL {why}.")
            return JudgeConfig(
                kind=JudgeKind.OPENAI, model=match["model"], url=match["url"], rounds=rounds
            )
        case JudgeKind.OPENAI:
            raise UserError(
                f"--judge is {_show(text)}, which lacks a model or a URL. Write "
                "--judge=openai:MODEL@URL, such as openai:gpt-4o@https://api.openai.com/v1."
            )
        case JudgeKind.TRANSFORMERS:
            raise UserError(
                f"--judge is {_show(text)}, which names no model. Write "
                "--judge=transformers:NAME or --judge=transformers:PATH."
            )
    suggestion = find_nearest(kind.strip().lower(), JudgeKind)
    hint = f"; nearest: {suggestion}" if suggestion is not None else ""
    raise UserError(f"--judge is {_show(text)}. It may be {ALLOWED_JUDGES}{hint}.")


def _show(text: str) -> str:
    """Return the value without the secrets of a URL in it."""
    secrets = find_secrets(text[max(text.find("http"), 0) :])
    return repr(redact(text, *secrets))


def _describe_url_fault(url: str) -> str | None:
    """Return what is wrong with a URL; None if it is valid."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "cannot be read; is its port a number up to 65535?"
    if not parts.hostname or any(character.isspace() for character in url):
        return "names no server, or holds a blank"
    return "has port 0" if port == 0 else None


_EXTRAS: Mapping[JudgeKind, Extra] = MappingProxyType(
    {JudgeKind.TRANSFORMERS: Extra.LOCAL, JudgeKind.EMBEDDING: Extra.SIMILARITY}
)
"""What the judges need beyond the core installation."""


def check_extra(choice: JudgeConfig) -> None:
    """Raise MissingExtraError where the packages of a judge are not installed."""
    if choice.kind in _EXTRAS:
        require_extra(_EXTRAS[choice.kind], f"--judge={choice.kind}")


def check_weights(choice: JudgeConfig) -> None:
    """Raise UserError if a local judge's weights are not on this machine; nothing is downloaded."""
    if choice.kind is not JudgeKind.TRANSFORMERS or (Path(choice.model) / "config.json").is_file():
        return
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(choice.model, "config.json")
    except HFValidationError:
        config = None
    if not isinstance(config, str):
        raise UserError(
            f"The judge {choice.model!r} is not on this machine. Download it with 'hf download', "
            "or point --judge=transformers:PATH at its directory."
        )


def open_judge(
    choice: JudgeConfig, *, cache: Path, dropped: Collection[str] | None = None
) -> TextJudge:
    """Open the judge; ratings are cached in the file ``cache``. Raises UserError.

    ``dropped`` are the parameters that an endpoint is known to refuse; None if unknown.
    """
    check_extra(choice)
    # Each judge has its own library, which is imported only if needed.
    if choice.kind is JudgeKind.EMBEDDING:
        from fakebench_suite.grading.embeddings import SentenceEncoder
        from fakebench_suite.grading.judges.similarity import SimilarityBaseline

        return SimilarityBaseline(SentenceEncoder())
    from fakebench_suite.grading.judges.cache import RatingCache

    ratings = RatingCache(cache)
    if choice.kind is JudgeKind.OPENAI:
        from fakebench_suite.grading.judges.endpoint import EndpointJudge

        return EndpointJudge(
            choice.model, choice.url, rounds=choice.rounds, cache=ratings, dropped=dropped
        )
    from fakebench_suite.grading.judges.local import LocalJudge

    return LocalJudge(choice.model, rounds=choice.rounds, cache=ratings)
