"""Pictures that no side has seen before."""

from pathlib import Path

from PIL import Image

from benchmarks.pictures import SIDE, write_sets
from benchmarks.questions import list_analysis, list_mix
from fakebench_suite.datasets.jsonl import load_jsonl
from fakebench_suite.provenance import digest_pixels


def test_no_picture_is_in_two_sets(tmp_path: Path) -> None:
    """Nor in two rounds, though their names are the same."""
    digests = []
    for number in range(2):
        rows = {
            "analysis": list(list_analysis(["0.png"])),
            "mix": list(list_mix(["0.png", "1.png"])),
        }
        seeds = [2 * number, 2 * number + 1]
        paths = write_sets(tmp_path / str(number), rows, seeds=seeds)
        for name, path in paths.items():
            cases = load_jsonl(path).cases
            assert len(cases) == len(rows[name])
            for image in {case.image for case in cases}:
                with Image.open(path.parent / image) as picture:
                    assert picture.size == (SIDE, SIDE)
                    digests.append(digest_pixels(picture).digest)
    assert len(digests) == len(set(digests)) == 6
