"""Sound content -> broken content: trees of values, their encodings, bytes, and whole places."""

import copy
import json
import os
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import tomli_w

Tree = Any
"""What JSON or TOML hold: objects, lists, texts, numbers, truth values, None, dates."""
Maker = Callable[[], Tree]
_DEEP = 100_000
"""Levels of nesting: beyond every reader's depth."""
LONG = 200_000
"""Characters of a very long text."""
_TEXTS = (
    "", " ", "\0", "\x1b]0;PWNED\x07\x1b[2J", "\ud800", "\udcff half", "../../../../PWNED.py",
    "/PWNED.py", "..", ".", "a/../b", "C:\\PWNED", "~", "~root/x", "\u202efdp.exe", "e\u0301",
    "\ufeff",
    "NaN", "null", "true", "-1", "{question}", "{image}", "%s%n", "{0.__class__}", "<script>",
    "x" * LONG, "é" * 5_000, "1/0", "0/0", "9/1", "fake", "real", "all", "label=", "=", "probes",
    "official", "2026-11-28", "0" * 64, "\n", "a\nb", "\r\n", "[all]", "none", "last", "|", "`",
)  # fmt: skip
_NUMBERS: tuple[Any, ...] = (
    0, -1, 1, 2, 3, 1.5, -0.0, 1e308, -1e308, 5e-324, 2**31, 2**63, 2**64, -(2**63), 10**30,
    10**400, 0.1, 10**9, 99, float("nan"), float("inf"), float("-inf"),
)  # fmt: skip
_DATES = (
    datetime(2026, 1, 1, tzinfo=UTC), datetime.fromisoformat("0001-01-01T00:00:00"),
    date(2026, 1, 1), time(1, 2, 3),
)  # fmt: skip


def pick_value(rng: random.Random, *, dates: bool = False) -> Tree:
    """Something that does not belong where it is put."""
    kinds: list[Maker] = [
        lambda: rng.choice(_TEXTS),
        lambda: rng.choice(_NUMBERS),
        lambda: rng.choice((None, True, False)),
        lambda: rng.choice(
            ([], {}, [None], [[]], {"": ""}, {"all": -1}, [{}], ["x", 1], {"a": {}})
        ),
        lambda: [rng.choice(_NUMBERS) for _ in range(rng.randrange(5))],
        lambda: [rng.choice(_TEXTS)[:99]] * rng.choice((1, 2, 1_000)),
    ]
    if dates:
        kinds.append(lambda: rng.choice(_DATES))
    return rng.choice(kinds)()


def _list_spots(tree: Tree) -> list[tuple[Any, Any]]:
    """Every container and key (or index) below a tree."""
    positions: list[tuple[Any, Any]] = []
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        keys: list[Any] | range = []
        if isinstance(node, dict):
            keys = list(node)
        elif isinstance(node, list):
            keys = range(len(node))
        positions += [(node, key) for key in keys]
        nodes += [node[key] for key in keys]
    return positions


def mutate_tree(rng: random.Random, tree: Tree, *, dates: bool = False) -> Tree:
    """A copy of a tree with one to three places changed."""
    mutated = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        positions = _list_spots(mutated)
        if not positions or rng.random() < 0.03:
            return pick_value(rng, dates=dates)
        node, key = rng.choice(positions)
        match rng.randrange(9):
            case 0 | 1 | 2:
                node[key] = pick_value(rng, dates=dates)
            case 3:
                del node[key]
            case 4 if isinstance(node, dict):
                node[rng.choice((f"{key}x", key.upper(), "", rng.choice(_TEXTS)))] = node.pop(key)
            case 5 if isinstance(node, list):
                node.insert(key, copy.deepcopy(node[key]))
            case 5:
                node[rng.choice(_TEXTS)] = pick_value(rng, dates=dates)
            case 6:
                node[key] = [node[key]] if rng.random() < 0.5 else {"x": node[key]}
            case 7:
                other_node, other_key = rng.choice(positions)
                node[key] = copy.deepcopy(
                    other_node.get(other_key) if isinstance(other_node, dict) else other_node
                )
            case _:
                node[key] = _bend(rng, node[key])
    return mutated


def _bend(rng: random.Random, value: Tree) -> Tree:
    """A value near a given one."""
    if isinstance(value, bool) or value is None:
        return rng.choice((0, 1, "", not value))
    if isinstance(value, int | float):
        if abs(value) > 10**300:
            return -value
        return rng.choice((-value, value + 1, value * 10**9, str(value), float(value), value / 3))
    if isinstance(value, str):
        variants = (
            value.upper(),
            value[:-1],
            value * 2,
            f" {value} ",
            f"../{value}",
            list(value[:20]),
        )
        return rng.choice(variants)
    return rng.choice((list(value), len(value), str(value)))


def encode_json(rng: random.Random, tree: Tree, *, lines: bool = False) -> bytes:
    """A tree as JSON, or as JSON lines; seldom in an encoding or a form that is none."""
    rows = tree if lines and isinstance(tree, list) else [tree]
    texts = [json.dumps(row, ensure_ascii=rng.random() < 0.5) for row in rows]
    if rng.random() < 0.05:
        texts[rng.randrange(len(texts)) if texts else 0 :] = [_nest(rng)]
    if rng.random() < 0.05 and texts:  # a name that stands twice
        texts[0] = texts[0].replace("{", '{"id": 1, "id": 2, ', 1)
    text = "\n".join(texts) + ("\n" if lines else "")
    return _encode(rng, text)


def _nest(rng: random.Random) -> str:
    depth = rng.choice((200, 990, 5_000, _DEEP))
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
    return opening * depth + rng.choice(("1", "")) + closing * rng.choice((depth, 0))


def _encode(rng: random.Random, text: str) -> bytes:
    content = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.8:
        return content
    match rng.randrange(9):
        case 0:
            return b"\xef\xbb\xbf" + content
        case 1:
            return text.encode(rng.choice(("utf-16", "utf-32", "utf-16-le")), "surrogatepass")
        case 2:
            return text.encode("latin-1", "replace") + "é".encode("latin-1")
        case 3:
            return content.replace(b"\n", rng.choice((b"\r\n", b"\r", b"\x0b", "\u2028".encode())))
        case 4:
            return content + content
        case 5:
            return content[: rng.randrange(len(content) + 1)]
        case 6:
            return content.replace(b" ", rng.choice((b"\0", b"\t", b"\xc2\xa0", b"")))
        case 7:
            return content + rng.choice((b"\0" * 100, b"//", b"#", b"\n\n\n", b"}"))
        case _:
            return mutate_bytes(rng, content)


def encode_toml(rng: random.Random, tree: Tree) -> bytes:
    """A tree as TOML; where TOML has no such value, what tomli_w makes of the rest."""
    if not isinstance(tree, dict) or rng.random() < 0.05:
        return _encode(rng, f"x = {_nest(rng)}\n")
    try:
        text = tomli_w.dumps(_drop_none(tree))
    except (TypeError, ValueError, AttributeError):
        text = f"x = {tree!r}\n"
    return _encode(rng, text)


def _drop_none(tree: Tree) -> Tree:
    if isinstance(tree, dict):
        return {str(name): _drop_none(value) for name, value in tree.items() if value is not None}
    if isinstance(tree, list):
        return [_drop_none(value) for value in tree if value is not None]
    return tree


def mutate_bytes(rng: random.Random, content: bytes) -> bytes:
    """Bytes flipped, cut, repeated, inserted, or of another kind altogether."""
    mutated = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        start = rng.randrange(len(mutated) + 1)
        end = min(len(mutated), start + rng.choice((1, 2, 4, 64, 4_096)))
        match rng.randrange(8):
            case 0 | 1 if mutated and start < len(mutated):
                mutated[start] ^= 1 << rng.randrange(8)
            case 2:
                del mutated[start:end]
            case 3:
                mutated[start:start] = rng.randbytes(rng.choice((1, 4, 64)))
            case 4:
                mutated[start:end] = mutated[start:end] * 3
            case 5:
                mutated[start:end] = rng.choice((b"\xff", b"\0", b"\x7f")) * (end - start)
            case 6 if rng.random() < 0.3:
                del mutated[start:]
            case _:
                mutated[start:end] = rng.randbytes(end - start)
    return bytes(mutated)


_HUGE = 1 << 40
"""Bytes that a sparse file claims, and no memory holds."""


def break_place(rng: random.Random, path: Path) -> str:
    """Put something that is no regular file, or none that can be read whole, at a path."""
    kinds: dict[str, Maker] = {
        "absent": lambda: None,
        "directory": path.mkdir,
        "full directory": lambda: (path / "x" / "y").mkdir(parents=True),
        "fifo": lambda: os.mkfifo(path),
        "loop": lambda: path.symlink_to(path.name),
        "dangling link": lambda: path.symlink_to("nowhere"),
        "endless device": lambda: path.symlink_to("/dev/zero"),
        "empty device": lambda: path.symlink_to("/dev/null"),
        "proc": lambda: path.symlink_to("/proc/self/mem"),
        "empty": lambda: path.write_bytes(b""),
        "sparse": lambda: _make_sparse(path),
        "unreadable": lambda: _make_unreadable(path),
    }
    kind = rng.choice(sorted(kinds))
    path.unlink(missing_ok=True)
    kinds[kind]()
    return kind


def _make_sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(_HUGE)


def _make_unreadable(path: Path) -> None:
    path.write_bytes(b"{}")
    path.chmod(0)
