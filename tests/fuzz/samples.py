"""Sound inputs, small and of every kind, from which the broken ones are made."""

import json
import struct
import tomllib
from collections import Counter
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fakebench_suite.backends.cards import MODELS
from fakebench_suite.backends.registry import load_model
from fakebench_suite.datasets.images import silence_decoder_warnings
from fakebench_suite.datasets.sampling import Shard
from fakebench_suite.execution.manifest_builder import begin_manifest, end_manifest
from fakebench_suite.execution.plan import make_plan
from fakebench_suite.execution.runner import execute
from fakebench_suite.gates.config import load_gates
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.plugin.options import Settings
from fakebench_suite.report.thumbnails import ReportImageSize
from fakebench_suite.runs.manifest import ManifestEngine
from fakebench_suite.runs.store import RunWriter
from fakebench_suite.tasks.prompts import (
    DETECTION,
    FAULTFINDING,
    INFERENCE,
    PromptStyle,
)
from fakebench_suite.types import LatencyTiming
from fakebench_suite.workflows.finalize import finalize_run

ROOT = Path(__file__).parents[2]
GATES: dict[str, Any] = {
    "gate": [
        *tomllib.loads((ROOT / "gates.toml").read_text(encoding="utf-8"))["gate"],
        {"name": "no worse", "kind": "regression", "task": "detection", "margin": 0.05},
        {"name": "as fast", "kind": "latency", "at_most": 1.5},
        {
            "name": "first token", "kind": "latency", "benchmark": "first token", "state": "cold",
            "seconds": 1.0,
        },
    ]
}  # fmt: skip
CARD: dict[str, Any] = {
    "backend": "scripted",
    "note": "a note",
    "generation": {"max_new_tokens": 9, "batch_size": 2, "stop": ["</s>"]},
    "prompt": {"system": "s", "template": "{image}{question}", "options": {"thinking": False}},
    "held_out": {"accuracy": "0.9"},
    "script": {
        "what": ["This image is fake.", "real"], "isfake": ["yes"], "isreal": ["no"],
        "faultfinding": ["The edge."], "inference": ["So it is fake."],
        "criterion": ["It is natural."],
        "seconds": 0.0,
    },
}  # fmt: skip
WEIGHED_CARD: dict[str, Any] = {
    "path": "checkpoint", "dtype": "bfloat16", "attention": "sdpa", "unused_tensors": ["x."],
    "trust_remote_code": False,
}  # fmt: skip
HUB_CARD: dict[str, Any] = {"repository": "nobody/nothing", "revision": "main"}
CHECKPOINT = (
    "config.json", "generation_config.json", "processor_config.json", "tokenizer_config.json",
    "chat_template.jinja",
)  # fmt: skip
MARKS = {"reason": "because", "completeness": 2, "preciseness": 1, "relevance": 0}
COMPLETION = {
    "id": "x", "object": "chat.completion", "created": 0, "model": "m",
    "choices": [
        {
            "index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": json.dumps(MARKS), "refusal": None},
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1},
}  # fmt: skip
REPLIES = (
    "This image is fake.", "<think>It may be real.</think> The image is AI-generated.",
    "**Final Score: 9/10, certainly AI-generated**\nConfidence: High",
    "No, it is not a real image.",
    "I see no waxy skin, warped fingers, or melted text; the photograph looks authentic.",
    "The likelihood that this is a real photo is 85 %.", "这张图片是真实拍摄的。",
    "Fake. Fake. Fake!",
    "I cannot determine that.", "<answer><|begin_of_box|>fake<|end_of_box|></answer>", "A", "✓",
)  # fmt: skip


def write_picture(path: Path, number: int = 0) -> None:
    """A small picture with edges, of its own for each number."""
    y, x = np.mgrid[0:32, 0:48]
    bands = [x * 5 + number * 9, y * 8, np.full_like(x, number * 20)]
    Image.fromarray(np.stack(bands, -1).astype(np.uint8)).save(path)


def list_rows() -> list[dict[str, Any]]:
    """JSON lines about ten pictures: detection and texts, without references."""
    rows: list[dict[str, Any]] = []
    for number in range(10):
        shared = {"image": f"{number}.png", "label": "fake" if number % 2 else "real"}
        question = list(DETECTION.values())[number % 3]
        rows.append({"id": "d", "task": "detection", "question": question, **shared})
        rows[-1] |= {"generator": "sd", "content_categories": "animal"} if number % 2 else {}
        if number % 3 == 0:
            rows.append(
                {"id": "a", "task": "analysis", "question": "How is the edge?", **shared}
                | {"criterion": "edge", "expected": []}
            )
            rows.append({"id": "i", "task": "interpretation", "question": FAULTFINDING, **shared})
            rows.append({"id": "r", "task": "reasoning", "question": INFERENCE, **shared})
    return rows


def list_official() -> dict[str, list[dict[str, Any]]]:
    """Rows in FakeBench's three shapes."""
    fakes = [f"sd-{number}.png" for number in range(0, 4, 2)]
    classes = [
        {"image_id": name, "question": list(DETECTION.values())[index % 3], "authenticity": real}
        for index, (name, real) in enumerate([("sd-0.png", 0), ("1.png", 1), ("sd-2.png", 0)])
    ]
    clue = {"faultfinding_mode": FAULTFINDING, "inference_mode": INFERENCE}
    clue |= {"content_categories": "animal"}
    texts = {"telltale_clues": ["The edge melts."], "telltale_categories": ["edge"]}
    qa = {"Q1": "How is the edge?", "A1": "", "Q2": "How is the overall tone?", "A2": ""}
    return {
        "FakeClass.json": classes,
        "FakeClue.json": [{"image_id": name, **clue, **texts} for name in fakes],
        "FakeQA.json": [{"image_id": name, **qa} for name in fakes],
    }


def make_settings(reports: Path, **changes: Any) -> Settings:
    """What a user asked for who gave only ``changes``."""
    preset = Settings(
        model="coin", data=None, tasks=None, sample=None, shard=None, seed=0,
        style=PromptStyle.PAPER, reply_parser=ReplyParserKind.GRAMMAR, judge=None, answers=None,
        folder=reports / "new", named=True,
        remote_code=False, batch_tokens=None,
        gates=load_gates("none", root=reports, where=reports), baseline=None, strict=False,
        report_images=ReportImageSize.THUMBNAIL,
    )  # fmt: skip
    return replace(preset, **changes)


def write_run(folder: Path, rows: Path, shard: Shard | None = None) -> Path:
    """A run of the coin over the rows, as ``pytest`` leaves it behind."""
    settings = make_settings(folder.parent, data=rows, shard=shard, folder=folder)
    plan = make_plan(settings, asks=True)
    manifest = begin_manifest(plan)
    with silence_decoder_warnings(), load_model(plan.card, plan.load_options()) as model:
        records = list(execute(plan, model))
    store = RunWriter(folder)
    store.open()
    for record in records:
        store.append(record)
    store.close()
    counts = Counter(case.task for case in plan.cases)
    final_manifest = msgspec.structs.replace(
        end_manifest(manifest, records, offered=counts, selected=counts, seconds=1.5),
        workers=0,
        engine=ManifestEngine(name="local"),
        command="pytest",
        commit="0123456",
        filter="",
    )
    rounds = LatencyTiming(
        name="first token", state="cold", seconds=(0.1, 0.2), prompts=1, tokens=1, input_digest="w"
    )
    store.write_timings([rounds])
    finalize_run(
        store,
        final_manifest,
        records,
        gates=load_gates(str(ROOT / "gates.toml"), root=ROOT, where=ROOT),
        baseline=None,
        dataset=plan.dataset,
    )
    texts = {"bleu_1": 0.2, "bleu_2": 0.1, "rouge_l": 0.3, "similarity": 0.4, "clue_recall": None}
    lines = [json.dumps({"id": record.case.id} | texts) + "\n" for record in records[:3]]
    (folder / "texts.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def encode_pictures() -> dict[str, bytes]:
    """A picture in every format and coding that is read, by file name."""
    y, x = np.mgrid[0:24, 0:36]
    rgb = Image.fromarray(np.stack([x * 7, y * 10, x + y], -1).astype(np.uint8))
    sixteen_bit = Image.fromarray((x * 1_800).astype(np.uint16))
    text = PngInfo()
    text.add_text("parameters", "a prompt")
    text.add_text("workflow", "{}" * 500, zip=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a description"
    clear = rgb.convert("RGBA")
    clear.putalpha(128)
    pictures: dict[str, tuple[Image.Image, str, dict[str, Any]]] = {
        "rgb.png": (rgb, "PNG", {"pnginfo": text, "exif": exif}),
        "rgba.png": (clear, "PNG", {}),
        "grey.png": (rgb.convert("L"), "PNG", {"transparency": 3}),
        "bit.png": (rgb.convert("1"), "PNG", {}),
        "palette.png": (rgb.quantize(16), "PNG", {"transparency": 0}),
        "deep.png": (sixteen_bit, "PNG", {}),
        "base.jpg": (rgb, "JPEG", {"exif": exif, "comment": "c", "icc_profile": b"x" * 200}),
        "progressive.jpg": (rgb.convert("CMYK"), "JPEG", {"progressive": True}),
        "lossy.webp": (rgb, "WEBP", {"exif": exif}),
        "lossless.webp": (clear, "WEBP", {"lossless": True}),
        "moving.webp": (rgb, "WEBP", {"save_all": True, "append_images": [rgb.rotate(9)]}),
        "still.gif": (rgb.quantize(8), "GIF", {"comment": b"c"}),
        "moving.gif": (rgb, "GIF", {"save_all": True, "append_images": [rgb.rotate(9)]}),
        "plain.bmp": (rgb, "BMP", {}),
        "raw.tif": (rgb, "TIFF", {"exif": exif}),
        "packed.tif": (rgb, "TIFF", {"compression": "tiff_lzw"}),
        "jpeg.tif": (rgb, "TIFF", {"compression": "jpeg"}),
        "fax.tif": (rgb.convert("1"), "TIFF", {"compression": "group4"}),
        "big.tif": (rgb, "TIFF", {"big_tiff": True}),
        "deep.tif": (sixteen_bit, "TIFF", {}),
    }
    files = {}
    for name, (picture, kind, options) in pictures.items():
        stream = BytesIO()
        picture.save(stream, kind, **options)
        files[name] = stream.getvalue()
    files["postscript.png"] = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n"
    files["drawing.png"] = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
    return files


def write_checkpoint(folder: Path) -> None:
    """The embedded checkpoint's small files, and weights that are no more than a header."""
    folder.mkdir(parents=True)
    for name in CHECKPOINT:
        (folder / name).write_bytes((MODELS / "pocket" / name).read_bytes())
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    weights = struct.pack("<Q", len(header)) + header + b"\0\0\0\0"
    (folder / "model.safetensors").write_bytes(weights)
