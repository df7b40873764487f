"""``lmms-eval`` with a clock on its model; runs in the environments of lmms-eval.

Takes the arguments of ``lmms-eval`` and ends standard error with a line ``CLOCK {...}`` for each
task: seconds in ``generate_until``, where pictures are opened, encoded and answered and nothing is
loaded, by the clock and of processor time, counts of prompts, of their tokens and of new ones, and
threads. The model is loaded once, and its tasks are answered one after the other, in their order
and each as if it were alone.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2]))

from lmms_eval.cli.dispatch import main

from benchmarks.peer_clock import Stopwatch, describe_work, print_clock
from benchmarks.process_tree import list_worker_cores

clocks: list[dict[str, Any]] = []
outputs: list[Any] = []
"""What the model made of each batch of the task that is being answered."""


def clock(
    answer: Callable[[Any, list[Any]], list[Any]],
    read_outputs: Callable[[], tuple[list[list[int]], list[int]]],
    count_threads: Callable[[], int],
) -> Callable[[Any, list[Any]], list[Any]]:
    """``generate_until``, timed; what it read and wrote is counted after that."""

    def answer_tasks(self: Any, requests: list[Any]) -> list[Any]:
        replies: list[Any] = [None] * len(requests)
        tasks = sys.argv[sys.argv.index("--tasks") + 1].split(",")
        for task in tasks:
            places = [n for n, request in enumerate(requests) if request.task_name == task]
            outputs.clear()
            stopwatch = Stopwatch()
            texts = answer(self, [requests[place] for place in places])
            taken = stopwatch.read()
            for place, text in zip(places, texts, strict=True):
                replies[place] = text
            work = describe_work(*read_outputs())
            name = {"set": task.removeprefix("fakebench_")}
            clocks.append(name | taken | work | {"threads": count_threads()})
        return replies

    return answer_tasks


def clock_transformers() -> None:
    """Put the clock on the model ``qwen2_vl``."""
    import torch
    from lmms_eval.models.simple.qwen2_vl import Qwen2_VL
    from transformers import Qwen2VLForConditionalGeneration as Model

    generate = Model.generate

    def keep(self: Model, **inputs: Any) -> Any:
        output = generate(self, **inputs)
        outputs.append((inputs, output))
        return output

    def read_outputs() -> tuple[list[list[int]], list[int]]:
        prompts: list[list[int]] = []
        counts: list[int] = []
        for inputs, output in outputs:
            ids, mask = inputs["input_ids"], inputs["attention_mask"].bool()
            prompts += [row[shown].tolist() for row, shown in zip(ids, mask, strict=True)]
            counts += (output[:, ids.shape[1] :] != inputs["pad_token_id"]).sum(1).tolist()
        return prompts, counts

    Model.generate = keep
    Qwen2_VL.generate_until = clock(Qwen2_VL.generate_until, read_outputs, torch.get_num_threads)


def clock_vllm() -> None:
    """Put the clock on the model ``vllm``."""
    from lmms_eval.models.chat.vllm import VLLM
    from vllm import LLM

    chat = LLM.chat

    def keep(self: LLM, *arguments: Any, **options: Any) -> Any:
        answered = chat(self, *arguments, **options)
        outputs.extend(answered)
        return answered

    def read_outputs() -> tuple[list[list[int]], list[int]]:
        prompts = [list(output.prompt_token_ids) for output in outputs]
        return prompts, [len(output.outputs[0].token_ids) for output in outputs]

    LLM.chat = keep
    VLLM.generate_until = clock(
        VLLM.generate_until, read_outputs, lambda: len(list_worker_cores(os.getpid()))
    )


if __name__ == "__main__":  # vLLM's processes import this file.
    if sys.argv[sys.argv.index("--model") + 1] == "vllm":
        clock_vllm()
    else:
        clock_transformers()
    try:
        main()
    finally:
        for values in clocks:
            print_clock(values)
