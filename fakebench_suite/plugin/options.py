"""The command line: every option of the suite, and the settings they amount to."""

import argparse
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from fakebench_suite.backends.base import RequestLimits
from fakebench_suite.backends.registry import VllmOptions
from fakebench_suite.datasets import DataSource, parse_data
from fakebench_suite.datasets.sampling import Shard
from fakebench_suite.endpoints.names import parse_endpoint_name
from fakebench_suite.errors import UserError, describe_choices
from fakebench_suite.execution.budget import Budget, parse_budget
from fakebench_suite.execution.plan import DEFAULT_MODEL, RunRequest
from fakebench_suite.execution.robustness import RobustnessRequest
from fakebench_suite.files.paths import expand_home, is_utf8, resolve
from fakebench_suite.gates.config import GateConfig, load_gates
from fakebench_suite.grading.judges.registry import parse_judge
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.report.thumbnails import ReportImageSize
from fakebench_suite.runs.last import LAST, find_run
from fakebench_suite.tasks.prompts import PromptStyle
from fakebench_suite.tasks.registry import list_tasks
from fakebench_suite.tasks.robustness import FAMILIES, RobustnessMode

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(RunRequest):
    """What the user asked for: the request, and where and how its result is judged and shown."""

    folder: Path
    """The run directory; one that was not ``named`` may get a number yet."""
    named: bool
    gates: GateConfig
    baseline: Path | None
    strict: bool
    report_images: ReportImageSize


RUN_NAME = "fakebench_run"
"""What a worker is told the run directory is called."""
_INFORMATION = (
    "help", "version", "markers", "showfixtures", "show_fixtures_per_test", "cacheshow",
)  # fmt: skip
SETTINGS = pytest.StashKey[Settings]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the group ``fakebench`` to ``pytest --help``."""
    group = parser.getgroup("fakebench", "FakeBench: is the image fake, and how can one tell?")
    group.addoption(
        "--model",
        type=_text,
        default=DEFAULT_MODEL,
        metavar="NAME|PATH|REPOSITORY|openai:MODEL@URL",
        help="a card in models/, a directory with a checkpoint, a detector's .onnx file, a"
        " repository on the Hugging Face hub whose weights are on this machine, or openai:MODEL@URL"
        " for a model behind any OpenAI-compatible endpoint (default: %(default)s)",
    )
    group.addoption(
        "--data",
        type=_text,
        metavar="PATH|KIND:PATH",
        help="a directory with FakeBench's files, a directory with real/ and fake/ images, a .jsonl"
        " file, or another benchmark or a kind of data set of another package, and its place"
        " (default: embedded probes)",
    )
    group.addoption(
        "--tasks",
        type=_tasks,
        metavar="TASK,...",
        help=f"ask only these tasks, each whole: {', '.join(list_tasks())} (default: all)",
    )
    group.addoption(
        "--sample",
        type=parse_positive,
        metavar="N",
        help="ask about N images only, drawn by seed, stratified by task, label and generator",
    )
    group.addoption(
        "--shard",
        type=_shard,
        metavar="K/N",
        help="ask only the K-th of N parts, cut by image; 'fakebench merge' puts "
        "the parts together",
    )
    group.addoption(
        "--robustness",
        nargs="?",
        const=RobustnessMode.LADDER,
        type=_robustness,
        metavar=list_words(RobustnessMode),
        help="ask detection cases again perturbed, too: at every level of every family (ladder, the"
        " default of this option), by a search for the smallest perturbation that changes a verdict"
        " (search), or both (default: neither)",
    )
    group.addoption(
        "--robustness-families",
        type=_families,
        metavar="FAMILY,...",
        help=f"perturb in these ways only: {', '.join(FAMILIES)} (default: all)",
    )
    group.addoption(
        "--robustness-budget",
        type=parse_positive,
        metavar="N",
        help="most prompts of --robustness; images are left out whole, and the others are a sample"
        " by seed (default: no limit)",
    )
    group.addoption(
        "--seed", type=int, default=0, help="seed of the order and the sample (default: 0)"
    )
    group.addoption(
        "--prompts",
        type=make_choice(PromptStyle),
        metavar=list_words(PromptStyle),
        default=PromptStyle.PAPER,
        help="paper: the authors' wording to the letter; clean: without its repetitions",
    )
    group.addoption(
        "--reading",
        type=make_choice(ReplyParserKind),
        metavar=list_words(ReplyParserKind),
        default=ReplyParserKind.GRAMMAR,
        help="grammar: replies are understood; paper: plain keywords; likelihood: the model's "
        "probabilities of the two options are compared (default: grammar)",
    )
    group.addoption(
        "--judge",
        type=_text,
        metavar="JUDGE",
        help="who grades texts: openai:MODEL@URL, an endpoint; transformers:NAME|PATH, a chat model"
        " on this machine; embedding, the similarity of a text to its reference, without ratings"
        " (default: nobody; probes are graded exactly)",
    )
    group.addoption(
        "--judge-rounds",
        type=parse_positive,
        default=5,
        metavar="N",
        help="rounds per text, averaged (default: 5, as in the paper)",
    )
    group.addoption(
        "--answers",
        type=_path,
        metavar="RUN",
        help="a run directory: judge its answers again without asking the model",
    )
    group.addoption(
        "--resume",
        type=_path,
        metavar="RUN",
        help="a run directory: go on with a run that broke off, with its own options; what is"
        " answered is kept, and errors are asked again",
    )
    group.addoption(
        "--reuse",
        type=_path,
        metavar="RUN",
        help="a run directory of the same model: take over its answers to the same prompts and"
        " pixels, and ask the rest",
    )
    group.addoption(
        "--budget",
        type=_budget,
        metavar="AMOUNT|Ntokens",
        help="stop asking when so much is spent, in the currency of the card's prices or in tokens"
        " of prompts and replies; what was begun is finished, and --resume goes on",
    )
    group.addoption(
        "--max-requests-per-minute",
        type=parse_positive,
        metavar="N",
        help="most requests to a model's server in any minute, over all workers, test requests"
        " included; those to a judge are not counted (default: no limit)",
    )
    group.addoption(
        "--max-tokens-per-minute",
        type=parse_positive,
        metavar="N",
        help="most tokens of prompts and replies in any minute, over all workers; what a request"
        " takes is expected to be the mean of those before it, and those of a judge are not counted"
        " (default: no limit)",
    )
    group.addoption(
        "--gates",
        type=_text,
        metavar="FILE",
        help="the rules that decide the exit status (default: gates.toml at the root, if there is"
        " one; none: no rules)",
    )
    group.addoption(
        "--baseline",
        type=_path,
        metavar="RUN",
        help="an earlier run's directory, for gates and reports that compare",
    )
    group.addoption(
        "--strict-cases",
        action="store_true",
        help="a missed case fails the session, as a failed test does in plain pytest",
    )
    group.addoption(
        "--reports",
        type=_path,
        default=Path("reports"),
        metavar="DIR",
        help="where run directories go (default: reports/)",
    )
    group.addoption(
        "--report-images",
        type=make_choice(ReportImageSize),
        metavar=list_words(ReportImageSize),
        default=ReportImageSize.THUMBNAIL,
        help="thumbnail: the report holds small pictures; full: whole ones as well, without loss"
        " (default: thumbnail)",
    )
    group.addoption(
        "--run", metavar="NAME", help="name of the run directory (default: model-data-time)"
    )
    group.addoption(
        "--batch-tokens",
        type=parse_positive,
        metavar="N",
        help="most tokens in one forward pass, prompts, padding and new tokens together (default:"
        " what fits in memory)",
    )
    group.addoption(
        "--trust-remote-code",
        action="store_true",
        help="run code that comes with a checkpoint, where its card also says so",
    )


def _text(text: str) -> str:
    """The value of an option; an empty one would pass for none, and something else be run."""
    if not text.strip():
        raise argparse.ArgumentTypeError(
            "its value is empty, as where a variable is not set; name one, or leave it out"
        )
    if not is_utf8(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not UTF-8; rename it, or link to it")
    return text


def _path(text: str) -> Path:
    """The path that is the value of an option."""
    return Path(_text(text))


def make_choice(kind: type[Word]) -> Callable[[str], Word]:
    """A parser of one word out of a few, which lists them where it is given another."""

    def parse(text: str) -> Word:
        try:
            return kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"there is no {text!r}; {describe_choices(text, kind)}"
            ) from None

    return parse


def _robustness(text: str) -> RobustnessMode:
    """The mode; a path that the option took for one is told how to be none."""
    try:
        return make_choice(RobustnessMode)(text)
    except argparse.ArgumentTypeError as error:
        if not (Path(text.partition("::")[0]).exists() or "/" in text or os.sep in text):
            raise
        raise argparse.ArgumentTypeError(
            f"{error}. If it is a path, put it before --robustness, or write "
            f"--robustness={RobustnessMode.LADDER}"
        ) from None


def list_words(kind: type[StrEnum]) -> str:
    """The words as ``--help`` shows them."""
    return "|".join(kind)


def parse_positive(text: str) -> int:
    """The number, 1 or more, of an option."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number, 1 or more")
    return int(text)


def parse_positive_seconds(text: str) -> float:
    """The seconds, above 0, of an option: ``90``, ``90s``, ``15m`` or ``2h``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if match is None or not float(match[1]) > 0:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of seconds above 0, such as 90, or 15m or 2h"
        )
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def _tasks(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in list_tasks():
            raise argparse.ArgumentTypeError(
                f"{name!r} is no task; {describe_choices(name, list_tasks())}"
            )
    return tuple(task for task in list_tasks() if task in names)


def _families(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in FAMILIES:
            raise argparse.ArgumentTypeError(
                f"there is no family {name!r}; {describe_choices(name, FAMILIES)}"
            )
    return tuple(names)


def _budget(text: str) -> Budget:
    try:
        return parse_budget(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _shard(text: str) -> Shard:
    number, slash, total = text.partition("/")
    if not slash or not (number.isdecimal() and total.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not K/N, such as 2/8")
    if not 1 <= int(number) <= int(total):
        raise argparse.ArgumentTypeError(f"{text!r}: K counts from 1 to N")
    return Shard(number=int(number), total=int(total))


def name_data(data: DataSource | Path | None) -> str:
    """The word for a data set in the name of a run directory."""
    if data is None:
        return "probes"
    return data.name if isinstance(data, DataSource) else resolve(data).stem


def name_model(option: argparse.Namespace) -> str:
    """The word for ``--model`` in the name of a run directory; raises UsageError for a bad URL."""
    try:
        endpoint = parse_endpoint_name(option.model, option="--model")
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    model: str = option.model
    return model if endpoint is None else endpoint.model


def read_settings(config: pytest.Config) -> Settings:
    """The settings of this run; raises UsageError for a bad run name or current directory."""
    option = config.option
    if not is_utf8(here := str(config.invocation_params.dir)):
        raise pytest.UsageError(f"The directory {here!r} is not UTF-8; rename it, or link to it.")
    started = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    data = option.data and parse_data(option.data, below=config.invocation_params.dir)
    data_name = name_data(data)
    source = name_model(option) if option.answers is None else find_run(option.answers)
    shard = "" if option.shard is None else f"-shard-{option.shard.number}-of-{option.shard.total}"
    name = option.run or f"{Path(source).name}-{data_name}{shard}-{started}"
    name = getattr(config, "workerinput", {}).get(RUN_NAME, name)
    resume = option.resume and find_run(_resolve(config, option.resume))
    if resume is not None and option.run is not None:
        raise pytest.UsageError("--resume goes on in the directory of its run; leave --run out.")
    if name == LAST:
        raise pytest.UsageError(
            f"--run={LAST} is what points at the last run. Choose another name."
        )
    if not is_utf8(name):
        raise pytest.UsageError(f"--run is {name!r}, which is not UTF-8. Choose another name.")
    if Path(name).name != name or name in {".", ".."}:
        raise pytest.UsageError(
            f"--run is {name!r}; it must be a plain name, not a path. Use --reports for the place."
        )
    try:
        judge = option.judge and parse_judge(option.judge, rounds=option.judge_rounds)
        gates = _find_gates(config)
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    baseline = option.baseline and find_run(_resolve(config, option.baseline))
    reuse = option.reuse and find_run(_resolve(config, option.reuse))
    for name_of_option, run in (("--baseline", baseline), ("--reuse", reuse)):
        if run is not None and resume is not None and resolve(run) == resolve(resume):
            raise pytest.UsageError(
                f"{name_of_option} is the run that --resume goes on with. Name another run."
            )
    if reuse is not None and option.answers is not None:
        raise pytest.UsageError(
            "--answers gives all answers of a run again, so there is nothing to reuse; leave "
            "--reuse out."
        )
    return Settings(
        model=option.model,
        data=data or None,
        tasks=option.tasks,
        sample=option.sample,
        shard=option.shard,
        seed=option.seed,
        style=option.prompts,
        reply_parser=option.reading,
        judge=judge,
        answers=option.answers and find_run(_resolve(config, option.answers)),
        resume=resume,
        budget=option.budget and replace(option.budget, shares=count_processes()),
        reuse=reuse,
        limits=RequestLimits(
            requests_per_minute=option.max_requests_per_minute,
            tokens_per_minute=option.max_tokens_per_minute,
            prompt_seconds=option.case_timeout,
        ),
        robustness=read_robustness(option),
        run_timeout=option.run_timeout,
        folder=resume or _resolve(config, option.reports) / name,
        remote_code=option.trust_remote_code,
        batch_tokens=option.batch_tokens,
        vllm=read_vllm_options(option),
        gates=gates,
        baseline=baseline,
        named=option.run is not None,
        strict=option.strict_cases,
        report_images=option.report_images,
    )


def read_robustness(option: argparse.Namespace) -> RobustnessRequest | None:
    """What is asked of robustness; raises UsageError where an option of it stands alone."""
    if option.robustness is None:
        if option.robustness_families is not None or option.robustness_budget is not None:
            raise pytest.UsageError(
                "--robustness-families and --robustness-budget are about --robustness; add that, "
                "or leave them out."
            )
        return None
    return RobustnessRequest(
        mode=option.robustness,
        families=option.robustness_families,
        budget=option.robustness_budget,
    )


def read_vllm_options(option: argparse.Namespace) -> VllmOptions | None:
    """How vLLM computes, here or in each replica; None where only a card may ask for it."""
    if "vllm" not in (option.engine, option.replica_engine):
        return None
    return VllmOptions(
        tensor_parallel=option.tensor_parallel_size or 1,
        data_parallel=option.data_parallel_size or 1,
        deterministic=option.deterministic,
    )


def _find_gates(config: pytest.Config) -> GateConfig:
    """The gates of this run; those of a shard rule over the merged run."""
    if is_worker(config) or shows_information(config):
        return GateConfig(file=None, named=False)
    option, where = config.option, config.invocation_params.dir
    asked = option.gates and expand_home(option.gates)
    if option.resume is not None and asked is None:
        where = config.rootpath  # A resumed run has the gates it began with, whatever lies here.
    gates = load_gates(asked, root=config.rootpath, where=where)
    return msgspec.structs.replace(gates, strict=gates.strict or option.strict_cases)


def _resolve(config: pytest.Config, path: Path) -> Path:
    """Paths are relative to where pytest was called, also in workers that run elsewhere.

    A shell leaves the ~ of --data=~/x to the program.
    """
    return Path(config.invocation_params.dir, expand_home(str(path)))


def shows_information(config: pytest.Config) -> bool:
    """Whether an option of pytest's asks for a list, such as ``--help``, and no test is run."""
    return any(config.getoption(name, False) for name in _INFORMATION)


def is_worker(config: pytest.Config) -> bool:
    """True in an xdist worker process, which runs cases but writes nothing."""
    return hasattr(config, "workerinput")


def count_processes() -> int:
    """The processes that ask cases, as seen by one of them: the workers, or this one alone."""
    return int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


def count_workers(config: pytest.Config) -> int:
    """Number of xdist workers; 0 when cases run in this process."""
    return len(getattr(config.option, "tx", None) or [])
