"""Answers that a reply marks: ``<answer>``, a LaTeX box, or fields of a JSON object."""

import json
import re
from collections.abc import Iterator, Mapping

_BOXED = re.compile(
    r"(?:<(?:answer|final_answer|conclusion|verdict)>|<\|begin_of_box\|>)([^<]*)"
    r"|\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}",
    re.IGNORECASE,
)
_LATEX = re.compile(r"\\(?:text\w*|mathrm|mathbf)\s*|[{}]")
_BRACKETED = re.compile(r"(?:\[([^\[\]{}]*|\[.*\])\]|\{([^\[\]{}]*)\})[.!]?", re.DOTALL)
_MAX_BRACKETED = 80
"""Characters of a reply that brackets stand around; longer ones are data."""
_QUOTED_NAME = re.compile(r"[\"'][\w -]+[\"']\s*:")
_FENCE = re.compile(r"```\w* ?")
_FIELD = re.compile(
    r"""["'](?P<name>[\w -]+)["']\s*:\s*
    (?:"(?P<text>(?:[^"\\]|\\.)*)"|'(?P<other>[^']*)'|(?P<truth>true|false)\b)""",
    re.VERBOSE | re.IGNORECASE,
)
_VERDICT = re.compile(
    r"(?:final|overall|binary|binarized)*(?:answer|label(?:name)?|verdict|judge?ment|conclusion|decision|"
    r"authenticity|class(?:ification)?|result|prediction|assessment|final|结论|答案|判断|最终判断|"
    r"最终结论|最终答案|判定|真伪|真实性)"
)
_CLAIM = re.compile(r"(?:is)?(fake|real|aigenerated|synthetic|authentic|genuine)(?:image|photo)?")
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}


def find_marked_answers(text: str) -> Iterator[str]:
    """Yield the texts that a reply marks as its answer, in order.

    A field such as ``is_fake: false`` is yielded as a sentence.
    """
    if "\\" in text or "<" in text:
        for groups in _BOXED.findall(text):
            yield _LATEX.sub(" ", "".join(groups))
    for name, value in _find_fields(text) if "{" in text else ():
        key = re.sub(r"[\W_]", "", name.lower())
        if _VERDICT.fullmatch(key):
            yield {"true": "yes", "false": "no"}.get(value.lower(), value)
        elif (claim := _CLAIM.fullmatch(key)) and value.lower() in _TRUTHS:
            yield f"it is {'' if _TRUTHS[value.lower()] else 'not '}{claim[1]}"


def is_structured(text: str) -> bool:
    """Return whether the whole reply is a JSON object or list, whose other texts assert nothing."""
    body = _strip_fence(text)
    return body.startswith(("[", "{")) and body.endswith(("]", "}"))


def strip_brackets(text: str) -> str:
    """Return a reply without the brackets around all of it: ``[Fake]``, ``{"no"}``, also fenced.

    What holds a comma or a field with a quoted name is data, and stays.
    """
    body = _strip_fence(text)
    if len(body) > _MAX_BRACKETED or not body.startswith(("[", "{")):
        return text
    while (inner := _BRACKETED.fullmatch(body)) is not None and "," not in body:
        body = (inner[1] or inner[2] or "").strip()
    return text if _QUOTED_NAME.search(body) else body


def _strip_fence(text: str) -> str:
    """Return a reply without the Markdown fence around it."""
    body = text.strip()
    if (fence := _FENCE.match(body)) is not None:
        body = body[fence.end() :].removesuffix("```").strip()
    return body


def _find_fields(text: str) -> Iterator[tuple[str, str]]:
    """Yield the top-level fields of an object; of a truncated one, all that look like a field."""
    start, end = text.find("{"), text.rfind("}")
    try:
        parsed = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        parsed = None
    if isinstance(parsed, Mapping):
        for name, value in parsed.items():
            if isinstance(value, str | bool):
                yield str(name), str(value)
        return
    for field in _FIELD.finditer(text):
        yield field["name"], field["text"] or field["other"] or field["truth"] or ""
