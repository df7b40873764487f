"""What a reply says outside its thoughts: the marks that models put around thoughts and answers.

A thought that never closes asserts nothing, whatever opened it; closed thoughts are left out; a
closing mark without an opening one ends a thought that the chat template opened. The marks are
those of DeepSeek, Qwen, GLM, InternVL (``<think>``), EXAONE (``<thought>``), Magistral
(``[THINK]``), Kimi (``◁think▷``), Seed (``<seed:think>``), Sky-T1 (``<|begin_of_thought|>``),
MedGemma (``<unused94>``), Command A (``<|START_THINKING|>``), Gemma (``<|channel>thought``),
gpt-oss (channels, with and without their special tokens), LLaVA-CoT (``<REASONING>``), Granite,
Apriel and HuatuoGPT (sentences and headings).
"""

import re
from collections.abc import Iterable

from fakebench_suite.thoughts import ANSWERS, THOUGHTS

_THINK = r"(?:think(?:ing)?|thoughts?|thought[_ ]process)"
_OTHERS = (
    "reason(?:ing)?|reflections?|analysis|scratchpad|(?:inner|internal)_monologue|caption|cot|"
    "chain_of_thought|rationale|deliberation"
)


def _join(marks: Iterable[str]) -> str:
    return "|".join(map(re.escape, dict.fromkeys(marks)))


_LISTED = [pair for pair in THOUGHTS if "channel" not in pair[0] and pair[0][1] not in "ras"]
_PAIRS = {
    "think": (
        rf"<(?:\w{{1,10}}:)?{_THINK}>|<\|{_THINK}\|>|\[{_THINK}\]|◁{_THINK}▷|<\w{{1,10}}_think>"
        rf"|<unused94>|{_join(opening for opening, _ in _LISTED)}",
        rf"</(?:\w{{1,10}}:)?{_THINK}>|<\|(?:/|end_?(?:of_)?){_THINK}\|>|\[/{_THINK}\]|◁/{_THINK}▷"
        rf"|</\w{{1,10}}_think>|{_join(closing for _, closing in _LISTED)}",
    ),
    "named": (rf"<(?:{_OTHERS})>", rf"</(?:{_OTHERS})>"),
    "channel": (
        r"<\|channel\|>\s?(?:analysis|commentary|thought)\b[^<]{0,80}(?:<\|message\|>)?",
        r"<\|end\|>|<\|call\|>",
    ),
    "gemma": (r"<\|channel>\s?(?:thought|analysis)", r"<channel\|>"),
    "said": (
        r"(?<![^\n])here (?:is|are) my (?:thought process|reasoning steps):?"
        r"|(?<![^\n])#{1,4} thinking\b:?(?= *\n)",
        r"(?<![^\n])here is my response:|\[begin final response\]"
        r"|(?<![^\n])#{1,4} final response\b:?",
    ),
}
"""How a kind of thought opens and closes; a kind is closed by its own marks only."""
_FINAL = (
    r"<\|channel\|>\s?final\b[^<]{0,80}(?:<\|message\|>)?|<\|begin_of_(?:solution|answer)\|>"
    r"|<\|start_response\|>|assistantfinal"
)
"""What begins the answer, so that all before it was thought."""
_MARK = re.compile(
    r"(?=<(?:\w|/\w|\|[\w/])|[◁\[][/a-z]|(?<![^\n])[#h]|a)(?:"
    + "|".join(
        f"(?P<{kind}_open>{opened})|(?P<{kind}_close>{closed})"
        for kind, (opened, closed) in _PAIRS.items()
    )
    + f"|(?P<final>{_FINAL}))",
    re.IGNORECASE,
)
_OPENING = 20
_SIGNS = ("<", "◁", "[", "assistantfinal", "inal Response", "ere is my response")
_OPENINGS = ("analysis", "here is my", "here are my", "#")
"""What a reply with a mark holds or begins with; most replies do neither."""
_BARE_CHANNEL = re.compile(r"\A\s{0,9}analysis(?=[A-Z\"'\u4e00-\u9fff])")
"""gpt-oss's analysis channel where the decoder dropped the special tokens around its name."""
_ANSWER_MARK = re.compile(
    rf"<\|[^|<>]{{1,40}}\|>|<(?:eos|bos|end_of_turn|start_of_turn)>|</s>|</?output>|\[/?answer\]"
    rf"|\[(?:begin|end) final response\]|{_join(mark for pair in ANSWERS for mark in pair)}",
    re.IGNORECASE,
)


def cut_thoughts(reply: str) -> str:
    """The reply without its thoughts; marks around its answer are kept."""
    if not (
        any(sign in reply for sign in _SIGNS)
        or reply.lstrip()[:_OPENING].lower().startswith(_OPENINGS)
    ):
        return reply
    kept: list[str] = []
    start, inside = 0, ""
    bare = _BARE_CHANNEL.match(reply)
    if bare is not None:
        start, inside = bare.end(), "channel"
    for mark in _MARK.finditer(reply, start):
        kind, _, side = (mark.lastgroup or "").partition("_")
        if side == "open":
            if not inside:
                kept.append(reply[start : mark.start()])
                inside = kind
        elif kind in ("final", inside) or (not inside and kind != "channel"):
            if not inside or kind == "final":  # ``<|end|>`` alone ends a whole reply.
                kept.clear()
            start, inside = mark.end(), ""
    if not inside:
        kept.append(reply[start:])
    return "".join(kept)


def drop_thinking(reply: str) -> str:
    """What a reply says to its reader: no thoughts, no marks around the answer, no end marks."""
    spoken = cut_thoughts(reply)
    if "<" in spoken or "[" in spoken:
        spoken = _ANSWER_MARK.sub(lambda mark: "" if mark[0][1] == "|" else "\n", spoken)
    return spoken.strip()
