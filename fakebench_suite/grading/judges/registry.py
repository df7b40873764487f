"""Which text judge was asked for: ``--judge`` as text, checked, and opened when needed."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from fakebench_suite.errors import UserError, find_nearest
from fakebench_suite.files.paths import expand_home
from fakebench_suite.grading.judges.base import TextJudge
from fakebench_suite.text.redaction import find_secrets, redact


class JudgeKind(StrEnum):
    """The judges there are."""

    OPENAI = "openai"
    TRANSFORMERS = "transformers"
    EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeConfig:
    """A judge that was asked for, and how many rounds it gets."""

    kind: JudgeKind
    model: str = ""
    url: str = field(default="", repr=False)
    """As it was given; it may hold a key, and is shown through ``name`` only."""
    rounds: int = 5

    @property
    def name(self) -> str:
        """What the judge is called wherever its scores show."""
        if not self.url:
            return f"{self.kind}:{self.model}"
        return f"{self.model}@{redact(self.url, *find_secrets(self.url))}"

    @property
    def gives_marks(self) -> bool:
        """False for the stand-in, whose score is no judge's."""
        return self.kind is not JudgeKind.EMBEDDING


ALLOWED_JUDGES = "openai:MODEL@URL, transformers:NAME|PATH or embedding"
"""What ``--judge`` may be."""
MAX_ROUNDS = 1_000
"""Rounds per text: the paper has five, and all rounds of some texts are held at once."""
_ENDPOINT = re.compile(r"(?P<model>.+?)@(?P<url>https?://.*)", re.IGNORECASE | re.DOTALL)


def parse_judge(text: str, *, rounds: int) -> JudgeConfig:
    """The choice behind ``--judge``; raises UserError saying what is allowed."""
    if rounds > MAX_ROUNDS:
        raise UserError(f"--judge-rounds is {rounds:,}; it may be 1 to {MAX_ROUNDS:,}.")
    kind, _, rest = text.strip().partition(":")
    match kind.strip().lower():
        case JudgeKind.EMBEDDING if not rest:
            from fakebench_suite.grading.embeddings import (
                MODEL_NAME,  # brings numpy, and help needs none
            )

            return JudgeConfig(kind=JudgeKind.EMBEDDING, model=MODEL_NAME, rounds=1)
        case JudgeKind.EMBEDDING:
            raise UserError(f"--judge is {_show(text)}. embedding takes no model of its own.")
        case JudgeKind.TRANSFORMERS if rest:
            return JudgeConfig(kind=JudgeKind.TRANSFORMERS, model=expand_home(rest), rounds=rounds)
        case JudgeKind.OPENAI if (match := _ENDPOINT.fullmatch(rest)) is not None:
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
    near = find_nearest(kind.strip().lower(), JudgeKind)
    hint = f"; nearest: {near}" if near is not None else ""
    raise UserError(f"--judge is {_show(text)}. It may be {ALLOWED_JUDGES}{hint}.")


def _show(text: str) -> str:
    """What was given, without what a URL in it keeps secret."""
    secrets = find_secrets(text[max(text.find("http"), 0) :])
    return repr(redact(text, *secrets))


def _describe_url_fault(url: str) -> str | None:
    """What is wrong with a URL; None for nothing."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "cannot be read; is its port a number up to 65535?"
    if not parts.hostname or any(one.isspace() for one in url):
        return "names no server, or holds a blank"
    return "has port 0" if port == 0 else None


def check_weights(choice: JudgeConfig) -> None:
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


def open_judge(
    choice: JudgeConfig, *, cache: Path, dropped: Collection[str] | None = None
) -> TextJudge:
    """The judge, ready to grade; marks are kept in the file ``cache``. May raise UserError.

    ``dropped`` are parameters that an endpoint is known to refuse; None where it is not known.
    """
    # Each judge brings a library of its own, loaded only where it was asked for.
    if choice.kind is JudgeKind.EMBEDDING:
        from fakebench_suite.grading.embeddings import SentenceEncoder
        from fakebench_suite.grading.judges.similarity import SimilarityBaseline

        return SimilarityBaseline(SentenceEncoder())
    from fakebench_suite.grading.judges.cache import RatingCache

    kept = RatingCache(cache)
    if choice.kind is JudgeKind.OPENAI:
        from fakebench_suite.grading.judges.endpoint import EndpointJudge

        return EndpointJudge(
            choice.model, choice.url, rounds=choice.rounds, cache=kept, dropped=dropped
        )
    from fakebench_suite.grading.judges.local import LocalJudge

    return LocalJudge(choice.model, rounds=choice.rounds, cache=kept)
