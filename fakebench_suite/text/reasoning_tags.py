"""The marks that models write around their thoughts and around their answers.

A mark has brackets and a word of thinking in its name: ``<think>``, ``[THINK]``, ``◁/think▷``,
``【思考】``, ``<|end_of_thought|>``, ``<details type="reasoning">``. A few marks without such a
word are listed. Marks are compared without regard to case. Backends keep these marks when they
decode a reply; :mod:`.thoughts` removes the text between the marks of a thought.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class TagKind(StrEnum):
    """The effect of a mark."""

    OPEN = "open"
    CLOSE = "close"
    ELEMENT = "element"
    """Closes an element of any name, which is a thought only if an attribute said so."""
    EMPTY = "empty"
    """Opens and closes at once: ``<think/>``."""
    ANSWER = "answer"
    """Names an answer, which ends a section of thoughts, but not a thought between two marks."""
    FINAL = "final"
    """Begins the answer, so that everything before it was a thought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningTag:
    """One mark; a thought is closed by a mark of its name or else of its kind."""

    side: TagKind
    kind: str = ""
    name: str = ""
    section: bool = False
    """Whether it is the heading of a section, which ends where a section with the answer begins."""


_OPENERS, _CLOSERS = r"<‹＜〈⟨◁\[［【〔{｛", r">›＞〉⟩▷\]］】〕}｝"
_TAG_REST = (
    rf"(?P<tag>(?<=[{_OPENERS}])[^{_OPENERS}{_CLOSERS}]{{1,160}}+[{_CLOSERS}]"
    r"(?!\((?:http|#|/|\.))|(?<=&)lt;[^&<>]{1,160}+&gt;)"
)
"""The rest of a tag after its opening bracket: a word in brackets, but not the text of a link."""
_TAG = re.compile(rf"[{_OPENERS}&]{_TAG_REST}")
_COMMAND = re.compile(r"\\[a-zA-Z]*\Z|\$\Z")
"""What precedes the braces of LaTeX."""
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
"""A word of thinking joined with the word for its beginning or end."""
_JOINED = (
    ("chain of thought", "chainofthought"),
    ("scratch pad", "scratchpad"),
    (" of box", " ofbox"),
    ("final box", "finalbox"),
)
_SWITCH_WORDS = frozenset(
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
"""Words of switches for the amount of thinking, which open nothing."""
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
"""Words of thinking by kind; the first such word of a name determines the kind."""
_ORDINARY_KINDS = frozenset({"reflect", "analysis", "plan", "caption"})
"""Kinds whose words are also ordinary: they are marks with affixes only, and in square brackets
they are headings ("reflection" is one of the 14 criteria)."""
_ANSWERS = re.compile(
    r"answers?|response|solution|conclusion|final|output|verdict|judge?ment|decision|ofbox|finalbox"
    r"|回答|答案|结论|最终答案|最终回答|最终结论|判断|判定|回复"
)
_LISTED = {
    "<unused94>": ReasoningTag(side=TagKind.OPEN, kind="think", name="unused94"),  # MedGemma
    "<unused95>": ReasoningTag(side=TagKind.CLOSE, kind="think", name="unused94"),
    "[unused16]": ReasoningTag(side=TagKind.OPEN, kind="think", name="unused16"),  # openPangu
    "[unused17]": ReasoningTag(side=TagKind.CLOSE, kind="think", name="unused16"),
    "<|inner_prefix|>": ReasoningTag(side=TagKind.OPEN, kind="think", name="inner"),  # Apertus
    "<|inner_suffix|>": ReasoningTag(side=TagKind.CLOSE, kind="think", name="inner"),
    "<|content|>": ReasoningTag(side=TagKind.FINAL),  # Solar Open
}
"""Marks without a word of thinking."""

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
    rf"|{_TAG_REST})"
)
"""Marks anywhere in a text. Each begins with one of a few characters, which are found fast."""
_MARK = re.compile(_INLINE % ("", ""), re.IGNORECASE)
_RARE_MARK = re.compile(
    _INLINE % (r"a.", r"|(?<=a)(?P<final>ssistantfinal)|(?<=\.)(?P<done>\.\.done thinking\.)"),
    re.IGNORECASE,
)
"""The same and two marks that begin like words, which are slow to search: for texts with one."""
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
"""Marks at the start of a line."""
_LINE = re.compile(r"\n(?=[^<\[\n])")
_GROUPS = {
    "channel_open": ReasoningTag(side=TagKind.OPEN, kind="channel", name="channel"),
    "channel_close": ReasoningTag(side=TagKind.CLOSE, kind="channel", name="channel"),
    "channel_final": ReasoningTag(side=TagKind.FINAL),
    "final": ReasoningTag(side=TagKind.FINAL),
    "gemma_open": ReasoningTag(side=TagKind.OPEN, kind="think", name="gemma"),
    "gemma_close": ReasoningTag(side=TagKind.CLOSE, kind="think", name="gemma"),
    "details_open": ReasoningTag(side=TagKind.OPEN, kind="details", name="details"),
    "said_open": ReasoningTag(side=TagKind.OPEN, kind="said", name="said", section=True),
    "said_close": ReasoningTag(side=TagKind.CLOSE, kind="said", name="said"),
    "said_end": ReasoningTag(side=TagKind.CLOSE, kind="said", name="said"),
    "done": ReasoningTag(side=TagKind.ELEMENT, kind="said", name="said"),
    "turn": ReasoningTag(side=TagKind.ELEMENT, kind="said", name="said"),
    "answer": ReasoningTag(side=TagKind.ANSWER),
    "fence_open": ReasoningTag(side=TagKind.OPEN, kind="fence", name="fence"),
    "fence_close": ReasoningTag(side=TagKind.ELEMENT, kind="fence", name="fence"),
}
_BARE = re.compile(
    r"\A\s{0,9}(?:(?P<channel>analysis(?=[A-Z\"'\u4e00-\u9fff]))"
    r"|(?i:/?(?:think|thinking|thought)[ \t]{0,8}\n|thinking ?(?:\.\.\.|…)\s{0,8}\n"
    r"|(?:thinking(?: process)?|thought process|思考(?:过程)?) ?[:：]))"
)
"""The opening of a thought at the start of a text whose decoder dropped special tokens: the channel
of gpt-oss, the name of a channel or of a turn on its own line, or a heading."""
_PARTS = frozenset(
    {"<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>", "<|channel>", "<channel|>"}
)
"""Tokens of which marks of several tokens consist."""


@lru_cache(maxsize=4096)
def parse_mark(text: str) -> ReasoningTag | None:
    """Return the mark that a tag is; None for other tags and for prose in brackets."""
    if (listed := _LISTED.get(text.lower())) is not None:
        return listed
    if text[0] == "&":
        text = f"<{text[4:-4]}>"
    body = text[1:-1].rstrip("\\")  # Markdown may escape brackets.
    bar_left, bar_right = body[:1] in _BARS, body[-1:] in _BARS
    square = text[0] in _SQUARE
    match = _BODY.fullmatch(body.strip("".join((*_BARS, " \t\n"))))
    if match is None:
        return None
    # Gemma's newer tokens open with a bar at the left and close with one at the right.
    slash = match["slash"] is not None or (bar_right and not bar_left)
    attributes = match["attributes"]
    words = _split_name(match["name"])
    loose = not square and ((bar_left and bar_right) or len(match["name"].split()) == 1)
    mark = _parse_name(words, slash=slash, loose=loose, square=square)
    if mark is None and attributes and not square:
        for value in _ATTRIBUTE.findall(attributes):
            attribute_mark = _parse_name(_split_name(value), slash=False, loose=True, square=False)
            if (
                attribute_mark is not None
                and attribute_mark.side is TagKind.OPEN
                and attribute_mark.kind not in _ORDINARY_KINDS
            ):
                name = "_".join(words)
                mark = ReasoningTag(side=TagKind.OPEN, kind=name, name=name)
    if mark is None and slash and not square and len(words) == 1:
        return ReasoningTag(side=TagKind.ELEMENT, kind=words[0], name=words[0])
    if mark is not None and mark.side is TagKind.OPEN and match["empty"]:
        return ReasoningTag(side=TagKind.EMPTY, kind=mark.kind, name=mark.name)
    if mark is not None and mark.side is TagKind.ANSWER and bar_left and bar_right and not slash:
        begins = not _BEGINS.isdisjoint(words) and "ofbox" not in words
        return ReasoningTag(side=TagKind.FINAL) if begins else mark
    return mark


def _split_name(name: str) -> list[str]:
    """Return the words of a name in lower case, with ``end`` and ``begin`` as separate words."""
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


def _parse_name(words: list[str], *, slash: bool, loose: bool, square: bool) -> ReasoningTag | None:
    """Return the mark of a name; a ``loose`` name may contain any other words."""
    begins, ends = not _BEGINS.isdisjoint(words), not _ENDS.isdisjoint(words)
    other_words = [word for word in words if word not in _BEGINS and word not in _ENDS]
    kinds, answers, all_known = _classify_words(other_words)
    name = "_".join(other_words)
    if kinds:
        plain = _ORDINARY_KINDS.issuperset(kinds)
        has_side = begins or ends
        if not all_known and (plain or not loose):
            return None
        if not has_side and ("final" in other_words or (square and plain and not slash)):
            return None  # "Final thoughts" conclude, and "[Analysis]" is a heading.
        section = square and not begins and other_words != ["think"]
        side = TagKind.CLOSE if slash or ends else TagKind.OPEN
        return ReasoningTag(side=side, kind=kinds[0], name=name, section=section)
    if answers and all_known:
        return ReasoningTag(side=TagKind.ANSWER, kind="answer", name=name)
    return None


def _classify_words(words: list[str]) -> tuple[list[str], bool, bool]:
    """Return the kinds of the words of thinking, and whether some answer and all are known.

    The second result is whether a word means an answer, the third whether every word is known.
    """
    kinds: list[str] = []
    answers, all_known = False, True
    for word in words:
        if word in _SWITCH_WORDS:
            return [], False, False
        if (kind := _find_kind(word)) is not None:
            kinds.append(kind)
        elif _ANSWERS.fullmatch(word):
            answers = True
        elif word not in _AFFIXES and not word.isdigit():
            all_known = False
    return kinds, answers, all_known


def find_marks(text: str, start: int = 0) -> Iterator[tuple[int, int, ReasoningTag]]:
    """Yield every mark of a text from ``start`` on: its start, its end, and the mark."""
    for match in _match_marks(text, start):
        group = match.lastgroup or ""
        mark = parse_mark(match[0]) if group == "tag" else _GROUPS[group]
        begin = match.start()
        if mark is None or (
            text[begin] == "{" and _COMMAND.search(text[max(0, begin - 20) : begin])
        ):
            continue
        yield begin, match.end(), mark


def _match_marks(text: str, start: int) -> Iterator[re.Match[str]]:
    """Yield everything that looks like a mark, in order; of two that overlap, the first."""
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


_STRIPPED = re.compile(
    rf"[{_OPENERS}&](?:(?<=<)(?P<token>\|[^|<>]{{1,40}}+\|>)"
    r"|(?<=<)(?:(?:eos|bos|end_of_turn|start_of_turn)>|/s>)"
    rf"|(?<=\[)(?:/?answer\]|(?:begin|end) final response\])|{_TAG_REST})",
    re.IGNORECASE,
)


def strip_marks(text: str) -> str:
    """Return a text without thoughts as its reader sees it, without marks of answers and ends."""
    if "<" in text or "[" in text or "&" in text or not text.isascii():
        text = _STRIPPED.sub(_strip, text)
    return text.strip()


def _strip(match: re.Match[str]) -> str:
    if match["token"]:
        return ""
    if match["tag"] is None:
        return "\n"
    tag = match[0]
    mark = None if tag[0] in _SQUARE else parse_mark(tag)
    return "\n" if mark is not None and mark.side in (TagKind.ANSWER, TagKind.FINAL) else tag


def is_mark(token: str) -> bool:
    """Return whether a token marks a thought or an answer, or is a part of such a mark."""
    tag = token.strip().lower()
    if tag in _PARTS:
        return True
    match = _TAG.fullmatch(tag)
    mark = None if match is None else parse_mark(tag)
    return mark is not None and mark.side is not TagKind.ELEMENT


def find_opening(text: str) -> tuple[int, int, ReasoningTag] | None:
    """Return the mark at the start of a text whose decoder dropped special tokens, if any.

    The result is its start, its end and the mark, as :func:`find_marks` yields them.
    """
    match = _BARE.match(text)
    if match is None:
        return None
    return *match.span(), _GROUPS["channel_open" if match["channel"] else "said_open"]
