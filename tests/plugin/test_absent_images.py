"""Images that the selected cases need and that are not there are named before the first case."""

from pathlib import Path

import pytest

from fakebench_suite.datasets.fakebench import load_fakebench
from fakebench_suite.plugin.absent_images import describe_absent, find_absent
from tests.helpers import read_run
from tests.plugin.sandbox import Run


def test_what_is_wrong_is_found_without_opening(data: Path) -> None:
    """Missing, ambiguous and empty; a file that is no picture is found when it is opened."""
    (data / "fake_images/glide-00.png").unlink()
    (data / "real_images/1.png").write_bytes(b"")
    (data / "real_images/3.png").write_bytes(b"no picture")
    for folder in ("one", "two"):
        (data / folder).mkdir()
        (data / folder / "5.png").write_bytes(b"x")
    (data / "real_images/5.png").unlink()
    dataset = load_fakebench(data)
    absent = find_absent(dataset, dataset.cases)
    assert absent == {"glide-00.png": "missing", "1.png": "empty", "5.png": "ambiguous"}
    assert "glide-00.png" in describe_absent(absent, 16)


@pytest.mark.parametrize("mode", [("-n0",), ("-n2",)], ids=" ".join)
def test_some_are_a_warning_and_errors_of_their_cases(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """The run goes on, and is red for its errors."""
    (data / "fake_images/glide-00.png").unlink()
    result = run(f"--data={data}", "--tasks=detection", *mode)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    lines = result.stdout.lines
    warned = [
        number for number, line in enumerate(lines) if line.startswith("warning: 1 of 16 images")
    ]
    assert len(warned) == 1
    assert "glide-00.png (missing)" in lines[warned[0]]
    assert warned[0] < next(n for n, line in enumerate(lines) if "16/16" in line)
    outcomes = [record["verdict"]["outcome"] for record in read_run(project).records]
    assert outcomes.count("image_error") == 1


@pytest.mark.parametrize("mode", [("-n0",), ("-n2",)], ids=" ".join)
def test_all_end_the_run(run: Run, data: Path, project: Path, mode: tuple[str, ...]) -> None:
    """Nothing is asked where no selected case has its image, though other images are there."""
    for path in data.glob("fake_images/*"):
        path.unlink()
    result = run(f"--data={data}", "--tasks=analysis", *mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "8 of 8 images cannot be opened" in result.stderr.str() + result.stdout.str()
    assert not (project / "reports/run/records.jsonl").exists()


def test_images_of_cases_that_are_not_selected_do_not_count(run: Run, data: Path) -> None:
    """-k leaves them out."""
    (data / "fake_images/glide-00.png").unlink()
    result = run(f"--data={data}", "--tasks=detection", "-k", "vqdm")
    assert result.ret == 0
    assert "cannot be opened" not in result.stdout.str()
