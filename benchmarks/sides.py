"""The suite and lmms-eval, each answering one set of cases in a process of its own."""

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from transformers import AutoProcessor

from benchmarks.processes import measure
from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.transformers.inputs import encode_prompt
from fakebench_suite.backends.transformers.processor import Encoder
from fakebench_suite.datasets.jsonl import load_jsonl
from fakebench_suite.runs.store import read_records
from fakebench_suite.tasks.prompts import build_prompt

ROOT = Path(__file__).parents[1]
TASK = ROOT / "benchmarks" / "lmms"
NEW_TOKENS = 16
OFFLINE = {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONDONTWRITEBYTECODE": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one process needed for one set of cases."""

    prompts: int
    prompt_tokens: int
    """Of all prompts, the pictures' among them and padding not, were each encoded alone."""
    new_tokens: int
    seconds: float
    """With the model loaded, until the last prompt was answered (lmms-eval) or recorded (ours)."""
    answering: float
    """Of these seconds, those that the answers themselves account for."""
    cpu: float
    """Processor time in these seconds, of all threads; a busy machine lengthens it less."""
    threads: int
    """That torch computed with."""
    whole: float
    """From the start of the process to its end, in seconds."""
    gigabytes: float


def limit_threads(threads: int) -> dict[str, str]:
    """Variables that keep every library to so many."""
    return {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "MKL", "OPENBLAS")}


def run_suite(cases: Path, model: Path, *, threads: int) -> Measurement:
    """``pytest --model=CARD --data=CASES``, on the CPU, with the batches that memory allows."""
    card, run = model.with_suffix(".toml"), cases.parent / "run"
    card.write_text(
        f'path = "{model.name}"\ndtype = "float32"\n[generation]\nmax_new_tokens = {NEW_TOKENS}\n',
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-p", "benchmarks.case_clock", "--gates=none"]
    command += [
        f"--model={card}",
        f"--data={cases}",
        f"--reports={run.parent}",
        f"--run={run.name}",
    ]
    usage = measure(command, cwd=ROOT, env=OFFLINE | limit_threads(threads))
    answers = [record.answer for record in read_records(run)]
    assert all(answers), "a prompt ended in an error"
    return Measurement(
        prompts=len(answers),
        prompt_tokens=count_prompt_tokens(cases, model),
        new_tokens=sum(answer.tokens for answer in answers if answer),
        seconds=usage.clock["last"] - usage.clock["loaded"],
        answering=sum(answer.seconds for answer in answers if answer),
        cpu=usage.clock["cpu"],
        threads=int(usage.clock["threads"]),
        whole=usage.seconds,
        gigabytes=usage.gigabytes,
    )


def count_prompt_tokens(cases: Path, model: Path) -> int:
    """Tokens of all prompts as the suite encodes them."""
    processor = AutoProcessor.from_pretrained(model, local_files_only=True)
    encoder = Encoder(Card(path=str(model)), processor, processor.tokenizer)
    data = load_jsonl(cases)
    return sum(
        encode_prompt(encoder, build_prompt(case), data.open_image(case)).length
        for case in data.cases
    )


def run_lmms(python: Path, cases: Path, model: Path, *, batch: int, threads: int) -> Measurement:
    """lmms-eval's ``qwen2_vl`` on the same prompts and pictures, and on as many prompt tokens."""
    task = write_task(cases)
    size = json.loads((model / "processor_config.json").read_text(encoding="utf-8"))
    size = size["image_processor"]["size"]
    pixels = f"min_pixels={size['shortest_edge']},max_pixels={size['longest_edge']}"
    command = [str(python), str(TASK / "clocked.py"), "--model", "qwen2_vl"]
    command += ["--model_args", f"pretrained={model},device_map=cpu,{pixels}", "--device", "cpu"]
    command += ["--tasks", "fakebench_questions", "--include_path", str(task)]
    command += ["--batch_size", str(batch)]
    variables = {"HF_HOME": str(cases.parent / "home")}
    usage = measure(command, cwd=cases.parent, env=OFFLINE | variables | limit_threads(threads))
    return Measurement(
        prompts=int(usage.clock["prompts"]),
        prompt_tokens=int(usage.clock["prompt_tokens"]),
        new_tokens=int(usage.clock["new_tokens"]),
        seconds=usage.clock["seconds"],
        answering=usage.clock["seconds"],
        cpu=usage.clock["cpu"],
        threads=int(usage.clock["threads"]),
        whole=usage.seconds,
        gigabytes=usage.gigabytes,
    )


def write_task(cases: Path) -> Path:
    """The task's folder: the prompts as the suite sends them, and what lmms-eval makes of a row."""
    folder = cases.parent / "task"
    folder.mkdir(exist_ok=True)
    rows = [
        {"image": str(cases.parent / case.image), "text": build_prompt(case).text}
        for case in load_jsonl(cases).cases
    ]
    questions = folder / "questions.jsonl"
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    shutil.copy(TASK / "rows.py", folder)
    task = (TASK / "fakebench_questions.yaml").read_text(encoding="utf-8")
    task = task.replace("QUESTIONS", str(questions))
    (folder / "fakebench_questions.yaml").write_text(task, encoding="utf-8")
    return folder
