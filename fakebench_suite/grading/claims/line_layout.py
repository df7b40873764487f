"""Lay out tables, JSON and lists within a line as lines of "name: value", as people read them.

Only what normalization would run together is changed; other text stays as it is.
"""

import json
import re
from collections.abc import Iterator

_MAX_JSON = 20_000
"""Characters of JSON that are parsed."""
_MAX_DEPTH = 6
_FENCE = re.compile(r"^ *```\w* *$", re.MULTILINE)
_PAIR = re.compile(r'"([^"\n]{1,60})" *: *"((?:[^"\\\n]|\\.){0,600})"')
_ROW = re.compile(r"^ *\|(.*?)\|? *$")
_RULE = re.compile(r"^[ |:+-]*-[ |:+-]*$")
_MARKER = re.compile(r"(?<=[\w.,;!)]) +(?=\((?:[a-n]|\d{1,2})\) ?[A-Z])")
"""Before a marker of a list within a line: "(a) Texture: natural (b) Edge: blurred"."""
_BRACKETS = re.compile(r"\((?:[a-n]|\d{1,2})\)")
"""What a marker has, which is quicker to search for."""


def lay_out(text: str) -> str:
    """The text with one line for each row of a table, pair of JSON and item of a list."""
    if "{" in text and '"' in text:
        text = _lay_out_json(text)
    if "|" in text:
        text = "\n".join(_lay_out_rows(text.splitlines()))
    if _BRACKETS.search(text):
        text = _MARKER.sub("\n", text)
    return text


def _lay_out_json(text: str) -> str:
    """The text with its outermost object as lines; as it is where there is no pair."""
    start, end = text.find("{"), text.rfind("}") + 1
    if re.search(r"\[\s*$", text[max(0, start - 20) : start]):  # a list of objects
        start, end = text.rfind("[", 0, start), text.rfind("]") + 1
    before, after = text[:start], text[end:] if end > start else ""
    body = text[start : end if end > start else len(text)][:_MAX_JSON]
    try:
        pairs = list(_list_pairs(json.loads(body), "", 0))
    except (ValueError, RecursionError):
        pairs = [(match[1], match[2]) for match in _PAIR.finditer(body)]
    if not pairs:
        return text
    lines = (f"{name}: {value}" if name else value for name, value in pairs)
    return _FENCE.sub("", "\n".join((before.strip("[ \n"), *lines, after.strip("] \n"))))


def _list_pairs(value: object, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the texts of a JSON value, each with the name that it is under."""
    if isinstance(value, str):
        yield name, " ".join(value.split())
    elif isinstance(value, dict) and depth < _MAX_DEPTH:
        named = next(
            (
                str(value[key])
                for key in ("criterion", "aspect", "category", "name")
                if key in value
            ),
            None,
        )
        for key, item in value.items():
            own = named or (f"{name} {key}" if depth else str(key))
            if item != named:
                yield from _list_pairs(item, own.strip(), depth + 1)
    elif isinstance(value, list) and depth < _MAX_DEPTH:
        for item in value:
            yield from _list_pairs(item, name, depth + 1)


def _lay_out_rows(lines: list[str]) -> Iterator[str]:
    """Yield the lines, and rows of tables as "first cell: other cells" without headers."""
    for index, line in enumerate(lines):
        row = _ROW.match(line)
        if row is None:
            yield line
        elif not (_is_rule(line) or (index + 1 < len(lines) and _is_rule(lines[index + 1]))):
            cells = [cell.strip() for cell in row[1].split("|") if cell.strip()]
            yield f"{cells[0]}: {'; '.join(cells[1:])}" if len(cells) > 1 else "".join(cells)


def _is_rule(line: str) -> bool:
    return "|" in line and _RULE.match(line) is not None
