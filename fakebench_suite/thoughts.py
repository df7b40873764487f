"""The marks that models write around their thoughts and around their answers.

Backends keep these marks when they decode a reply, and readers leave out what stands between the
marks of a thought. Marks are compared without regard to case.
"""

import re

THOUGHTS: tuple[tuple[str, str], ...] = (
    ("<think>", "</think>"),  # DeepSeek-R1, Qwen3, GLM-4.1V, InternVL3.5, MiniMax
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<thoughts>", "</thoughts>"),
    ("<reason>", "</reason>"),
    ("<reasoning>", "</reasoning>"),
    ("<analysis>", "</analysis>"),
    ("<reflection>", "</reflection>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<mm:think>", "</mm:think>"),
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("<longcat_think>", "</longcat_think>"),  # LongCat
    ("◁think▷", "◁/think▷"),  # Kimi-VL
    ("[THINK]", "[/THINK]"),  # Magistral
    ("[BEGIN FINAL THOUGHT]", "[END FINAL THOUGHT]"),
    ("<|think|>", "<|/think|>"),
    ("<|thinking|>", "<|/thinking|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # OpenThinker, Sky-T1, LlamaV-o1
    ("<|thought_start|>", "<|thought_end|>"),
    ("<|channel|>analysis<|message|>", "<|end|>"),  # gpt-oss (harmony)
    ("<|channel|>commentary<|message|>", "<|end|>"),
    ("<|channel>thought", "<channel|>"),  # Gemma 4
    ("<unused94>thought", "<unused95>"),  # MedGemma
)
"""What opens a thought, and what closes it."""

ANSWERS: tuple[tuple[str, str], ...] = (
    ("<answer>", "</answer>"),
    ("<response>", "</response>"),
    ("<final>", "</final>"),
    ("<final_answer>", "</final_answer>"),
    ("<conclusion>", "</conclusion>"),  # LLaVA-CoT
    ("<|begin_of_box|>", "<|end_of_box|>"),  # GLM-4.1V and later
    ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),  # Command A
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("<|begin_of_answer|>", "<|end_of_answer|>"),
    ("<|channel|>final<|message|>", "<|return|>"),  # gpt-oss (harmony)
)
"""What opens an answer, and what closes it."""

_MARKS = frozenset(mark.lower() for pair in (*THOUGHTS, *ANSWERS) for mark in pair)
_PARTS = frozenset(
    {"<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>", "<|channel>", "<channel|>"}
    | {"<unused94>", "<unused95>"}
)
"""Tokens that the marks of more than one token are made of."""
_SPEAKING = re.compile(
    r"think|thought|reason|reflect|scratchpad|answer|response|solution|conclusion|(?:_of|final)_box"
)
"""Words by which marks that are not listed say what they are about."""


def is_mark(token: str) -> bool:
    """Whether a token of a tokenizer marks a thought or an answer, or is a part of such a mark."""
    token = token.lower()
    bare = token.strip()
    return bare in _MARKS or bare in _PARTS or bool(_SPEAKING.search(bare))


def find_open_thought(text: str) -> str | None:
    """The mark of the thought that ``text`` leaves open at its end, as written there, if any."""
    found = [
        (place, opening, closing)
        for opening, closing in THOUGHTS
        if (place := text.lower().rfind(opening.lower())) >= 0
    ]
    if not found:
        return None
    place, opening, closing = max(found)
    end = place + len(opening)
    return None if closing.lower() in text[end:].lower() else text[place:end]
