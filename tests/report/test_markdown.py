"""summary.md: what has to be said beside the scores, and names that stay text."""

from collections.abc import Sequence

from fakebench_suite.gates.status import conclude
from fakebench_suite.report.headline import make_result
from fakebench_suite.report.markdown import write_markdown
from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.types import Score, Task
from tests.factories import make_manifest

SETTINGS: dict[str, object] = {
    "dataset": {"kind": "probes", "name": "probes"},
    "model": {"name": "m", "card": {"note": "a note"}},
    "recorded": 3,
    "errors": 1,
    "partial": ["sampled", "interrupted"],
}
MANIFEST = make_manifest(**SETTINGS)


def summarize(manifest: Manifest, scores: Sequence[Score]) -> str:
    """The summary of a run without gates."""
    return write_markdown(manifest, scores, make_result(manifest, conclude([]), scores))


def test_the_summary_says_every_reservation() -> None:
    """Probes, the card's note, a partial run and errors are said above the table."""
    text = summarize(MANIFEST, [])
    for words in (
        "not FakeBench scores",
        "a note",
        "PARTIAL RUN (sampled, interrupted)",
        "(not part of any accuracy): 1.",
    ):
        assert words in text


def test_hostile_names_stay_text_in_the_summary() -> None:
    """A generator's name cannot break the table or add a link, a tag or a line to it."""
    name = "generator=a|b\n<script>x</script> [c](http://d) `e`"
    scores = [
        Score(
            metric="accuracy", task=Task.DETECTION, subgroup=subgroup, value=1, low=0, high=1, n=n
        )
        for subgroup, n in (("all", 3), (name, 2))
    ]
    text = summarize(MANIFEST, scores)
    folded = text[text.index("<details>") : text.index("</details>")]
    assert len(folded.splitlines()) == 6  # title, rules and one row, however many lines a name has
    row = folded.splitlines()[-2]
    assert row.count("|") == 7
    assert "<script" not in text
    assert "](" not in text
    assert "`" not in row
    model = {"name": f"m\n# {name}", "card": {"note": "a\nnote"}}
    summary = summarize(make_manifest(**SETTINGS | {"model": model}), scores[:1])
    assert len(summary.splitlines()) == len(summarize(MANIFEST, scores[:1]).splitlines())
    assert "<script" not in summary


def test_names_are_not_emphasised() -> None:
    """Underscores and tildes around a name are kept, and those inside a word are no entities."""
    model = {"name": "_a_b_ ~~c~~", "card": {"note": ""}}
    title = summarize(make_manifest(**SETTINGS | {"model": model}), []).splitlines()[0]
    assert title.startswith("# &#95;a_b&#95; &#126;&#126;c&#126;&#126; on probes")
    assert "balanced_accuracy" in summarize(
        MANIFEST,
        [Score(metric="balanced_accuracy", task=Task.DETECTION, subgroup="all", value=1, low=0,
               high=1, n=3)],
    )  # fmt: skip


def test_github_makes_no_links_of_a_name() -> None:
    """Mentions, issue numbers and bare addresses are broken up; the words stay."""
    model = {"name": "@everyone #1 http://a.b www.c.d", "card": {"note": ""}}
    text = summarize(make_manifest(**SETTINGS | {"model": model}), [])
    for link in ("@everyone", "#1", "://", "www."):
        assert link not in text
    assert text.replace("\u2060", "").startswith("# @everyone #1 http://a.b www.c.d on probes")
