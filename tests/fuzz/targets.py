"""One broken input of each kind, and what the suite may make of it: its work, or a sentence."""

import json
import random
import re
import shutil
import struct
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import msgspec
import tomli_w
from PIL import Image
from typer.testing import CliRunner, Result

from fakebench_suite.backends.cards import check_checkpoint, find_card, locate_weights
from fakebench_suite.backends.replay import ReplayBackend
from fakebench_suite.backends.scripted import ScriptedBackend
from fakebench_suite.checkpoints import fingerprint
from fakebench_suite.checkpoints.settings import load_shipped
from fakebench_suite.cli.main import app
from fakebench_suite.datasets import open_dataset
from fakebench_suite.datasets.images import open_image, silence_decoder_warnings
from fakebench_suite.datasets.sampling import Shard
from fakebench_suite.datasets.validation.image_metadata import read_image_metadata
from fakebench_suite.endpoints import retries
from fakebench_suite.endpoints.completion import MalformedReplyError, parse_completion
from fakebench_suite.errors import ImageError, SuiteError, UserError
from fakebench_suite.execution.manifest_builder import begin_manifest
from fakebench_suite.execution.plan import make_plan
from fakebench_suite.gates.config import load_gates
from fakebench_suite.gates.evaluate import evaluate_gates
from fakebench_suite.gates.preconditions import RunIntent, check_gates
from fakebench_suite.grading.judges.cache import RatingCache
from fakebench_suite.grading.judges.endpoint import open_endpoint
from fakebench_suite.grading.judges.registry import JudgeOptions, parse_judge
from fakebench_suite.grading.judges.reply_text import (
    EmptyReplyError,
    describe_unrated,
    find_text,
)
from fakebench_suite.grading.judges.rubric import RatingRequest, build_messages, parse_rating
from fakebench_suite.grading.labels.keywords import parse_keywords
from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.grading.verdict import judge
from fakebench_suite.metrics.names import Need
from fakebench_suite.report.submission import FILES, check_submission, write_submission
from fakebench_suite.runs.store import read_records
from fakebench_suite.tasks.prompts import build_prompt
from fakebench_suite.types import Answer, FinishReason, QuestionType, Rating
from fakebench_suite.workflows.finalize import read_run_view
from tests.backends.asking import ask
from tests.endpoint_server import Endpoint, serve
from tests.fuzz import samples
from tests.fuzz.guard import guard
from tests.fuzz.mutations import (
    break_place,
    encode_json,
    encode_toml,
    mutate_bytes,
    mutate_tree,
)

_LEAKED = re.compile(
    r"Traceback|object has no attribute|not subscriptable|object is not|unhashable|NoneType"
    r"|unsupported (?:operand|format)|indices must be|got an unexpected|<class "
    r"|not supported between"
)
"""Words of Python's own, which are no sentence for people."""
_LONGEST = 4_000
"""Characters of an error's message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """Sound inputs on disk, which are read only: ten pictures, rows, two shards, a whole run."""

    data: Path
    rows: Path
    shards: tuple[Path, Path]
    run: Path
    pictures: Mapping[str, bytes]


def write_sound(folder: Path) -> Sound:
    """The sound inputs, made anew."""
    data = folder / "data"
    data.mkdir(parents=True)
    for number in range(10):
        samples.write_picture(data / f"{number}.png", number)
    samples.write_picture(data / "sd-0.png", 0)
    samples.write_picture(data / "sd-2.png", 2)
    rows = data / "rows.jsonl"
    rows.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in samples.list_rows()))
    first, second = (
        samples.write_run(folder / f"shard-{number}", rows, Shard(number=number, total=2))
        for number in (1, 2)
    )
    return Sound(
        data=data, rows=rows, shards=(first, second), run=samples.write_run(folder / "run", rows),
        pictures=samples.encode_pictures(),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One input: its source of chance, an empty directory of its own, and the sound inputs."""

    rng: random.Random
    box: Path
    sound: Sound

    def copy_run(self, source: Path) -> Path:
        """A run directory less the pages of its report."""
        folder = self.box / "run"
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.js", "*.css", "*.html"))
        return folder

    def call(self, *arguments: object, statuses: frozenset[int], output: Path | None = None) -> int:
        """The exit status of a command; what it may write lies below ``output``."""
        with guard(self.box, *(() if output is None else (output,))):
            result = self.invoke(list(map(str, arguments)))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        check_said(result.exit_code, result.output, result.stderr, statuses)
        return result.exit_code

    def invoke(self, arguments: list[str]) -> Result:
        """The command as it is, in this process."""
        return CliRunner().invoke(app, arguments)

    def expect(self, work: Callable[[], object]) -> None:
        """Do the work; an error of the suite's own is as good, if it is a sentence."""
        with guard(self.box, self.box / "out"):
            try:
                work()
            except SuiteError as error:
                check_sentence(str(error))


_READ = frozenset({0, 2})


def check_said(status: int, output: str, errors: str, statuses: frozenset[int]) -> None:
    """A command ended with a status that its documentation names, and in a sentence if in none."""
    assert status in statuses, (status, output[-2_000:])
    assert "Traceback" not in output
    assert "\x1b]" not in output
    if status == 2:
        check_sentence(errors)


def check_sentence(text: str) -> None:
    """It can be printed, says something, and is none of Python's own words."""
    text.encode()
    stripped = text.strip()
    assert 10 < len(stripped) < _LONGEST, (len(stripped), stripped[:500])
    assert _LEAKED.search(stripped) is None, stripped
    assert all(char.isprintable() or char in "\n\t" for char in stripped), ascii(stripped)


def _break_json(trial: Trial, path: Path, *, lines: bool = False, unreadable: bool = True) -> None:
    """Change a JSON file: its values, its bytes, or what lies at its place."""
    rng, content = trial.rng, path.read_bytes()
    dice = rng.random()
    if unreadable and dice < 0.08:
        break_place(rng, path)
    elif dice < 0.25:
        path.write_bytes(mutate_bytes(rng, content))
    else:
        tree = [json.loads(line) for line in content.splitlines()] if lines else json.loads(content)
        path.write_bytes(encode_json(rng, mutate_tree(rng, tree), lines=lines))


def break_official(trial: Trial) -> Path:
    """A data set whose FakeClass.json, FakeClue.json or FakeQA.json is broken, in either layout."""
    folder = trial.box / "data" / trial.rng.choice(("Evaluation", ""))
    folder.mkdir(parents=True)
    for name, rows in samples.list_official().items():
        (folder / name).write_bytes(msgspec.json.encode(rows))
    for name in ("sd-0.png", "1.png", "sd-2.png"):
        shutil.copy(trial.sound.data / name, trial.box / "data" / name)
    _break_json(trial, folder / trial.rng.choice(sorted(samples.list_official())))
    return trial.box / "data"


def break_rows(trial: Trial) -> Path:
    """A broken file of JSON lines."""
    path = trial.box / "rows.jsonl"
    shutil.copy(trial.sound.rows, path)
    for number in range(4):
        shutil.copy(trial.sound.data / f"{number}.png", trial.box)
    _break_json(trial, path, lines=True)
    return path


def try_official(trial: Trial) -> None:
    """Files in FakeBench's layout."""
    _use_data(trial, break_official(trial))


def try_rows(trial: Trial) -> None:
    """JSON lines."""
    _use_data(trial, break_rows(trial))


def _use_data(trial: Trial, data: Path) -> None:
    """The data set is inspected, or planned, asked about, read and scored."""
    if trial.rng.random() < 0.4:
        options = ("--json",) if trial.rng.random() < 0.3 else ()
        trial.call("data", data, *options, statuses=frozenset({0, 1, 2}))
        return
    settings = samples.make_settings(trial.box / "out", data=data)

    def plan_run() -> None:
        plan = make_plan(settings, asks=True)
        begin_manifest(plan)
        assert plan.card.script is not None
        model = ScriptedBackend(plan.card.script)
        for case in plan.cases:
            (answer,) = ask(model, [build_prompt(case, settings.style)], {})
            assert isinstance(answer, Answer)
            judge(case, answer)
            msgspec.json.encode(case)
        with silence_decoder_warnings():
            for case in plan.cases[:3]:
                try:
                    plan.dataset.open_image(case)
                except ImageError as error:
                    check_sentence(str(error))

    trial.expect(plan_run)


def break_card(trial: Trial) -> Path:
    """A broken card."""
    rng = trial.rng
    tree = rng.choice((samples.CARD, samples.CARD, samples.WEIGHED_CARD, samples.HUB_CARD))
    folder = trial.box / "model"
    folder.mkdir()
    path = folder / "card.toml"
    dice = rng.random()
    path.write_bytes(tomli_w.dumps(tree).encode())
    if dice < 0.08:
        break_place(rng, path)
    elif dice < 0.25:
        path.write_bytes(mutate_bytes(rng, path.read_bytes()))
    else:
        path.write_bytes(encode_toml(rng, mutate_tree(rng, tree, dates=True)))
    return path


def try_card(trial: Trial) -> None:
    """A model's card, by its own path or that of its directory."""
    path = break_card(trial)
    model = str(trial.rng.choice((path, path.parent)))

    def load() -> None:
        card = find_card(model)
        check_checkpoint(card, remote_code=False)
        locate_weights(card)
        if card.backend == "scripted":
            settings = samples.make_settings(trial.box / "out", model=model, data=trial.sound.rows)
            plan = make_plan(settings, asks=True)
            begin_manifest(plan)
            assert plan.card.script is not None
            prompts = [build_prompt(case, settings.style) for case in plan.cases[:4]]
            if plan.card.script.seconds < 1:
                ask(ScriptedBackend(plan.card.script), prompts, {})

    trial.expect(load)


def break_gates(trial: Trial) -> Path:
    """A broken gates.toml."""
    rng, path = trial.rng, trial.box / "gates.toml"
    path.write_bytes(tomli_w.dumps(samples.GATES).encode())
    dice = rng.random()
    if dice < 0.08:
        break_place(rng, path)
    elif dice < 0.25:
        path.write_bytes(mutate_bytes(rng, path.read_bytes()))
    else:
        path.write_bytes(encode_toml(rng, mutate_tree(rng, samples.GATES, dates=True)))
    return path


def try_gates(trial: Trial) -> None:
    """Gates, which rule over a run where they are still some."""
    path = break_gates(trial)
    option = trial.rng.choice((None, "gates.toml", str(path)))
    view = read_run_view(trial.sound.run)
    population = view.manifest.population
    assert population is not None

    def rule() -> None:
        gates = load_gates(option, root=trial.box, where=trial.box)
        intent = RunIntent(
            data="rows", population=population, drawn=population, sample=None,
            selected={task: population[task]["all"] for task in population},
            baseline=True, timed=True, met={*Need}, shard=False,
        )  # fmt: skip
        check_gates(gates, intent)
        decisions = evaluate_gates(gates.rules, view, view, strict=gates.strict)
        assert len(decisions) == len(gates.rules)

    trial.expect(rule)


def break_run(trial: Trial) -> Path:
    """A run whose manifest or records are broken."""
    run = trial.copy_run(trial.sound.run)
    name = trial.rng.choice(("manifest.json", "records.jsonl"))
    _break_json(trial, run / name, lines=name == "records.jsonl")
    return run


def try_manifest(trial: Trial) -> None:
    """The manifest of a run is broken."""
    run = trial.copy_run(trial.rng.choice((trial.sound.run, trial.sound.shards[0])))
    _break_json(trial, run / "manifest.json")
    _use_run(trial, run)


def try_records(trial: Trial) -> None:
    """The records of a run are broken."""
    run = trial.copy_run(trial.rng.choice((trial.sound.run, trial.sound.shards[0])))
    _break_json(trial, run / "records.jsonl", lines=True)
    _use_run(trial, run)


_SIDES = {
    "scores.json": False, "gates.json": False, "latency.json": False, "texts.jsonl": True,
    "badge.json": False, "report/images/images.json": False,
}  # fmt: skip


def try_side_files(trial: Trial) -> None:
    """Scores, rulings, timings, texts, badge, thumbnails or the pointer to the last run."""
    rng = trial.rng
    run = trial.copy_run(rng.choice((trial.sound.run, trial.sound.shards[0])))
    name = rng.choice(sorted(_SIDES))
    dice = rng.random()
    if dice < 0.06:
        _break_picture(rng, run / "report" / "images")
    elif dice < 0.12:
        shutil.rmtree(run / rng.choice(("report", "report/images")))
        link = run / "report"
        link = link if not link.exists() else link / "images"
        target = trial.box / "outside"
        target.mkdir()
        rng.choice((lambda: link.symlink_to(target), lambda: link.write_bytes(b"x")))()
    elif dice < 0.2:
        last = trial.box / "last"
        content = rng.choice((b"run\n", b"../../x", b"\xff\xfe", b"\0", b"x" * 5_000, b""))
        last.write_bytes(content)
        if rng.random() < 0.5:
            break_place(rng, last)
        run = last
    else:
        _break_json(trial, run / name, lines=_SIDES[name])
    _use_run(trial, run, reports=dice >= 0.06)


def _break_picture(rng: random.Random, folder: Path) -> None:
    path = rng.choice([path for path in sorted(folder.iterdir()) if path.suffix != ".json"])
    if rng.random() < 0.5:
        break_place(rng, path)
    else:
        path.write_bytes(mutate_bytes(rng, path.read_bytes()))


def _use_run(trial: Trial, run: Path, *, reports: bool = True) -> None:
    """A command, or an option of pytest, reads the run."""
    rng, sound, box = trial.rng, trial.sound, trial.box
    kinds = ("compare", "back", "agree", "runs", "answers", "baseline", "report", "merge", "judge")
    weights = (6, 4, 1, 3, 4, 4, 6 if reports else 12, 3, 3)
    (kind,) = rng.choices(kinds, weights)
    match kind:
        case "compare":
            trial.call("compare", sound.run, run, statuses=_READ)
        case "back":
            trial.call("compare", run, sound.run, "--items=3", statuses=_READ)
        case "agree":
            trial.call("judge", "agreement", run, sound.run, statuses=_READ)
        case "runs":
            prune = rng.choice(((), ("--prune=0",), ("--older-than=1",)))
            trial.call("runs", f"--reports={box}", *prune, statuses=_READ, output=box)
        case "answers" | "judge":
            _use_answers(trial, run)
        case "baseline":
            settings = samples.make_settings(box / "out", data=sound.rows, baseline=run)
            trial.expect(lambda: make_plan(settings, asks=True))
        case "report":
            options = rng.choice(
                ((), (f"--baseline={sound.run}",), (f"--data={sound.rows}", "--report-images=full"))
            )
            trial.call("report", run, *options, statuses=_READ, output=run)
        case _:
            _merge(trial, run)


def _merge(trial: Trial, run: Path) -> None:
    """The run is merged with the other shard, or is the baseline of such a merge."""
    rng, sound, output = trial.rng, trial.sound, trial.box / "out"
    options = rng.choice(((), ("--gates=none",), (f"--gates={samples.ROOT / 'gates.toml'}",)))
    if rng.random() < 0.3:
        runs: tuple[Path, ...] = sound.shards
        options = (*options, f"--baseline={run}")
    else:
        runs = rng.choice(((run, sound.shards[1]), (sound.shards[1], run), (run,)))
    status = trial.call(
        "merge", *runs, f"--into={output / 'whole'}", *options,
        statuses=frozenset({0, 1, 2, 6}), output=output,
    )  # fmt: skip
    names = sorted(path.name for path in output.iterdir()) if output.exists() else []
    assert names == ([] if status == 2 else ["whole"]), (status, names)


def _use_answers(trial: Trial, run: Path) -> None:
    """The answers of the run are judged again."""
    settings = samples.make_settings(trial.box / "out", data=trial.sound.rows, answers=run)

    def answer() -> None:
        plan = make_plan(settings, asks=True)
        begin_manifest(plan)
        model = ReplayBackend(list(read_records(run)))
        prompts = [build_prompt(case, settings.style) for case in plan.cases]
        for case, reply in zip(plan.cases, ask(model, prompts, {}), strict=True):
            if isinstance(reply, Answer):
                judge(case, reply)

    trial.expect(answer)


def try_image(trial: Trial) -> None:
    """An image file is broken, misnamed, or none."""
    rng = trial.rng
    name = rng.choice(sorted(trial.sound.pictures))
    content = trial.sound.pictures[name]
    dice = rng.random()
    if dice < 0.25 and name.endswith(".png") and content.startswith(b"\x89PNG"):
        content = _break_chunks(rng, content)
    elif dice < 0.9:
        content = mutate_bytes(rng, content)
        if rng.random() < 0.5:  # The head decides how much is believed of the rest.
            content = (
                trial.sound.pictures[name][:30] + mutate_bytes(rng, content[30:90]) + content[90:]
            )
    suffix = rng.choice((Path(name).suffix, ".png", ".jpg", ".webp", ".tif"))
    path = trial.box / f"picture{suffix}"
    path.write_bytes(content)
    if dice > 0.97:
        break_place(rng, path)

    def look() -> None:
        with silence_decoder_warnings():
            picture = open_image(path)
            assert isinstance(picture, Image.Image)
            assert picture.mode == "RGB"
            assert not picture.info
            read_image_metadata(path)

    if rng.random() < 0.3:
        row = {"id": "d", "task": "detection", "image": path.name, "label": "fake"}
        row |= {"question": "Is this image fake or real?"}
        (trial.box / "x.jsonl").write_bytes(msgspec.json.encode(row))
        trial.call("data", trial.box / "x.jsonl", statuses=frozenset({0, 1, 2}))
    else:
        trial.expect(look)


def _break_chunks(rng: random.Random, content: bytes) -> bytes:
    """A PNG whose sizes, chunks and checksums are what somebody wrote into them."""
    width, height = (rng.choice((0, 1, 36, 8_000, 65_535, 2**31 - 1)) for _ in range(2))
    head = struct.pack(">II", width, height) + bytes(
        (rng.choice((1, 2, 4, 8, 16, 3)), rng.randrange(8), 0, 0, rng.randrange(2))
    )
    if rng.random() < 0.5:
        head = content[16:29]
    extra = rng.choice((b"zTXt", b"iTXt", b"iCCP", b"gAMA", b"acTL", b"eXIf", b"tRNS", b"PLTE"))
    body = rng.choice((b"", rng.randbytes(20), b"a\0\0" + zlib.compress(b"x" * 10**7), b"\0" * 9))
    chunks = [(b"IHDR", head), (extra, body)]
    start = content[:8]
    for kind, data in chunks:
        check = zlib.crc32(kind + data) if rng.random() < 0.8 else 0
        start += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
    return start + content[33:]


def _write_reply(rng: random.Random) -> str:
    """A judge's reply, nearly as it should be."""
    tree = mutate_tree(rng, samples.MARKS) if rng.random() < 0.8 else samples.MARKS
    text = encode_json(rng, tree).decode("utf-8", "surrogateescape")
    around = ("{}", "```json\n{}\n```", "Here: {}", "{}\nI hope this helps", "<think>x</think>{}",
              "<think>{}", "[{}]", "{} {}", "{{" * 500 + "{}", "{}" * 40, "x" * 300_000 + "{}",
              "completeness 2 {}", "{{" + "\\" * 1_000 + "{}")  # fmt: skip
    return rng.choice(around).replace("{}", text).replace("{{", "{")


def try_marks(trial: Trial) -> None:
    """A judge's reply: three marks, or none."""
    rng = trial.rng
    reply = _write_reply(rng)
    if rng.random() < 0.15:
        reply = mutate_bytes(rng, reply[:5_000].encode("utf-8", "surrogatepass")).decode(
            "utf-8", rng.choice(("replace", "surrogateescape"))
        )
    with guard(trial.box):
        rating = parse_rating(reply, "secret")
        reason = describe_unrated(reply, "secret")
    assert len(reason) < _LONGEST
    assert reason.isprintable() or "\n" in reason, ascii(reason[:300])
    if rating is not None:
        assert isinstance(rating, Rating)
        assert {rating.completeness, rating.preciseness, rating.relevance} <= {0, 1, 2}
        assert len(rating.reason) <= 2_000
        msgspec.json.encode(rating)


def try_label(trial: Trial) -> None:
    """A model's reply is read by either rule, and judged."""
    rng = trial.rng
    pieces = [rng.choice(samples.REPLIES) for _ in range(rng.choice((1, 2, 5, 40)))]
    text = rng.choice((" ", "\n\n", "", ", ", " not ", "\0")).join(pieces)
    content = mutate_bytes(rng, text.encode())
    text = content.decode("utf-8", rng.choice(("replace", "surrogateescape")))
    if rng.random() < 0.15:
        text = rng.choice(
            ("<think>", "no ", "(", "not, ", "**", "假", "fake", "| a | ", "1.", "-\n")
        )
        text *= rng.choice((50, 5_000, 100_000))
    with guard(trial.box):
        for question_type in QuestionType:
            for parse in (parse_label, parse_keywords):
                reading = parse(text, question_type)
                assert str(reading.label) in {"fake", "real", "unparsed", "refused"}
        case = rng.choice(open_dataset(trial.sound.rows).cases)
        answer = Answer(
            text=text, tokens=1, seconds=0.1, batch_size=1,
            finish_reason=rng.choice((None, *FinishReason)),
        )  # fmt: skip
        assert len(judge(case, answer).reason) < 2 * _LONGEST


def try_completion(trial: Trial) -> None:
    """The body of a judge's server: a text, or why there is none."""
    rng = trial.rng
    tree = mutate_tree(rng, samples.COMPLETION)
    body = encode_json(rng, tree)
    if rng.random() < 0.25:
        body = mutate_bytes(rng, body)
    with guard(trial.box):
        try:
            text = find_text(parse_completion(body))
        except (MalformedReplyError, EmptyReplyError) as error:
            message = str(error)
        else:
            assert text.strip()
            parse_rating(text)
            return
    assert _LEAKED.search(message) is None, message


def try_server(trial: Trial) -> None:
    """The same over the wire: each text has its own judgement, and the judge goes on."""
    rng = trial.rng
    bodies = [encode_json(rng, mutate_tree(rng, samples.COMPLETION)) for _ in range(6)]
    bodies = [mutate_bytes(rng, body) if rng.random() < 0.3 else body for body in bodies]
    kind = rng.choice(("application/json", "text/html", "", "application/json; charset=x"))
    endpoint = Endpoint(
        content_type=kind, raw=lambda _: rng.choice(bodies).decode("utf-8", "replace")
    )
    requests = [RatingRequest(question="q", reference=["r"], text=f"t{n}") for n in range(3)]
    quick = patch.object(retries, "LONGEST_WAIT_S", 0.001)
    with serve(endpoint), guard(trial.box, trial.box), quick:
        choice = parse_judge(f"openai:m@{endpoint.url}", rounds=2)
        opened = open_endpoint(choice, JudgeOptions(cache=trial.box / "marks.sqlite"))
        with closing(opened):
            try:
                opened.check()
            except UserError as error:
                check_sentence(str(error))
            judgements = opened.grade(requests)
    assert len(judgements) == len(requests)
    for judgement in judgements:
        assert len(judgement.ratings) + judgement.failed == 2
        msgspec.json.encode(judgement)
        assert _LEAKED.search(judgement.reason) is None, judgement.reason


def try_checkpoint(trial: Trial) -> None:
    """The small files of a checkpoint, its header, or its index are broken."""
    rng, folder = trial.rng, trial.box / "checkpoint"
    samples.write_checkpoint(folder)
    weights = folder / "model.safetensors"
    if rng.random() < 0.3:
        index = {"metadata": {"total_size": 4}, "weight_map": {"a": "part-1.safetensors"}}
        weights.rename(folder / "part-1.safetensors")
        weights = folder / "part-1.safetensors"
        (folder / "model.safetensors.index.json").write_bytes(msgspec.json.encode(index))
    names = [path for path in sorted(folder.iterdir()) if path.suffix == ".json"]
    path = rng.choice([*names, *names, weights])
    if path == weights:
        _break_weights(trial, path)
    else:
        _break_json(trial, path)
    model = str(folder)

    def look() -> None:
        card = find_card(model)
        check_checkpoint(card, remote_code=False)
        fields = {"temperature", "num_beams", "eos_token_id"}
        load_shipped(folder, fields=fields, configured={"eos_token_id": 1})
        fingerprint.digest_weights(folder)
        fingerprint.digest_files(folder, code=False)
        fingerprint.compute_fingerprint(folder)

    trial.expect(look)


def _break_weights(trial: Trial, path: Path) -> None:
    rng = trial.rng
    dice = rng.random()
    if dice < 0.2:
        break_place(rng, path)
    elif dice < 0.5:
        path.write_bytes(mutate_bytes(rng, path.read_bytes()))
    else:
        header = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
        text = encode_json(rng, mutate_tree(rng, header))
        size = rng.choice((len(text), len(text), 0, 2**63, 10**8))
        path.write_bytes(struct.pack("<Q", size) + text + b"\0\0\0\0")


def try_submission(trial: Trial) -> None:
    """A file of a submission is not what was written."""
    data = trial.box / "data"
    data.mkdir()
    for name, rows in samples.list_official().items():
        (data / name).write_bytes(msgspec.json.encode(rows))
    cases = open_dataset(data).cases
    template = next(iter(read_records(trial.sound.run)))
    records = [replace(template, case=case) for case in cases]
    output = trial.box / "out"
    write_submission(output, cases, records)
    path = trial.rng.choice(sorted((output / "submission").glob("*.json")))
    _break_json(trial, path, unreadable=False)  # It was written a moment ago.
    expected: Mapping[str, Mapping[str, dict[str, str]]] = {name: {} for name in FILES}
    trial.expect(lambda: check_submission(output / "submission", expected))


def try_cache(trial: Trial) -> None:
    """The file of a judge's marks is broken."""
    path = trial.box / "out" / "judgements.sqlite"
    messages = build_messages(RatingRequest(question="q", reference=["r"], text="t"))
    rating_cache = RatingCache(path)
    rating_cache.keep("m", messages, 0, Rating(**samples.MARKS))  # type: ignore[arg-type]  # marks and a reason
    rating_cache.close()
    for side_file in path.parent.glob("*-*"):
        side_file.unlink()
    if trial.rng.random() < 0.3:
        break_place(trial.rng, path)
    else:
        path.write_bytes(mutate_bytes(trial.rng, path.read_bytes()))

    def look() -> None:
        cache = RatingCache(path)
        rating = cache.find("m", messages, 0)
        assert rating is None or isinstance(rating, Rating)
        cache.keep("m", messages, 1, Rating(**samples.MARKS))  # type: ignore[arg-type]
        cache.close()

    trial.expect(look)


def try_standard_input(trial: Trial) -> None:
    """What ``read`` is given is broken."""
    rng = trial.rng
    rows = [{"question_type": "what", "reply": reply} for reply in samples.REPLIES]
    content = encode_json(rng, mutate_tree(rng, rows), lines=True)
    if rng.random() < 0.2:
        content = mutate_bytes(rng, content)
    with guard(trial.box):
        result = CliRunner().invoke(app, ["read"], input=content)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    check_said(result.exit_code, result.output, result.stderr, _READ)


TARGETS: Mapping[str, tuple[Callable[[Trial], None], int]] = {
    "official": (try_official, 400),
    "rows": (try_rows, 450),
    "card": (try_card, 400),
    "gates": (try_gates, 450),
    "manifest": (try_manifest, 600),
    "records": (try_records, 500),
    "side files": (try_side_files, 500),
    "image": (try_image, 450),
    "marks": (try_marks, 400),
    "label": (try_label, 200),
    "completion": (try_completion, 200),
    "server": (try_server, 40),
    "checkpoint": (try_checkpoint, 150),
    "submission": (try_submission, 100),
    "cache": (try_cache, 30),
    "standard input": (try_standard_input, 130),
}
"""What tries an input of each kind, and how many of them there are: 5,000 together."""
