"""Describe the mistakes in a ``gates.toml``, with the allowed values."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from fakebench_suite.errors import describe_choices
from fakebench_suite.gates.rules import TASK_NAME, Gate
from fakebench_suite.tasks.registry import list_tasks


def list_mistakes(content: Mapping[str, Any]) -> Iterator[str]:
    """The mistakes in the content of a file, one sentence each without its full stop."""
    for name in content:
        if name != "gate":
            yield f"there is no field {name!r} beside the tables [[gate]]"
    tables = content.get("gate", [])
    for number, table in enumerate(tables if isinstance(tables, list) else [], start=1):
        if not isinstance(table, dict):
            continue
        title = f"gate {number} ({table['name']!r})" if "name" in table else f"gate {number}"
        kinds, kind = _list_kinds(), table.get("kind")
        if not isinstance(kind, str) or kind not in kinds:
            has = "has no kind" if kind is None else f"has kind = {kind!r}"
            yield f"{title} {has}; {describe_choices(str(kind), kinds)}"
            continue
        for mistake in _check_table(table, kinds[kind]):
            yield f"{title} {mistake}"


@cache
def _list_kinds() -> Mapping[str, type[msgspec.Struct]]:
    return {str(kind.__struct_config__.tag): kind for kind in get_args(Gate)}


def _check_table(table: Mapping[str, Any], kind: type[msgspec.Struct]) -> Iterator[str]:
    """The mistakes in one gate, as predicates of a sentence about it."""
    hints = get_type_hints(kind, include_extras=True)
    fields = ["kind", *kind.__struct_fields__]
    for name, value in table.items():
        if name not in fields:
            yield f"has the field {name!r}; {describe_choices(name, fields)}"
        elif name != "kind" and (expected := _describe_expected(value, hints[name])) is not None:
            yield f"has {name} = {value!r}; {expected}"
    for field in msgspec.structs.fields(kind):
        if field.required and field.name not in table:
            choices = _list_choices(field.type)
            yield f"lacks {field.name}" + (f", one of {', '.join(choices)}" if choices else "")
    try:
        msgspec.convert(table, kind)
    except msgspec.ValidationError as error:  # raised by the gate's own __post_init__
        yield f"is wrong: {error}"


def _describe_expected(value: Any, hint: Any) -> str | None:
    """The expected value in words; None if ``value`` is allowed."""
    choices = _list_choices(hint)
    if choices:
        return None if value in choices else describe_choices(str(value), choices)
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError:
        limits = _numeric_limits(hint)
        if limits is not None:
            return _describe_limits(limits, value)
        return "it must be a number" if float in get_args(hint) else "it must be text of one line"
    return None


def _describe_limits(limits: msgspec.Meta, value: Any) -> str:
    number = "a whole number" if limits.ge == 1 else "a number"
    if limits.le is not None:
        span = f"from {limits.ge:g} to {limits.le:g}"
    elif limits.lt is not None:
        span = f"above {limits.gt:g} and below {limits.lt:g}"
    else:
        span = f"of {limits.ge:g} or more" if limits.ge is not None else f"above {limits.gt:g}"
    expected = f"it must be {number} {span}"
    is_percentage = 1 in (limits.le, limits.lt) and isinstance(value, int | float) and value > 1
    return f"{expected}, and {value:g} % is {value / 100:g}" if is_percentage else expected


def _list_choices(hint: Any) -> list[str]:
    """The values of a Literal or an enumeration, or the names of tasks, optional or not."""
    if TASK_NAME in getattr(hint, "__metadata__", ()):
        return list(list_tasks())
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return list(hint)
    if get_origin(hint) is Literal:
        return list(get_args(hint))
    return [word for part in get_args(hint) for word in _list_choices(part)]


def _numeric_limits(hint: Any) -> msgspec.Meta | None:
    """The limits in a number's annotation, optional or not."""
    for part in [*getattr(hint, "__metadata__", ()), *get_args(hint)]:
        if isinstance(part, msgspec.Meta):
            bounds = (part.ge, part.gt, part.le, part.lt)
            return part if any(bound is not None for bound in bounds) else None
        if (limits := _numeric_limits(part)) is not None:
            return limits
    return None
