"""A detector in a run: it answers detection with P(fake), and is asked nothing else."""

from pathlib import Path

import pytest
from PIL import Image

from tests.backends.classifier.detectors import write_card, write_onnx
from tests.helpers import call, read_run
from tests.plugin.sandbox import Run

SETTINGS = ("fake_labels = [1]", "image_mean = [0.5, 0.5, 0.5]", "image_std = [1, 1, 1]")


@pytest.fixture
def detector(project: Path) -> Path:
    """A card of an ONNX file that calls bright images fake."""
    graph = write_onnx(project / "bright.onnx", [0.0, 9.0])
    trained = "bright images of nobody's"
    return write_card(project / "bright.toml", graph, *SETTINGS, training_data=trained)


@pytest.fixture
def photos(project: Path) -> Path:
    """Bright fakes of one generator and dark reals."""
    for name, start in (("real", 10), ("Fake/sd", 180)):
        folder = project / "photos" / name
        folder.mkdir(parents=True)
        for number in range(4):
            grey = start + number * 15
            Image.new("RGB", (20, 20), (grey,) * 3).save(folder / f"{number} é.png")
    return project / "photos"


def test_a_detector_is_asked_about_a_folder_of_images(
    run: Run, detector: Path, photos: Path, project: Path
) -> None:
    """The run says how images got their labels, how replies are read, and the training data."""
    result = run(f"--model={detector}", f"--data={photos}", "-n0", "--gates=none")
    assert result.ret == 0
    result.stdout.fnmatch_lines([
        "data: 8 images, labelled by their directories: 4 fake from 1 generator (sd), 4 real; *",
        "model: bright gives P(fake) and writes no text, so replies are read as by --reading=like*",
        "Trained on: bright images of nobody's.",
    ])  # fmt: skip
    written = read_run(project)
    assert {record["verdict"]["outcome"] for record in written.records} == {"correct"}
    for record in written.records:
        fake = record["case"]["label"] == "fake"
        assert (record["answer"]["p_fake"] > 0.5) is fake
        assert record["answer"]["text"] in (
            ("fake", "yes", "no") if fake else ("real", "no", "yes")
        )
        assert record["case"].get("generator") == ("sd" if fake else None)
    manifest = written.manifest
    assert manifest["judge"]["label"] == "likelihood"
    assert manifest["reservations"] == []
    assert manifest["dataset"]["kind"] == "folder"
    assert manifest["dataset"]["note"].endswith("question types what 4, isfake 2, isreal 2")
    assert manifest["identity"]["reply"] == "likelihood"
    assert manifest["identity"]["weights"] == manifest["model"]["weights_digest"]
    assert manifest["identity"]["card"]["classifier"]["fake_labels"] == [1]
    assert "training_data" not in manifest["identity"]["card"]
    assert manifest["inference"][0]["details"]["fake_labels"] == ["1"]
    values = {s["metric"]: s["value"] for s in written.scores if s["subgroup"] == "all"}
    assert (values["roc_auc"], values["equal_error_rate"]) == (1.0, 0.0)
    for name in ("summary.md", "index.html"):
        text = (written.folder / name).read_text(encoding="utf-8")
        assert "Trained on: bright images of nobody" in text
        assert "labelled by their directories" in text


def test_a_detector_beside_a_model_that_writes(
    run: Run, detector: Path, referenced: Path, project: Path
) -> None:
    """Over the same data: texts are left out with one reservation, detection is compared."""
    detector.write_text(
        detector.read_text(encoding="utf-8").replace("training_data", "note"), encoding="utf-8"
    )
    data = (f"--data={referenced}", "-n0", "--gates=none")
    assert run(f"--model={detector}", *data).ret == 0
    assert run("--run=writer", *data).ret == 0
    written = read_run(project)
    assert {record["case"]["task"] for record in written.records} == {"detection"}
    assert written.manifest["reservations"] == [
        "Not asked: analysis, interpretation, reasoning; the model lacks the capability text.",
        "It is not known whether bright was trained on images of these generators: its card has no "
        "training_data.",
    ]
    assert run("--model=bright", "--answers=reports/run", "--run=again", *data).ret == 0
    assert read_run(project, "again").scores == written.scores
    compared = call("compare", "reports/writer", "reports/run", cwd=project)
    assert compared.returncode == 0
    assert " 16\n" in compared.stdout  # The paired cases.
    table = call("tables", "reports/writer", "reports/run", cwd=project)
    assert table.returncode == 0
    assert "16 cases that all runs answered" in table.stdout
    assert table.stdout.count("run: It is not known whether bright was trained on images") == 1


@pytest.mark.parametrize(("weight", "doubted"), [(1.0, True), (9.0, False)])
def test_logits_that_look_like_probabilities_are_a_reservation(
    run: Run, photos: Path, project: Path, weight: float, *, doubted: bool
) -> None:
    """The only output of each image lies in 0 to 1, though the card says that it is a logit."""
    graph = write_onnx(project / "one.onnx", [weight])
    lines = ("image_mean = [0, 0, 0]", "image_std = [1, 1, 1]", "fake_labels = [0]")
    card = write_card(project / "one.toml", graph, *lines, 'output = "logits"')
    assert run(f"--model={card}", f"--data={photos}", "-n0", "--gates=none").ret == 0
    reservations = read_run(project).manifest["reservations"]
    assert any("All outputs of one lie in 0 to 1" in text for text in reservations) is doubted


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--model=bright.onnx",), "does not name its outputs"),
        (("--model=bright.toml", "--reading=paper"), "writes no text that --reading=paper"),
        (("--model=bright.toml", "--tasks=analysis"), "cannot be asked analysis"),
    ],
)
@pytest.mark.usefixtures("detector")
def test_a_detector_that_cannot_be_asked_is_a_usage_error(
    run: Run, data: Path, options: tuple[str, ...], message: str
) -> None:
    """In a sentence, before the first case."""
    result = run(*options, f"--data={data}", "-n0", "--gates=none")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


def test_a_detector_that_does_not_load_ends_the_run(run: Run, project: Path, data: Path) -> None:
    """In a sentence too; no case is answered."""
    (project / "broken.onnx").write_bytes(b"no graph")
    write_card(project / "broken.toml", project / "broken.onnx", *SETTINGS)
    result = run("--model=broken.toml", f"--data={data}", "-n0", "--gates=none")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*Interrupted: *broken.onnx is no ONNX file that can be loaded*"])
    assert not (project / "reports").exists()
