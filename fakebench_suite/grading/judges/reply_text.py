"""The text of a judge in a chat completion."""

from fakebench_suite.endpoints.completion import Completion
from fakebench_suite.endpoints.content_filters import is_filtered
from fakebench_suite.endpoints.failures import shorten


class EmptyReplyError(Exception):
    """A reply arrived without a text of the judge; ``lasting`` if a retry cannot help."""

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


def find_text(completion: Completion) -> str:
    """Return the text of a completion, without separate reasoning; raises EmptyReplyError."""
    if completion.refusal or is_filtered(completion.finish_reason):
        why = completion.refusal or completion.text or completion.finish_reason
        raise EmptyReplyError(f"the judge's server refused: {why}", lasting=True)
    if not completion.text.strip():
        truncated = completion.finish_reason == "length"
        why = ", cut off at the server's token limit" if truncated else ""
        thoughts_only = completion.reasoning is not None
        raise EmptyReplyError(
            f"the reply {'holds thoughts only' if thoughts_only else 'is empty'}{why}"
        )
    return completion.text


def describe_unrated(text: str, *secrets: str) -> str:
    """Return why a text is not a rating."""
    return f"no rating in the judge's reply {shorten(text[:2_000], *secrets)!r}"
