"""The suite and its peers, each answering sets of cases in processes of its own."""

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from transformers import AutoProcessor

from benchmarks.bare_chat import OPTIONS
from benchmarks.comparison import NEW_TOKENS, Measurement
from benchmarks.peer_clock import combine_digests
from benchmarks.process_tree import list_worker_cores, read_cpu_seconds, read_gigabytes
from benchmarks.processes import ProcessUsage, measure
from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.transformers.inputs import encode_prompt
from fakebench_suite.backends.transformers.processor import Encoder
from fakebench_suite.datasets.jsonl import load_jsonl
from fakebench_suite.runs.store import read_manifest, read_records
from fakebench_suite.tasks.prompts import build_prompt
from fakebench_suite.types import Answer
from tests.vllm.server import ENVIRONMENT, MODEL, start_server

ROOT = Path(__file__).parents[1]
TASK = ROOT / "benchmarks" / "lmms"
PYTHONS = {
    name: ROOT / name / "bin" / "python"
    for name in (".venv-peers", ".venv-peers-vllm", ".venv-vllm")
}
"""lmms-eval alone, lmms-eval with vLLM, and the suite with vLLM."""
LMMS, LMMS_VLLM, SUITE_VLLM = PYTHONS.values()
OFFLINE = {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONDONTWRITEBYTECODE": ""}
ALL_PROMPTS = 1_000_000
"""Batch size with which lmms-eval hands all prompts of a set to one call of ``LLM.chat``."""
Sets = Mapping[str, Path]
"""Files of cases by the name of the set; no picture is in two of them."""


class SideRunner:
    """Runs each side over a checkpoint; ``variables`` limit the threads of all its processes."""

    def __init__(self, model: Path, variables: Mapping[str, str]) -> None:
        self._model = model
        self._variables = OFFLINE | ENVIRONMENT | dict(variables)
        self._card = model.with_suffix(".toml")
        options = "".join(f"{name} = {json.dumps(value)}\n" for name, value in OPTIONS.items())
        self._card.write_text(
            f'path = "{model.name}"\ndtype = "float32"\n'
            f"[generation]\nmax_new_tokens = {NEW_TOKENS}\n[options]\n{options}",
            encoding="utf-8",
        )

    def run_lmms(self, sets: Sets, *, batch: int) -> dict[str, Measurement]:
        """lmms-eval's model ``qwen2_vl``."""
        size = json.loads((self._model / "processor_config.json").read_text(encoding="utf-8"))
        size = size["image_processor"]["size"]
        pixels = f"min_pixels={size['shortest_edge']},max_pixels={size['longest_edge']}"
        arguments = f"pretrained={self._model},device_map=cpu,device=cpu,{pixels}"
        return self._run_lmms(LMMS, "qwen2_vl", arguments, sets, batch)

    def run_lmms_vllm(self, sets: Sets) -> dict[str, Measurement]:
        """lmms-eval's model ``vllm``; its own limit of new tokens, 4,096, is lowered to the task's.

        It takes the larger one of both.
        """
        options = ",".join(f"{name}={value}" for name, value in OPTIONS.items())
        arguments = f"model={self._model},dtype=float32,max_new_tokens={NEW_TOKENS},{options}"
        return self._run_lmms(LMMS_VLLM, "vllm", arguments, sets, ALL_PROMPTS)

    def _run_lmms(
        self, python: Path, name: str, arguments: str, sets: Sets, batch: int
    ) -> dict[str, Measurement]:
        folder = next(iter(sets.values())).parents[1] / f"lmms-{name}"
        folder.mkdir()
        tasks = [write_task(folder / key, key, cases) for key, cases in sets.items()]
        command = [str(python), str(TASK / "clocked.py"), "--model", name]
        command += ["--model_args", arguments]
        command += ["--tasks", ",".join(tasks), "--include_path", str(folder)]
        command += ["--batch_size", str(batch)]
        variables = self._variables | {"HF_HOME": str(folder / "home")}
        usage = measure(command, cwd=folder, env=variables)
        return read_clocks(usage)

    def run_chat(self, sets: Sets) -> dict[str, Measurement]:
        """``LLM.chat`` over the list of prompts."""
        command = [str(SUITE_VLLM), "-m", "benchmarks.bare_chat", str(self._model)]
        command += [f"{name}={cases}" for name, cases in sets.items()]
        command += [f"--tokens={NEW_TOKENS}"]
        return read_clocks(measure(command, cwd=ROOT, env=self._variables))

    def run_suite(self, sets: Sets) -> dict[str, Measurement]:
        """``pytest --model=CARD --data=CASES``, with the batches that memory allows."""
        return {name: self._run_suite(cases, "local") for name, cases in sets.items()}

    def run_suite_vllm(self, sets: Sets) -> dict[str, Measurement]:
        """The same with ``--engine=vllm``, in the environment that has both."""
        return {name: self._run_suite(cases, "vllm") for name, cases in sets.items()}

    def run_suite_http(self, sets: Sets) -> dict[str, Measurement]:
        """The same of a vLLM server, which is started anew and answers all sets.

        Processor time and memory are the server's, too, and the start of the server is in no time.
        """
        measured = {}
        with (
            tempfile.TemporaryDirectory() as folder,
            start_server(
                self._model,
                Path(folder, "log"),
                "--no-enforce-eager",  # the last one counts, and the other engines compile
                variables=self._variables,
            ) as server,
        ):
            card = self._model.with_name("endpoint.toml")
            card.write_text(
                f'backend = "openai"\n[generation]\nmax_new_tokens = {NEW_TOKENS}\n'
                f'[endpoint]\nurl = "{server.url}"\nmodel = "{MODEL}"\n',
                encoding="utf-8",
            )
            for name, cases in sets.items():
                measured[name] = self._run_http(cases, card, server.process)
        return measured

    def _run_http(self, cases: Path, card: Path, server: int) -> Measurement:
        run, before = cases.parent / "run-http", read_cpu_seconds(server)
        usage = self._run_pytest(Path(sys.executable), cases, run, [f"--model={card}"])
        cpu = read_cpu_seconds(server) - before
        answers = read_answers(run)
        usages = [answer.usage for answer in answers if answer.usage is not None]
        run_alone = measure_suite(
            usage,
            answers,
            prompt_tokens=sum(each.prompt_tokens or 0 for each in usages),
            digest=None,
        )
        return replace(
            run_alone,
            answering=None,
            cpu=run_alone.cpu + cpu,
            threads=len(list_worker_cores(server)),
            gigabytes=max(run_alone.gigabytes, read_gigabytes(server)),
        )

    def _run_suite(self, cases: Path, engine: str) -> Measurement:
        run = cases.parent / f"run-{engine}"
        python = SUITE_VLLM if engine == "vllm" else Path(sys.executable)
        options = [f"--model={self._card}", f"--engine={engine}"]
        usage = self._run_pytest(python, cases, run, options)
        answers = read_answers(run)
        if engine == "vllm":
            prompt_tokens = read_manifest(run).inference[-1].details["prompt_tokens"]
        else:
            prompt_tokens = count_prompt_tokens(cases, self._model)
        return measure_suite(
            usage,
            answers,
            prompt_tokens=prompt_tokens,
            digest=combine_digests(str(answer.rendered) for answer in answers),
        )

    def _run_pytest(
        self, python: Path, cases: Path, run: Path, options: Sequence[str]
    ) -> ProcessUsage:
        command = [str(python), "-m", "pytest", "-p", "benchmarks.case_clock", "--gates=none"]
        command += [f"--data={cases}", f"--reports={run.parent}", f"--run={run.name}", *options]
        return measure(command, cwd=ROOT, env=self._variables)


def read_clocks(usage: ProcessUsage) -> dict[str, Measurement]:
    """What a process measured that answered several sets, by the name of the set."""
    seconds = sum(clock["seconds"] for clock in usage.clocks)
    return {
        clock["set"]: Measurement(
            prompts=clock["prompts"],
            prompt_tokens=clock["prompt_tokens"],
            new_tokens=clock["new_tokens"],
            digest=clock["digest"],
            seconds=clock["seconds"],
            answering=clock["seconds"],
            cpu=clock["cpu"],
            threads=clock["threads"],
            whole=usage.seconds - seconds + clock["seconds"],
            gigabytes=usage.gigabytes,
        )
        for clock in usage.clocks
    }


def measure_suite(
    usage: ProcessUsage, answers: Sequence[Answer], *, prompt_tokens: int, digest: str | None
) -> Measurement:
    """What a run of the suite took; where nothing computes in its processes, on 0 threads."""
    return Measurement(
        prompts=len(answers),
        prompt_tokens=prompt_tokens,
        new_tokens=sum(answer.tokens for answer in answers),
        digest=digest,
        seconds=usage.clock["last"] - usage.clock["loaded"],
        answering=sum(answer.seconds for answer in answers),
        cpu=usage.clock["cpu"],
        threads=int(usage.clock.get("threads", 0)),
        whole=usage.seconds,
        gigabytes=usage.gigabytes,
    )


def read_answers(run: Path) -> list[Answer]:
    """The answers of a run; raises SystemExit where a case has none."""
    records = list(read_records(run))
    answers = [record.answer for record in records if record.answer is not None]
    if len(answers) < len(records):
        reasons = {record.verdict.reason for record in records if record.answer is None}
        raise SystemExit(f"Prompts of {run.name} ended in errors: {'; '.join(sorted(reasons))}")
    return answers


def count_prompt_tokens(cases: Path, model: Path) -> int:
    """Tokens of all prompts as the suite encodes them for transformers."""
    processor = AutoProcessor.from_pretrained(model, local_files_only=True)
    encoder = Encoder(Card(path=str(model)), processor, processor.tokenizer)
    data = load_jsonl(cases)
    return sum(
        encode_prompt(encoder, build_prompt(case), {case.image: data.open_image(case)}).length
        for case in data.cases
    )


def write_task(folder: Path, name: str, cases: Path) -> str:
    """Write lmms-eval's task of a set into a folder of its own; the task's name.

    Its rows hold the prompts as the suite sends them.
    """
    folder.mkdir()
    rows = [
        {"image": str(cases.parent / case.image), "text": build_prompt(case).text}
        for case in load_jsonl(cases).cases
    ]
    questions = folder / "questions.jsonl"
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    shutil.copy(TASK / "rows.py", folder)
    task = (TASK / "fakebench_questions.yaml").read_text(encoding="utf-8")
    task = task.replace("SET", name).replace("QUESTIONS", str(questions))
    (folder / "fakebench_questions.yaml").write_text(task, encoding="utf-8")
    return f"fakebench_{name}"
