"""Find what describes an error in its body, as servers and gateways nest it."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import openai

INNER_ERRORS = (
    "error", "innererror", "inner_error", "provider_specific_fields", "metadata", "raw", "detail",
)  # fmt: skip
"""Where an error holds another: the client unwraps {"error": ...}, and some servers do not wrap it;
Azure tells the policy within, and LiteLLM and OpenRouter what the provider said."""
OWN_ERRORS = ("error", "detail")
"""Of these, those of the server itself, and not of a provider behind it."""
_MAX_BODIES = 40
"""Parts of an error that are looked at; none has as many."""
_ECHO = re.compile(r"""(["'])(?:input|messages|content)\1\s*:.*""", re.DOTALL)
"""The request, from which vLLM quotes in its message what it does not take."""


def parse_json(text: str) -> object:
    """Return the object or list that a text is in JSON; None where it is none."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict | list) else None


def read_body(error: "openai.APIStatusError") -> object:
    """Return the body of an error; None where it is a page, as proxies send."""
    return parse_json(error.response.text) if isinstance(error.body, str) else error.body


def list_bodies(
    body: object, inner_errors: Collection[str] = INNER_ERRORS
) -> Iterator[Mapping[str, object]]:
    """Yield the objects that may describe an error, the outermost first.

    A text in place of one, as xAI's, is its message; Gemini's is in a list.
    """
    bodies = [body]
    for outer in bodies:
        if len(bodies) > _MAX_BODIES:
            return
        inner = parse_json(outer) if isinstance(outer, str) else outer
        if isinstance(inner, Mapping):
            yield inner
            bodies += [inner.get(name) for name in inner_errors]
        elif isinstance(inner, list):
            bodies += inner
        elif isinstance(outer, str):
            yield {"message": outer}


def list_messages(bodies: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Yield what the objects say, without the request that some quote."""
    for body in bodies:
        message = body.get("message")
        if isinstance(message, str):
            yield _ECHO.sub("", message)
