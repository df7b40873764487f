"""vLLM's own ``LLM.chat`` over sets of cases: the ceiling of what runs on vLLM.

    .venv-vllm/bin/python -m benchmarks.bare_chat MODEL SET=CASES [SET=CASES ...]

Ends standard error with a line ``CLOCK {...}`` for each set of cases (JSON lines, as ``--data``
takes them): seconds in which pictures are opened and all prompts answered in one call, with the
engine loaded before, and what was read and written. It runs in the environment of
``make test-vllm``.
"""

import argparse
import os
from pathlib import Path
from typing import Any

from benchmarks.peer_clock import Stopwatch, describe_work, print_clock
from benchmarks.process_tree import list_worker_cores
from fakebench_suite.datasets.jsonl import load_jsonl
from fakebench_suite.tasks.prompts import build_prompt

OPTIONS: dict[str, Any] = {"max_model_len": 1024}
"""Arguments of every engine that is compared. All compile the model, as vLLM does by itself; on a
CPU that needs a C++ compiler."""


def load(model: Path) -> Any:
    """An engine of the checkpoint, in float32."""
    from vllm import LLM

    return LLM(model=str(model), dtype="float32", **OPTIONS)


def chat(llm: Any, cases: Path, *, tokens: int) -> list[Any]:
    """The outputs of all prompts of a file of cases, greedily; each picture is opened once."""
    from vllm import SamplingParams

    data = load_jsonl(cases)
    images = {case.image: data.open_image(case) for case in data.cases}
    conversations = [
        [
            {
                "role": "user",
                "content": [
                    {"type": "image_pil", "image_pil": images[case.image]},
                    {"type": "text", "text": build_prompt(case).text},
                ],
            }
        ]
        for case in data.cases
    ]
    parameters = SamplingParams(temperature=0.0, max_tokens=tokens)
    outputs: list[Any] = llm.chat(conversations, parameters, use_tqdm=False)
    return outputs


def count_tokens(outputs: list[Any]) -> list[int]:
    """New tokens of each output."""
    return [len(output.outputs[0].token_ids) for output in outputs]


def main() -> None:
    """Answer the sets one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model", type=Path)
    parser.add_argument("sets", nargs="+", metavar="SET=CASES")
    parser.add_argument("--tokens", type=int, default=16, help="new tokens of a reply")
    chosen = parser.parse_args()
    llm, clocks = load(chosen.model), []
    for argument in chosen.sets:
        name, _, cases = argument.partition("=")
        stopwatch = Stopwatch()
        outputs = chat(llm, Path(cases), tokens=chosen.tokens)
        taken = stopwatch.read()
        work = describe_work([output.prompt_token_ids for output in outputs], count_tokens(outputs))
        threads = len(list_worker_cores(os.getpid()))
        clocks.append({"set": name} | taken | work | {"threads": threads})
    for clock in clocks:
        print_clock(clock)


if __name__ == "__main__":
    main()
