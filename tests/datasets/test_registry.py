"""A place that is not there, or not of the kind that was named, is said to be so."""

from pathlib import Path

import pytest

from fakebench_suite.datasets.registry import open_dataset, parse_data
from fakebench_suite.errors import DataError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loki:pictures/absent", r"There is no .*absent\. Point --data=loki:PATH"),
        ("synthscars:pictrues", r"There is no .*pictrues\. Did you mean .*pictures\?"),
        ("x-aigd:nowhere", "There is no .*nowhere"),
        ("mmfr:nowhere", "There is no .*nowhere"),
        ("fakevlm-fakeclue:nowhere", "There is no .*nowhere"),
        ("fakebench:nowhere", "There is no .*nowhere"),
        ("jsonl:nowhere.jsonl", "There is no .*nowhere.jsonl"),
        ("folder:nowhere:real=a", r"There is no .*nowhere\. Point"),
        ("loki:rows.json", "rows.json is no file of loki, which are called true_or_false.json"),
        ("probe-grounded", "Did you mean --data=probes-grounded?"),
        ("lokki:pictures", "Did you mean --data=loki:pictures?"),
        ("pictrues", "Did you mean .*pictures?"),
        (" ", "has an empty name"),
    ],
)
def test_a_wrong_place_is_named(tmp_path: Path, text: str, message: str) -> None:
    """With the nearest name, of a path or of a kind."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "rows.json").write_text("[]", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        open_dataset(parse_data(text, below=tmp_path))
