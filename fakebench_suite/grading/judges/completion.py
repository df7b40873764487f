"""Parse chat completions as current servers send them."""

import json

from fakebench_suite.grading.judges.failures import parse_error_message, shorten


class UnansweredError(Exception):
    """A reply arrived without a text of the judge; ``lasting`` if a retry cannot help."""

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


def parse_completion(content: bytes) -> str:
    """Return the text of the first choice, without separate reasoning; raises UnansweredError."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        excerpt = content[:2_000].decode("utf-8", "replace")
        raise UnansweredError(f"the reply is not a chat completion: {excerpt!r}") from None
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        reason = parse_error_message(body) if isinstance(body, dict) and body.get("error") else None
        raise UnansweredError(reason or f"the reply has no choice: {json.dumps(body)[:2_000]}")
    text = _join(message.get("content"))
    if message.get("refusal") or choice.get("finish_reason") == "content_filter":
        why = message.get("refusal") or text or "content_filter"
        raise UnansweredError(f"the judge's server refused: {why}", lasting=True)
    if not text.strip():
        truncated = choice.get("finish_reason") == "length"
        why = ", cut off at the server's token limit" if truncated else ""
        thoughts_only = _holds_thoughts(message)
        raise UnansweredError(
            f"the reply {'holds thoughts only' if thoughts_only else 'is empty'}{why}"
        )
    return text


def describe_unrated(text: str, *secrets: str) -> str:
    """Return why a text is not a rating."""
    return f"no rating in the judge's reply {shorten(text[:2_000], *secrets)!r}"


def _join(content: object) -> str:
    """Return a message's text, which some servers send as a list of parts."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _holds_thoughts(message: dict[str, object]) -> bool:
    """Return whether a message has reasoning in one of the fields that servers use."""
    names = ("reasoning_content", "reasoning", "reasoning_details")
    return any(message.get(name) for name in names)
