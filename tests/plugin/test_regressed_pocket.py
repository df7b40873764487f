"""The embedded model and a copy with noise in its weights, before the gates as shipped."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from fakebench_suite.backends.cards import MODELS
from fakebench_suite.datasets.probes.dataset import load_probes
from fakebench_suite.types import QuestionType
from tests.helpers import read_run
from tests.plugin.sandbox import ROOT, Run

PAIRS, NOISE = 60, 0.085
NO_WORSE = """
[[gate]]
name = "no worse than the release"
kind = "regression"
task = "detection"
"""


@pytest.fixture
def photographs(project: Path) -> Path:
    """Sixty pairs of probes as a data set of one's own, each asked whether it is fake or real."""
    probes, folder = load_probes(PAIRS), project / "photographs"
    folder.mkdir()
    lines = []
    for case in probes.cases:
        if case.question_type is QuestionType.WHAT:
            probes.open_image(case).save(folder / f"{case.image}.png")
            row = {"id": "what", "task": "detection", "image": f"{case.image}.png"}
            lines.append(json.dumps(row | {"label": case.label, "question": case.question}))
    path = folder / "cases.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def add_noise(checkpoint: Path) -> None:
    """Noise in every weight, NOISE standard deviations of its tensor strong."""
    path, draw = checkpoint / "model.safetensors", torch.Generator().manual_seed(0)
    noisy = {
        name: weight + NOISE * weight.std() * torch.randn(weight.shape, generator=draw)
        if weight.is_floating_point() and weight.numel() > 1
        else weight
        for name, weight in load_file(path).items()
    }
    save_file(noisy, path, metadata={"format": "pt"})


def test_noise_in_the_weights_is_found_against_the_baseline(
    run: Run, project: Path, photographs: Path
) -> None:
    """Still better than chance, so the shipped gates alone let it pass; the baseline does not."""
    gates = (ROOT / "gates.toml").read_text(encoding="utf-8")
    (project / "gates.toml").write_text(gates, encoding="utf-8")
    (project / "strict.toml").write_text(gates + NO_WORSE, encoding="utf-8")
    checkpoint = project / "noised"
    shutil.copytree(MODELS / "pocket", checkpoint)
    add_noise(checkpoint)
    data = f"--data={photographs}"
    assert run(data, "--model=pocket", "--run=release").ret == 0
    assert run(data, f"--model={checkpoint}", "--run=alone").ret == 0
    result = run(
        data,
        "--model=noised",
        "--answers=reports/alone",
        "--baseline=reports/release",
        "--gates=strict.toml",
    )
    assert result.ret == 1
    rulings = {ruling["gate"]: ruling for ruling in read_run(project).rulings}
    assert [name for name, ruling in rulings.items() if ruling["outcome"] == "fail"] == [
        "no worse than the release"
    ]
    assert rulings["no worse than the release"]["value"] > 0.05
