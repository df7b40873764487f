"""The marks that models write around their thoughts and around their answers.

A mark is told by its shape and by a word of thinking in its name: ``<think>``, ``[THINK]``,
``<|end_of_thought|>``, ``◁/think▷``, ``【思考】``, ``<details type="reasoning">``. A few marks do
not say what they are and are listed. Backends keep these marks when they decode a reply, and
readers leave out what stands between the marks of a thought. Marks are compared without regard to
case.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Side(StrEnum):
    """What a mark does."""

    OPEN = "open"
    CLOSE = "close"
    ELEMENT = "element"
    """Closes an element of any name, which is a thought only where an attribute said so."""
    EMPTY = "empty"
    """Opens and closes at once: ``<think/>``."""
    ANSWER = "answer"
    """Names an answer, which ends a section of thoughts but not a thought between two marks."""
    FINAL = "final"
    """Begins the answer, so that all before it was thought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One mark: a thought is closed by a mark of its name or, failing that, of its kind."""

    side: Side
    kind: str = ""
    name: str = ""
    section: bool = False
    """Whether it heads a section, which ends where a section with the answer begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A text without its thoughts, and the mark of the thought that it leaves open, if any."""

    spoken: str
    opening: str | None


_OPENERS, _CLOSERS = r"<‹＜〈⟨◁\[［【〔{｛", r">›＞〉⟩▷\]］】〕}｝"
_REST = (
    rf"(?P<tag>(?<=[{_OPENERS}])[^{_OPENERS}{_CLOSERS}]{{1,160}}+[{_CLOSERS}]"
    r"(?!\((?:http|#|/|\.))|(?<=&)lt;[^&<>]{1,160}+&gt;)"
)
"""What makes a tag of the sign before it: a word in brackets, but not the text of a link."""
_TAG = re.compile(rf"[{_OPENERS}&]{_REST}")
_COMMAND = re.compile(r"\\[a-zA-Z]*\Z|\$\Z")
"""What stands before the braces of LaTeX."""
_SQUARE = "[［【〔{｛"
_BARS = "|｜"
_BODY = re.compile(
    r"(?P<slash>[/\\])?\s*(?P<name>[\w▁:.·-]+(?:\s+[\w▁:.·-]+){0,5})"
    r"(?P<attributes>(?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'=/]+))*)\s*(?P<empty>/)?"
)
_ATTRIBUTE = re.compile(r"\s(?:type|class|name|role|kind)\s*=\s*[\"']?([\w -]+)", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
_SEPARATORS = re.compile(r"[\W_▁]+")

_BEGINS = frozenset({"begin", "start", "open", "开始"})
_ENDS = frozenset({"end", "stop", "close", "finish", "after", "结束", "完毕"})
_CHINESE_EDGE = re.compile("开始|结束|完毕")
_EDGE = re.compile(
    r"(?:(?P<end>end|stop|close)|begin|start|open)(?:of)?(?P<front>\w+)"
    r"|(?P<behind>\w+?)(?:(?P<stop>end|stop)|begin|start)"
)
"""A word of thinking with the word for its begin or end written at it."""
_JOINED = (
    ("chain of thought", "chainofthought"),
    ("scratch pad", "scratchpad"),
    (" of box", " ofbox"),
    ("final box", "finalbox"),
)
_DENIALS = frozenset(
    [
        "no",
        "not",
        "non",
        "without",
        "nothink",
        "nothinking",
        "disable",
        "disabled",
        "off",
        "skip",
        "budget",
        "effort",
        "mode",
    ]
)
"""Words of switches that say how much is thought: they open nothing."""
_AFFIXES = frozenset(
    [
        "of",
        "the",
        "my",
        "a",
        "final",
        "deep",
        "deeper",
        "inner",
        "internal",
        "private",
        "hidden",
        "extended",
        "self",
        "chain",
        "step",
        "steps",
        "process",
        "content",
        "contents",
        "block",
        "section",
        "token",
        "tokens",
        "long",
        "short",
        "slow",
        "fast",
        "tag",
        "model",
        "assistant",
        "visual",
        "image",
        "mental",
        "train",
    ]
)
_KIND = re.compile(
    r"(?P<cot>cots?|chainofthoughts?|思维链)"
    r"|(?P<think>(?!thoughtful|thoughtless|unthink|thinkab|thinker)\w*(?:think|thought)\w*"
    r"|\w*(?:思考|思维|思路|内心独白)\w*)"
    r"|(?P<reason>reasons?|reasoning\w*|\w*推理\w*)|(?P<rationale>rationales?)"
    r"|(?P<scratchpad>scratch(?:pads?)?)|(?P<monologue>monologues?)"
    r"|(?P<deliberate>deliberat\w+|ponder(?:ing)?|contemplat\w+|introspect\w+)"
    r"|(?P<reflect>reflect(?:s|ions?|ing)?|反思)|(?P<analysis>analysis)"
    r"|(?P<plan>plan(?:ning)?)|(?P<caption>caption)"
)
"""Words of thinking, by what they are called: the first word of a name that is one decides."""
_PLAIN = frozenset({"reflect", "analysis", "plan", "caption"})
"""Kinds whose words are ordinary ones, too: they stand in a name with affixes only, and in square
brackets they are headings ("reflection" is one of the 14 criteria)."""
_ANSWERS = re.compile(
    r"answers?|response|solution|conclusion|final|output|verdict|judge?ment|decision|ofbox|finalbox"
    r"|回答|答案|结论|最终答案|最终回答|最终结论|判断|判定|回复"
)
_LISTED = {
    "<unused94>": Mark(side=Side.OPEN, kind="think", name="unused94"),  # MedGemma
    "<unused95>": Mark(side=Side.CLOSE, kind="think", name="unused94"),
    "[unused16]": Mark(side=Side.OPEN, kind="think", name="unused16"),  # openPangu
    "[unused17]": Mark(side=Side.CLOSE, kind="think", name="unused16"),
    "<|inner_prefix|>": Mark(side=Side.OPEN, kind="think", name="inner"),  # Apertus
    "<|inner_suffix|>": Mark(side=Side.CLOSE, kind="think", name="inner"),
    "<|content|>": Mark(side=Side.FINAL),  # Solar Open
}
"""Marks that do not say what they are."""

_HEADING = r"[ \t]{0,8}(?:[>-] ?)?"
_THINKING = (
    r"(?:my |internal |inner |step-by-step )?(?:thinking(?: process)?|thought process|think"
    r"|thought|chain[ -]of[ -]thought|scratchpad|思考(?:过程)?|思维(?:链|过程))"
)
_ANSWER = (
    r"(?:my |the )?(?:final |overall )?(?:answer|response|reply|output|verdict|conclusion|decision"
    r"|judge?ment|(?:最终)?(?:回答|答案|结论|判断|判定|回复))"
)
_FENCED = r"(?:think|thinking|thoughts?|reasoning|scratchpad|cot)"
_INLINE = (
    rf"[{_OPENERS}&%s](?:(?<=<)(?=[|ud])(?:"
    r"(?P<channel_open>\|channel\|>\s?(?:analysis|commentary|thought|think|reason)\w*\b[^<]{0,80}+"
    r"(?:<\|message\|>)?|\|im_start\|>(?:assistant)?\s?/?(?:think|thought|reason)\w*\b)"
    r"|(?P<channel_close>\|(?:end|call|im_end)\|>)"
    r"|(?P<channel_final>\|channel\|>\s?final\b[^<]{0,80}+(?:<\|message\|>)?"
    r"|\|im_start\|>(?:answer|final)\b)"
    r"|(?P<gemma_open>\|channel>\s?(?:thought|analysis)|unused94>thought)"
    r"|(?P<details_open>details[^<>]{0,80}+>\s{0,4}+<summary>[^<>]{0,80}?(?:think|thought|reason)"
    r"[^<>]{0,80}</summary>))"
    r"%s|(?<=\[)(?P<said_end>begin final response\])|(?<=<)(?P<gemma_close>channel\|>)"
    rf"|{_REST})"
)
"""Marks that stand anywhere. Each begins with one of a few signs, which are found fast."""
_MARK = re.compile(_INLINE % ("", ""), re.IGNORECASE)
_RARE_MARK = re.compile(
    _INLINE % (r"a.", r"|(?<=a)(?P<final>ssistantfinal)|(?<=\.)(?P<done>\.\.done thinking\.)"),
    re.IGNORECASE,
)
"""The same and two marks that begin like words, which are searched slowly: for texts with one."""
_RARE = ("assistantfinal", "done thinking.")
_LINE_MARK = re.compile(
    rf"(?:(?P<fence_open>```{_FENCED}[ \t]{{0,8}}\n)|(?P<fence_close>```)"
    r"|(?P<said_open>"
    r"here (?:is|are) my (?:thought process|reasoning steps):?"
    rf"|{_HEADING}(?:\#{{1,6}} *\**{_THINKING}\b {{0,8}}\*{{0,4}}:?\*{{0,4}}(?= {{0,8}}\n)"
    rf"|(?:\*\*\*?|__) ?{_THINKING} ?[:：]?(?:\*\*\*?|__) ?[:：]?))"
    r"|(?P<said_close>here is my response:|\#{1,4} final response\b:?)"
    r"|(?P<turn>(?:answer|final|assistant)[ \t]{0,8}(?=\n))"
    rf"|(?P<answer>{_HEADING}(?:(?:\#{{1,6}} *\**|\*\*\*?|__) ?{_ANSWER} ?[*_]{{0,3}} ?"
    rf"(?:[:：]|\n|\Z)|{_ANSWER}(?: is)? ?[:：])))",
    re.IGNORECASE,
)
"""Marks that begin a line."""
_LINE = re.compile(r"\n(?=[^<\[\n])")
_GROUPS = {
    "channel_open": Mark(side=Side.OPEN, kind="channel", name="channel"),
    "channel_close": Mark(side=Side.CLOSE, kind="channel", name="channel"),
    "channel_final": Mark(side=Side.FINAL),
    "final": Mark(side=Side.FINAL),
    "gemma_open": Mark(side=Side.OPEN, kind="think", name="gemma"),
    "gemma_close": Mark(side=Side.CLOSE, kind="think", name="gemma"),
    "details_open": Mark(side=Side.OPEN, kind="details", name="details"),
    "said_open": Mark(side=Side.OPEN, kind="said", name="said", section=True),
    "said_close": Mark(side=Side.CLOSE, kind="said", name="said"),
    "said_end": Mark(side=Side.CLOSE, kind="said", name="said"),
    "done": Mark(side=Side.ELEMENT, kind="said", name="said"),
    "turn": Mark(side=Side.ELEMENT, kind="said", name="said"),
    "answer": Mark(side=Side.ANSWER),
    "fence_open": Mark(side=Side.OPEN, kind="fence", name="fence"),
    "fence_close": Mark(side=Side.ELEMENT, kind="fence", name="fence"),
}
_BARE = re.compile(
    r"\A\s{0,9}(?:(?P<channel>analysis(?=[A-Z\"'\u4e00-\u9fff]))"
    r"|(?i:/?(?:think|thinking|thought)[ \t]{0,8}\n|thinking ?(?:\.\.\.|…)\s{0,8}\n"
    r"|(?:thinking(?: process)?|thought process|思考(?:过程)?) ?[:：]))"
)
"""What opens a thought at the beginning of a text where the decoder dropped special tokens:
gpt-oss's channel, the name of a channel or of a turn on a line of its own, a heading."""
_SIGNS = (
    "<", "[", "{", "&lt;", "assistantfinal", "thinking", "thought", "scratchpad", "think\n",
    "here is my", "here are my", "final response", "```",
)  # fmt: skip
_FOREIGN_SIGNS = ("◁", "【", "‹", "＜", "〈", "⟨", "［", "〔", "｛", "思")
"""What a text with a mark holds, in small letters; most replies hold none of them."""
_THINK_HEADING = re.compile(r"[#*_] *think")
"""The one mark that is an ordinary word, too. So is the name of a channel, for many replies speak
of an analysis: it is a mark at the beginning only."""
_DEPTH = 8
"""Thoughts within thoughts that are told apart."""

_PARTS = frozenset(
    {"<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>", "<|channel>", "<channel|>"}
)
"""Tokens that the marks of more than one token are made of."""


@lru_cache(maxsize=4096)
def read_mark(text: str) -> Mark | None:
    """What a text of one tag is a mark of; None for all other tags and for prose in brackets."""
    if (listed := _LISTED.get(text.lower())) is not None:
        return listed
    if text[0] == "&":
        text = f"<{text[4:-4]}>"
    body = text[1:-1].rstrip("\\")  # Markdown may escape brackets.
    left, right = body[:1] in _BARS, body[-1:] in _BARS
    square = text[0] in _SQUARE
    match = _BODY.fullmatch(body.strip("".join((*_BARS, " \t\n"))))
    if match is None:
        return None
    # Gemma's newer tokens open with a bar at the left and close with one at the right.
    slash = match["slash"] is not None or (right and not left)
    attributes = match["attributes"]
    words = _split_name(match["name"])
    loose = not square and ((left and right) or len(match["name"].split()) == 1)
    mark = _read_name(words, slash=slash, loose=loose, square=square)
    if mark is None and attributes and not square:
        for value in _ATTRIBUTE.findall(attributes):
            inner = _read_name(_split_name(value), slash=False, loose=True, square=False)
            if inner is not None and inner.side is Side.OPEN and inner.kind not in _PLAIN:
                name = "_".join(words)
                mark = Mark(side=Side.OPEN, kind=name, name=name)
    if mark is None and slash and not square and len(words) == 1:
        return Mark(side=Side.ELEMENT, kind=words[0], name=words[0])
    if mark is not None and mark.side is Side.OPEN and match["empty"]:
        return Mark(side=Side.EMPTY, kind=mark.kind, name=mark.name)
    if mark is not None and mark.side is Side.ANSWER and left and right and not slash:
        begins = not _BEGINS.isdisjoint(words) and "ofbox" not in words
        return Mark(side=Side.FINAL) if begins else mark
    return mark


def _split_name(name: str) -> list[str]:
    """The words of a name in lower case, ``end`` and ``begin`` apart from what they stand at."""
    spelt = _SEPARATORS.sub(" ", _CAMEL.sub(" ", name)).lower()
    for apart, joined in _JOINED:
        if apart in spelt:
            spelt = spelt.replace(apart, joined)
    if not spelt.isascii():
        spelt = _CHINESE_EDGE.sub(r" \g<0> ", spelt)
    words: list[str] = []
    for word in spelt.split():
        edge = _EDGE.fullmatch(word)
        inner = None if edge is None else edge["front"] or edge["behind"]
        if edge is None or inner is None or _find_kind(inner) is None:
            words.append(word)
        else:
            words += [inner, "end" if edge["end"] or edge["stop"] else "begin"]
    return words


@lru_cache(maxsize=4096)
def _find_kind(word: str) -> str | None:
    match = _KIND.fullmatch(word)
    return None if match is None else match.lastgroup


def _read_name(words: list[str], *, slash: bool, loose: bool, square: bool) -> Mark | None:
    """The mark that a name makes; in a ``loose`` one any other words may stand beside."""
    begins, ends = not _BEGINS.isdisjoint(words), not _ENDS.isdisjoint(words)
    others = [word for word in words if word not in _BEGINS and word not in _ENDS]
    kinds, answers, known = _sort_words(others)
    name = "_".join(others)
    if kinds:
        plain = _PLAIN.issuperset(kinds)
        sided = begins or ends
        if not known and (plain or not loose):
            return None
        if not sided and ("final" in others or (square and plain and not slash)):
            return None  # "Final thoughts" conclude, and "[Analysis]" is a heading.
        section = square and not begins and others != ["think"]
        side = Side.CLOSE if slash or ends else Side.OPEN
        return Mark(side=side, kind=kinds[0], name=name, section=section)
    if answers and known:
        return Mark(side=Side.ANSWER, kind="answer", name=name)
    return None


def _sort_words(words: list[str]) -> tuple[list[str], bool, bool]:
    """The kinds of the words of thinking, whether one is of answers, whether all are known."""
    kinds: list[str] = []
    answers, known = False, True
    for word in words:
        if word in _DENIALS:
            return [], False, False
        if (kind := _find_kind(word)) is not None:
            kinds.append(kind)
        elif _ANSWERS.fullmatch(word):
            answers = True
        elif word not in _AFFIXES and not word.isdigit():
            known = False
    return kinds, answers, known


def find_marks(text: str, start: int = 0) -> Iterator[tuple[int, int, Mark]]:
    """Every mark of a text from ``start`` on: where it begins and ends, and what it is."""
    for match in _match_marks(text, start):
        group = match.lastgroup or ""
        mark = read_mark(match[0]) if group == "tag" else _GROUPS[group]
        begin = match.start()
        if mark is None or (
            text[begin] == "{" and _COMMAND.search(text[max(0, begin - 20) : begin])
        ):
            continue
        yield begin, match.end(), mark


def _match_marks(text: str, start: int) -> Iterator[re.Match[str]]:
    """What looks like a mark, in order; of two that overlap the first."""
    lower = text.lower()
    anywhere = _RARE_MARK if any(sign in lower for sign in _RARE) else _MARK
    begins = text[start : start + 1] not in ("<", "[", "\n") and text[start - 1 : start] in (
        "",
        "\n",
    )
    lines = [start] if begins else []
    lines += [line.end() for line in _LINE.finditer(text, start)]
    mark = anywhere.search(text, start)
    end = start
    for line in lines:
        while mark is not None and mark.start() < line:
            yield mark
            end = mark.end()
            mark = anywhere.search(text, end)
        if line >= end and (heading := _LINE_MARK.match(text, line)) is not None:
            yield heading
            end = heading.end()
            if mark is not None and mark.start() < end:
                mark = anywhere.search(text, end)
    while mark is not None:
        yield mark
        mark = anywhere.search(text, mark.end())


def _may_hold_marks(text: str) -> bool:
    lower = text.lower()
    return (
        any(sign in lower for sign in _SIGNS)
        or (not text.isascii() and any(sign in lower for sign in _FOREIGN_SIGNS))
        or ("think" in lower and _THINK_HEADING.search(lower) is not None)
        or ("nalysis" in text and _BARE.match(text) is not None)
    )


def split_thoughts(text: str) -> Split:
    """What a text says outside its thoughts, and the first mark of the thought left open.

    A thought that never closes goes on to the end. A closing mark without an opening one ends a
    thought that the chat template opened. Marks around an answer are kept.
    """
    if not _may_hold_marks(text):
        return Split(spoken=text, opening=None)
    walk = _Walk(text)
    bare = _BARE.match(text)
    if bare is not None:
        mark = _GROUPS["channel_open" if bare["channel"] else "said_open"]
        walk.take(mark, *bare.span())
    for begin, end, mark in find_marks(text, 0 if bare is None else bare.end()):
        walk.take(mark, begin, end)
    return walk.split()


class _Walk:
    """Goes through the marks of a text in order."""

    def __init__(self, text: str) -> None:
        self._text, self._kept = text, list[str]()
        self._start, self._opened = 0, ""
        """Where the text that is not yet kept starts, and the first mark of an open thought."""
        self._stack, self._names = list[Mark](), set[str]()

    def take(self, mark: Mark, begin: int, end: int) -> None:
        """Go on to a mark."""
        if mark.side is Side.OPEN:
            self._open(mark, begin, end)
        elif mark.side is Side.ANSWER:
            if len(self._stack) == 1 and self._stack[0].section:
                self._stack, self._start = [], begin
        elif mark.side is Side.FINAL:
            self._forget(end)
        elif self._stack:
            place = self._find_opened(mark)
            if place is not None:
                del self._stack[place:]
                self._names = {one.name for one in self._stack}
                self._start = end
        elif mark.side is Side.EMPTY:
            self._kept.append(self._text[self._start : begin])
            self._start = end
        elif mark.side is Side.CLOSE and mark.kind != "channel":  # ``<|end|>`` ends replies, too.
            self._forget(end)

    def split(self) -> Split:
        """What came of it at the end of the text."""
        rest, opening = self._text[self._start :], None
        if self._stack:
            rest, opening = "", self._opened
        return Split(spoken="".join((*self._kept, rest)), opening=opening)

    def _open(self, mark: Mark, begin: int, end: int) -> None:
        if not self._stack:
            self._kept.append(self._text[self._start : begin])
            self._opened = self._text[begin:end].strip()
            self._stack.append(mark)
            self._names = {mark.name}
        elif len(self._stack) < _DEPTH and mark.name not in self._names:
            self._stack.append(mark)
            self._names.add(mark.name)

    def _forget(self, end: int) -> None:
        """All that stands before ``end`` was thought."""
        self._kept.clear()
        self._stack, self._start = [], end

    def _find_opened(self, mark: Mark) -> int | None:
        """The place of the thought that a mark closes: of its name, else of its kind."""
        places = range(len(self._stack) - 1, -1, -1)
        for place in places:
            if self._stack[place].name == mark.name:
                return place
        if mark.kind == "channel":  # The end of a message ends what its first token opened.
            token = self._opened.startswith("<|") and self._opened.endswith("|>")
            return 0 if token else None
        if mark.kind == "think" and self._stack[0].kind == "said":
            return 0
        return next((place for place in places if self._stack[place].kind == mark.kind), None)


_STRIPPED = re.compile(
    rf"[{_OPENERS}&](?:(?<=<)(?P<token>\|[^|<>]{{1,40}}+\|>)"
    r"|(?<=<)(?:(?:eos|bos|end_of_turn|start_of_turn)>|/s>)"
    rf"|(?<=\[)(?:/?answer\]|(?:begin|end) final response\])|{_REST})",
    re.IGNORECASE,
)


def strip_marks(spoken: str) -> str:
    """A text without thoughts as its reader sees it: no marks around answers, no end marks."""
    if "<" in spoken or "[" in spoken or "&" in spoken or not spoken.isascii():
        spoken = _STRIPPED.sub(_strip, spoken)
    return spoken.strip()


def _strip(match: re.Match[str]) -> str:
    if match["token"]:
        return ""
    if match["tag"] is None:
        return "\n"
    tag = match[0]
    mark = None if tag[0] in _SQUARE else read_mark(tag)
    return "\n" if mark is not None and mark.side in (Side.ANSWER, Side.FINAL) else tag


def is_mark(token: str) -> bool:
    """Whether a token of a tokenizer marks a thought or an answer, or is a part of such a mark."""
    bare = token.strip().lower()
    if bare in _PARTS:
        return True
    match = _TAG.fullmatch(bare)
    mark = None if match is None else read_mark(bare)
    return mark is not None and mark.side is not Side.ELEMENT


def find_open_thought(text: str) -> str | None:
    """The mark of the thought that ``text`` leaves open at its end, as written there, if any."""
    return split_thoughts(text).opening
