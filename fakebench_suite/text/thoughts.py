"""Separate the thoughts of a reply from what it says, by the marks of :mod:`.reasoning_tags`."""

import re
from dataclasses import dataclass
from functools import lru_cache

from fakebench_suite.text.reasoning_tags import (
    ReasoningTag,
    TagKind,
    find_marks,
    find_opening,
    strip_marks,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleReply:
    """A text without its thoughts, and the mark of the thought that it leaves open, if any."""

    visible: str
    opening: str | None


_MAX_DEPTH = 8
"""Largest number of nested thoughts."""
_SIGNS = (
    "<", "[", "{", "&lt;", "assistantfinal", "thinking", "thought", "scratchpad", "think\n",
    "here is my", "here are my", "final response", "```",
)  # fmt: skip
_FOREIGN_SIGNS = ("◁", "【", "‹", "＜", "〈", "⟨", "［", "〔", "｛", "思")
"""Strings one of which every text with a mark contains, in lower case; most replies have none."""
_THINK_HEADING = re.compile(r"[#*_] *think")
"""The only mark that is an ordinary word. The name of a channel is one, too, but many replies
mention an analysis, so it is a mark at the start only."""


@lru_cache(maxsize=256)  # A reply is read for its label, its claims and the report.
def split_thoughts(text: str) -> VisibleReply:
    """Return what a text says outside its thoughts, and the first mark of an open thought.

    A thought that is never closed extends to the end. A closing mark without an opening one ends a
    thought that the chat template opened. Marks around an answer are kept.
    """
    if not _may_hold_marks(text):
        return VisibleReply(visible=text, opening=None)
    walker = _MarkWalker(text)
    opening = find_opening(text)
    if opening is not None:
        begin, end, mark = opening
        walker.take(mark, begin, end)
    for begin, end, mark in find_marks(text, 0 if opening is None else opening[1]):
        walker.take(mark, begin, end)
    return walker.split()


def _may_hold_marks(text: str) -> bool:
    """Return whether a text may have a mark, by a fast search for substrings."""
    lower = text.lower()
    return (
        any(map(lower.__contains__, _SIGNS))
        or (not text.isascii() and any(map(lower.__contains__, _FOREIGN_SIGNS)))
        or ("think" in lower and _THINK_HEADING.search(lower) is not None)
        or ("nalysis" in text and find_opening(text) is not None)
    )


def remove_thoughts(reply: str) -> str:
    """Return the reply without its thoughts; marks around its answer are kept."""
    return split_thoughts(reply).visible


def to_visible_text(reply: str) -> str:
    """Return the reply as its reader sees it: without thoughts and without marks."""
    return strip_marks(remove_thoughts(reply))


class _MarkWalker:
    """Processes the marks of a text in order."""

    def __init__(self, text: str) -> None:
        self._text, self._kept = text, list[str]()
        self._start, self._opened = 0, ""
        """Start of the text that is not yet kept, and the first mark of an open thought."""
        self._stack, self._names = list[ReasoningTag](), set[str]()

    def take(self, mark: ReasoningTag, begin: int, end: int) -> None:
        """Process the next mark."""
        if mark.side is TagKind.OPEN:
            self._open(mark, begin, end)
        elif mark.side is TagKind.ANSWER:
            if len(self._stack) == 1 and self._stack[0].section:
                self._stack, self._start = [], begin
        elif mark.side is TagKind.FINAL:
            self._forget(end)
        elif self._stack:
            index = self._find_opened(mark)
            if index is not None:
                del self._stack[index:]
                self._names = {open_mark.name for open_mark in self._stack}
                self._start = end
        elif mark.side is TagKind.EMPTY:
            self._kept.append(self._text[self._start : begin])
            self._start = end
        elif (
            mark.side is TagKind.CLOSE and mark.kind != "channel"
        ):  # ``<|end|>`` also ends replies.
            self._forget(end)

    def split(self) -> VisibleReply:
        """Return the result at the end of the text."""
        remainder, opening = self._text[self._start :], None
        if self._stack:
            remainder, opening = "", self._opened
        return VisibleReply(visible="".join((*self._kept, remainder)), opening=opening)

    def _open(self, mark: ReasoningTag, begin: int, end: int) -> None:
        """Open a thought, unless it is nested too deeply or has the name of an open one."""
        if not self._stack:
            self._kept.append(self._text[self._start : begin])
            self._opened = self._text[begin:end].strip()
            self._stack.append(mark)
            self._names = {mark.name}
        elif len(self._stack) < _MAX_DEPTH and mark.name not in self._names:
            self._stack.append(mark)
            self._names.add(mark.name)

    def _forget(self, end: int) -> None:
        """Treat everything before ``end`` as a thought."""
        self._kept.clear()
        self._stack, self._start = [], end

    def _find_opened(self, mark: ReasoningTag) -> int | None:
        """Return the index of the thought that a mark closes: of its name, else of its kind."""
        indices = range(len(self._stack) - 1, -1, -1)
        for index in indices:
            if self._stack[index].name == mark.name:
                return index
        if mark.kind == "channel":  # The end of a message closes what its first token opened.
            is_token = self._opened.startswith("<|") and self._opened.endswith("|>")
            return 0 if is_token else None
        if mark.kind == "think" and self._stack[0].kind == "said":
            return 0
        return next((index for index in indices if self._stack[index].kind == mark.kind), None)


def find_open_thought(text: str) -> str | None:
    """Return the mark of the thought that is open at the end of ``text``, as written, if any."""
    return split_thoughts(text).opening
