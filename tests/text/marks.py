"""Marks that models write around thoughts and answers, and the parts that such marks have."""

from collections.abc import Callable

from hypothesis import strategies as st

THOUGHTS: tuple[tuple[str, str], ...] = (
    ("<think>", "</think>"),  # DeepSeek-R1, Qwen3, GLM-4.1V, InternVL3.5, MiniMax
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),  # EXAONE
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
    ("<unused94>", "<unused95>"),
    ("[unused16]", "[unused17]"),  # openPangu
    ("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    ("<|think|>", "<|end|>"),  # Solar Open
    ("<|think_start|>", "<|think_end|>"),
    ("<|new_think_start|>", "<|new_think_end|>"),
    ("<|begin_of_thinking|>", "<|end_of_thinking|>"),
    ("<|start_think|>", "<|end_think|>"),
    ("<|startofthought|>", "<|endofthought|>"),
    ("<|think:start|>", "<|think:end|>"),
    ("<|cot_start|>", "<|cot_end|>"),
    ("<|reasoning|>", "<|/reasoning|>"),
    ("<|thinkstart|>", "<|thinkend|>"),
    ("<|think>", "<think|>"),
    ("<｜begin▁of▁thinking｜>", "<｜end▁of▁thinking｜>"),
    ("‹|begin▁of▁thinking|>", "‹|end▁of▁thinking|>"),
    ("<thinking_process>", "</thinking_process>"),
    ("<thought_process>", "</thought_process>"),
    ('<think type="deep">', "</think>"),
    ("<think lang=en>", "</think>"),
    ("<think\n>", "</think\n>"),
    ("< think >", "< /think >"),
    ("<scratch_pad>", "</scratch_pad>"),
    ("<self_reflection>", "</self_reflection>"),
    ("<rethink>", "</rethink>"),
    ("<internal_thought>", "</internal_thought>"),
    ("<innerThought>", "</innerThought>"),
    ("<antThinking>", "</antThinking>"),
    ("<think_fast>", "</think_fast>"),
    ("<deep_think>", "</deep_think>"),
    ("<inner_monologue>", "</inner_monologue>"),
    ("<reasoning_content>", "</reasoning_content>"),
    ("<reasoningContent>", "</reasoningContent>"),
    ("<rationale>", "</rationale>"),
    ("<deliberation>", "</deliberation>"),
    ("<CoT>", "</CoT>"),
    ("<cot>", "</cot>"),
    ("<chain_of_thought>", "</chain_of_thought>"),
    ("<chain-of-thought>", "</chain-of-thought>"),
    ("<chainOfThought>", "</chainOfThought>"),
    ("<planning>", "</planning>"),
    ("<caption>", "</caption>"),
    ('<details type="reasoning">', "</details>"),
    ('<details type="reasoning" done="true" duration="3">', "</details>"),
    ("<details>\n<summary>Thought for 3 seconds</summary>", "</details>"),
    ('<div class="thinking">', "</div>"),
    ("‹思考>", "‹/思考>"),
    ("<思考>", "</思考>"),
    ("<思考过程>", "</思考过程>"),
    ("<推理>", "</推理>"),
    ("<思维链>", "</思维链>"),
    ("【思考】", "【/思考】"),
    ("【思考开始】", "【思考结束】"),
    ("[THINKING]", "[/THINKING]"),
    ("[REASONING]", "[/REASONING]"),
    ("[begin of thought]", "[end of thought]"),
    ("[COT]", "[/COT]"),
    ("{think}", "{/think}"),
    ("［思考］", "［/思考］"),
    ("⟨think⟩", "⟨/think⟩"),
    ("<|im_start|>think", "<|im_end|>"),  # s1
    ("<|im_start|>assistant/think", "<|im_end|>"),  # HyperCLOVA X
)
"""What opens a thought, and what closes it."""

SECTIONS: tuple[tuple[str, str], ...] = (
    ("**Thinking:**", "**Answer:**"),
    ("**Thinking**\n", "**Final Answer**\n"),
    ("**Thought process:**", "Final answer:"),
    ("## Thinking\n", "## Final Response\n"),
    ("### Thought process:\n", "### Verdict\n"),
    ("Here is my thought process:", "Here is my response:"),
    ("[Thinking]", "[Answer]\n"),
    ("[Reasoning]", "<answer>"),
    ("【思考】", "【答案】"),
    ("**思考过程**：", "**最终答案**："),
    ("Thinking:", "Answer:"),
    ("Thinking...\n", "...done thinking.\n"),
    ("thought\n", "</think>"),
    ("think\n", "answer\n"),
    ("```thinking\n", "```\n"),
)
"""What heads a section of thoughts on a line of its own, and the section that follows."""

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
    ("<|answer_start|>", "<|answer_end|>"),
    ("<verdict>", "</verdict>"),
    ("<|channel|>final<|message|>", "<|return|>"),  # gpt-oss (harmony)
)
"""What opens an answer, and what closes it."""

_SHAPES = (
    "<{}>",
    "<|{}|>",
    "<｜{}｜>",
    "[{}]",
    "◁{}▷",
    "‹{}›",
    "【{}】",
    "{{{}}}",
    "< {} >",
    "<{}\n>",
)
_WORDS = (
    "think", "thinking", "thought", "thoughts", "thought_process", "reason", "reasoning",
    "rationale", "cot", "chain_of_thought", "scratchpad", "scratch_pad", "deliberation",
    "inner_monologue", "思考", "推理", "思维链",
)  # fmt: skip
_SIDES = (
    ("{}", "/{}"),
    ("begin_of_{}", "end_of_{}"),
    ("start_{}", "end_{}"),
    ("{}_start", "{}_end"),
    ("{}_begin", "{}_stop"),
    ("begin of {}", "end of {}"),
    ("begin▁of▁{}", "end▁of▁{}"),
    ("start-{}", "stop-{}"),
    ("{}:start", "{}:end"),
    ("my_{}", "/my_{}"),
    ("deep {}", "/deep {}"),
    ("internal_{}", "end_internal_{}"),
    ("{}_content", "/{}_content"),
)
_CASES: tuple[Callable[[str], str], ...] = (str, str.upper, str.lower, str.title)


@st.composite
def make_pairs(draw: st.DrawFn) -> tuple[str, str]:
    """A mark that opens a thought and its twin, put together from a shape, a word and sides."""
    shape, word = draw(st.sampled_from(_SHAPES)), draw(st.sampled_from(_WORDS))
    case = draw(st.sampled_from(_CASES))
    opening, closing = draw(st.sampled_from(_SIDES))
    attributes = draw(st.sampled_from(["", "", ' type="deep"', " n=1"])) if shape == "<{}>" else ""
    return (
        shape.format(case(opening.format(word)) + attributes),
        shape.format(case(closing.format(word))),
    )
