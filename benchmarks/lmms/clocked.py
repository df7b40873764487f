"""``lmms-eval`` with a clock on its model; runs in the peer's environment.

Takes the arguments of ``lmms-eval`` and ends standard error with a line ``CLOCK {...}``: seconds in
``generate_until``, where pictures are opened, encoded and answered and nothing is loaded, by the
clock and of processor time, counts of prompts, of their tokens and of new tokens, and threads.
"""

import json
import sys
import time
from typing import Any

import torch
from lmms_eval.cli.dispatch import main
from lmms_eval.models.simple.qwen2_vl import Qwen2_VL
from transformers import Qwen2VLForConditionalGeneration as Model

measured: dict[str, float] = dict.fromkeys(
    ("seconds", "cpu", "prompts", "prompt_tokens", "new_tokens", "threads"), 0
)
answer, generate = Qwen2_VL.generate_until, Model.generate


def clock(self: Qwen2_VL, requests: list[Any]) -> list[str]:
    """The answers, timed."""
    start, cpu_start = time.perf_counter(), time.process_time()
    answers: list[str] = answer(self, requests)
    measured["seconds"] += time.perf_counter() - start
    measured["cpu"] += time.process_time() - cpu_start
    measured["threads"] = torch.get_num_threads()
    return answers


def count(self: Model, **inputs: Any) -> Any:
    """The new tokens, counted with their prompts."""
    output = generate(self, **inputs)
    rows, width = inputs["input_ids"].shape
    measured["prompts"] += rows
    measured["prompt_tokens"] += int(inputs["attention_mask"].sum())
    measured["new_tokens"] += int((output[:, width:] != inputs["pad_token_id"]).sum())
    return output


Qwen2_VL.generate_until, Model.generate = clock, count
try:
    main()
finally:
    print(f"CLOCK {json.dumps(measured)}", file=sys.stderr)
