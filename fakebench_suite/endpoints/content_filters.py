"""Refusals of a server: the words with which a filter of contents withholds a reply."""

import re
from collections.abc import Iterable, Mapping

from fakebench_suite.endpoints.error_bodies import list_messages

_FINISH_REASONS = frozenset(
    {
        "content_filter", "content_filtered", "refusal",  # OpenAI, Amazon Bedrock, Anthropic
        "safety", "prohibited_content", "recitation", "blocklist", "spii",  # Gemini
        "image_safety", "image_prohibited_content", "image_recitation",
        "guardrail_intervened", "sensitive", "error_toxic",  # Bedrock, Zhipu, Cohere
    }
)  # fmt: skip
"""Reasons to end, in lower case."""
_CODES = frozenset(
    {
        "contentpolicyviolation", "contentfilter", "invalidprompt", "cyberpolicy",  # OpenAI
        "moderationblocked",
        "responsibleaipolicyviolation",  # Azure
        "datainspectionfailed",  # Alibaba
        "sensitivecontentdetected", "inputtextsensitivecontentdetected",  # Volcengine
        "inputimagesensitivecontentdetected", "outputtextsensitivecontentdetected",
    }
)  # fmt: skip
"""Codes of errors that are a refusal to answer, in lower case, letters alone."""
_SENTENCES = re.compile(
    r"""flagged\ as\ potentially\ violating
    | rejected\ (?:by|as\ a\ result\ of)\ our\ safety\ system
    | content\ filtering\ policy | content\ management\ policy | ContentPolicyViolationError
    | content\ violates\ usage\ guidelines | content\ exists\ risk | new_sensitive
    | 不安全或敏感内容""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words of OpenAI, of Anthropic, whose code is that of any bad request, of Azure, of LiteLLM, which
has the class of the error in its message, and of xAI, DeepSeek, MiniMax and Zhipu."""
_STATUSES = frozenset({400, 403, 422, None})
"""Statuses of such errors; None for one in a reply of status 200."""


def is_filtered(finish_reason: str | None) -> bool:
    """Whether a reply ended because its contents were withheld.

    Some servers say so in two words, such as ``content_filter: PROHIBITED_CONTENT``.
    """
    words = re.split(r"[^a-z_]+", (finish_reason or "").lower())
    return not _FINISH_REASONS.isdisjoint(words)


def names_refusal(
    status: int | None, codes: Iterable[str], bodies: Iterable[Mapping[str, object]]
) -> bool:
    """Whether an error says that the server does not want to answer this prompt.

    By a code of ``codes``; among ``bodies``, by the flagged input that OpenRouter shows or, where
    no code tells, by a sentence.
    """
    if status not in _STATUSES:
        return False
    words = {re.sub(r"[^a-z]", "", code.lower()) for code in codes}
    return not _CODES.isdisjoint(words) or any(map(_shows_refusal, bodies))


def _shows_refusal(body: Mapping[str, object]) -> bool:
    return "flagged_input" in body or any(map(_SENTENCES.search, list_messages([body])))
