"""Robustness in the report: curves over strength, and the flip beside the original."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect
from plotly import graph_objects as go

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.perturbations import normalize
from fakebench_suite.gates.status import conclude
from fakebench_suite.metrics.scores import score_records
from fakebench_suite.report.headline import make_result
from fakebench_suite.report.html import DatasetImages, write_html_report
from fakebench_suite.report.html.plots.robustness import plot_robustness
from fakebench_suite.report.markdown import write_markdown
from fakebench_suite.report.robustness import ROBUSTNESS_NOTE, robustness_table
from fakebench_suite.report.terminal import format_robustness
from fakebench_suite.types import FlipSearch, Outcome, Record
from tests.factories import CASE, make_manifest, make_perturbed
from tests.report.browser_tab import Tab
from tests.report.fake_runs import write_run

LEVELS = {"original": 10, "identity": 10, "jpeg:90": 9, "jpeg:70": 6, "jpeg:10": 2, "flip": 10,
          "blur:0.5": 10, "blur:1": 8}  # fmt: skip
"""The right ones of ten images at each level."""


def make_ladder() -> list[Record]:
    """The records of ten images at each level."""
    return [
        make_perturbed(
            f"{number}.png", level, Outcome.CORRECT if number < right else Outcome.INCORRECT
        )
        for level, right in LEVELS.items()
        for number in range(10)
    ]


def make_search(flip: str | None) -> Record:
    """The record of a search with this result."""
    record = make_perturbed("0.png", "search", Outcome.INCORRECT if flip else Outcome.CORRECT)
    assert record.answer is not None
    case = replace(record.case, image="0.png@original")
    found = FlipSearch(
        prompts=47, rounds=8, flip=flip, is_minimal=True, original_text="It is a fake one.",
        original_label="fake",
    )  # fmt: skip
    answer = replace(record.answer, text="It is a real one.", search=found)
    return replace(record, case=case, answer=answer)


def test_the_table_has_the_worst_level_of_each_family() -> None:
    """With the noise of asking again before them."""
    (table,) = robustness_table(score_records(make_ladder()))
    rows = {row[0]: row for row in table.rows}
    assert list(rows) == ["identity", "jpeg", "blur", "flip"]
    assert rows["jpeg"][1:3] == ("jpeg:10", "0.200")
    assert rows["jpeg"][3].startswith("-0.800 [")
    assert rows["jpeg"][4].startswith("0.800 [")
    assert rows["blur"][1] == "blur:1"
    assert rows["identity"][1:3] == ("", "1.000")
    assert robustness_table([]) == []


def test_what_the_choice_of_the_worst_level_means_is_said(report: Path) -> None:
    """In terminal, summary and page, below the table; nowhere without one."""
    text = format_robustness(score_records(make_ladder()), colour=False)
    assert text.rstrip().endswith(ROBUSTNESS_NOTE)
    assert format_robustness([], colour=False) == ""
    page = (report.parent / "index.html").read_text(encoding="utf-8")
    assert ROBUSTNESS_NOTE in page
    manifest, scores = make_manifest(), score_records(make_ladder())
    summary = write_markdown(manifest, scores, make_result(manifest, conclude([]), scores))
    assert "its intervals do not allow" in summary


def test_the_curves_go_from_the_original_to_the_strongest() -> None:
    """One pair for each family with several levels, in plotly's schema."""
    plot = plot_robustness(score_records(make_ladder()))
    assert plot is not None
    figure = go.Figure(plot.figure, skip_invalid=False)
    assert [note.text for note in figure.layout.annotations] == ["jpeg", "blur"]
    curves = {(trace.name, trace.xaxis): (list(trace.x), list(trace.y)) for trace in figure.data}
    assert curves["accuracy", "x"] == ([0, 1, 2, 3], [1.0, 0.9, 0.6, 0.2])
    assert curves["flip rate", "x"] == ([1, 2, 3], [pytest.approx(v) for v in (0.1, 0.4, 0.8)])
    assert curves["accuracy", "x2"] == ([0, 1, 2], [1.0, 1.0, 0.8])
    assert list(figure.layout.xaxis.ticktext) == ["original", "90", "70", "10"]
    assert plot_robustness([]) is None


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """The report of a ladder and of one search that found a flip."""
    picture = Image.linear_gradient("L").convert("RGB")
    cases = tuple(replace(CASE, id=f"{n}.png:what", image=f"{n}.png") for n in range(10))
    dataset = Dataset(
        name="own", kind="jsonl", digest="d", cases=cases, open_image=lambda _: picture,
        has_images=lambda: True,
    )  # fmt: skip
    run = write_run(tmp_path / "run", [*make_ladder(), make_search("jpeg:59")])
    return write_html_report(run, images=DatasetImages(dataset))


def test_a_report_that_is_written_again_perturbs_again(report: Path) -> None:
    """Pictures are made from the data set's, which knows of no perturbed ones."""
    names = (report.parent / "report" / "images" / "images.json").read_text(encoding="utf-8")
    assert names.count("@original") == 10
    assert "0.png@jpeg:59" in names
    stored = next((report.parent / "report" / "images").glob("*.png"))
    with Image.open(stored) as thumbnail:
        assert thumbnail.size == normalize(Image.new("RGB", (9, 9))).size


def test_the_flip_stands_beside_the_original(tab: Tab, report: Path) -> None:
    """With both replies; the records can be chosen by their perturbation."""
    tab.open(report, "#view=records&perturbation=search")
    assert tab.count_found() == "1"
    tab.open(report, "#item=0.png%3Awhat%40search")
    item = tab.page.locator("#item")
    expect(item.locator(".pictures img")).to_have_count(2)
    expect(item.locator(".pictures")).to_contain_text("jpeg:59")
    expect(item).to_contain_text("Smallest perturbation that changes the verdict: jpeg:59")
    expect(item).to_contain_text("47 prompts in 8 rounds")
    expect(item.locator(".sides blockquote")).to_have_text(
        ["It is a fake one.", "It is a real one."]
    )
    tab.screenshot("robustness-item")
    tab.open(report)
    expect(tab.page.locator("#plot-robustness svg").first).to_be_visible()
    expect(tab.page.locator("[aria-labelledby=h-robustness]")).to_contain_text("jpeg:10")
    tab.screenshot("robustness-overview", full_page=True)
