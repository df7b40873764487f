"""The report in a real browser: overview, filters, search, order, links and keys."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from fakebench_suite.datasets import DataSource, open_dataset
from fakebench_suite.datasets.probes.grounded import load_grounded
from fakebench_suite.provenance import digest_pixels
from fakebench_suite.report.html import DatasetImages, write_html_report
from fakebench_suite.report.html.record_index import RECORDS_PER_FILE
from fakebench_suite.report.thumbnails import ReportImageSize
from fakebench_suite.types import (
    Answer,
    FinishReason,
    Outcome,
    Record,
    Region,
    Task,
    Verdict,
)
from tests.datasets.other_benchmarks import write_loki
from tests.factories import make_answer, make_record
from tests.report.browser_tab import PHONE, ROW, Tab
from tests.report.conftest import OpenTab
from tests.report.fake_runs import make_records, write_run

RECORDS = make_records(100)


def count(**filters: str) -> str:
    """How many of the hundred records have these fields, as the page writes it."""
    records = [
        record
        for record in RECORDS
        if all(
            str(getattr(record.verdict if name == "outcome" else record.case, name)) == value
            for name, value in filters.items()
        )
    ]
    return str(len(records))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_overview_says_what_was_run(tabs: OpenTab, small_report: Path, theme: str) -> None:
    """Title, reservations, rulings, scores and every plot are there, in the theme asked for."""
    tab = tabs(theme=theme)
    tab.open(small_report)
    page = tab.page
    expect(page.locator("h1")).to_have_text("nobody on synthetic: 100 cases")
    expect(page.locator("#verdict.inconclusive .outcome")).to_have_text("INCONCLUSIVE")
    expect(page.locator("#verdict .headline")).to_contain_text("balanced accuracy 0.")
    expect(page.locator("#verdict .change")).to_contain_text("against before")
    assert page.title().startswith("INCONCLUSIVE: balanced accuracy 0.")
    page.locator(".meanings summary").click()
    expect(page.locator(".meanings")).to_contain_text("mean of the accuracies on fake and on real")
    expect(page.locator("[aria-label=Reservations]")).to_contain_text("not FakeBench scores")
    expect(page.locator("#gates tbody tr")).to_have_count(2)
    expect(page.locator("#gates .inconclusive")).to_have_text("inconclusive")
    assert page.locator("#overview .reach").count() > 20
    tab.screenshot(f"overview-{theme}", full_page=True)
    plots = {plot.get_attribute("data-plot") for plot in page.locator(".plot:has(svg)").all()}
    assert plots == {
        "generator", "question_type", "confusion", "criterion", "scores", "calibration", "latency",
    }  # fmt: skip
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) < 200) == (theme == "dark")


def test_plots_load_when_they_are_looked_at(tab: Tab, small_report: Path) -> None:
    """The records view needs no plotting library, so it loads none."""
    tab.open(small_report, "#view=records")
    assert tab.page.evaluate("typeof window.Plotly") == "undefined"


def test_every_filter_leaves_what_it_says(tab: Tab, small_report: Path) -> None:
    """Each menu keeps exactly the records with that value, alone and with others."""
    tab.open(small_report, "#view=records")
    for field, value in {
        "task": "detection", "outcome": "incorrect", "label": "real", "generator": "styleGAN",
        "criterion": "edge", "question_type": "isfake",
    }.items():  # fmt: skip
        tab.choose(field, value)
        assert tab.count_found() == count(**{field: value})
        tab.choose(field, "")
    tab.choose("task", "analysis")
    tab.choose("label", "fake")
    assert tab.count_found() == count(task="analysis", label="fake")
    tab.choose("category", "photo")
    records = [
        record
        for record in RECORDS
        if record.case.task == Task.ANALYSIS
        and record.case.label == "fake"
        and "photo" in (record.case.content_categories or "")
    ]
    assert tab.count_found() == str(len(records))
    option = tab.page.locator("#by-label option[value=real]").inner_text()
    tab.choose("label", "real")
    assert option == f"real ({tab.count_found()})"
    tab.page.click("#clear")
    assert tab.count_found() == "100"


def test_any_miss_gathers_all_misses(tab: Tab, small_report: Path) -> None:
    """Wrong, unparsed and refused replies can be looked through together."""
    tab.open(small_report, "#view=records&outcome=any+miss")
    assert tab.count_found() == str(sum(record.verdict.outcome.is_miss for record in RECORDS))


def test_search_reads_whole_replies(tab: Tab, small_report: Path) -> None:
    """A word at the end of a long reply, which no table shows, finds its record alone."""
    tab.open(small_report, "#view=records")
    number = next(index for index, record in enumerate(RECORDS) if record.answer and index > 20)
    tab.page.fill("#search", f"mark {number:05}")
    expect(tab.page.locator("#found")).to_have_text("1 of 100")
    assert list(tab.ids()) == [RECORDS[number].case.id]
    tab.page.fill("#search", "no such words")
    expect(tab.page.locator("#list .dt-empty")).to_have_text("No record passes these filters.")


TYPE_AND_CLICK = """([words, target]) => {
    const search = document.getElementById("search");
    search.value = words;
    search.dispatchEvent(new Event("input"));
    document.querySelector(target).click();
}"""
"""Types words and clicks before the search for them has begun."""


def test_a_click_takes_no_typed_words_back(tab: Tab, small_report: Path) -> None:
    """They are searched, whichever row or menu comes first; who leaves the records, has left."""
    page = tab.page
    number = next(index for index, record in enumerate(RECORDS) if record.answer and index > 20)
    for target in (ROW, "#item [title^=Next]"):
        tab.open(small_report, "#view=records" if target == ROW else f"#item={RECORDS[0].case.id}")
        page.locator(target).first.wait_for()
        page.evaluate(TYPE_AND_CLICK, [f"mark {number:05}", target])
        expect(page.locator("#search")).to_have_value(f"mark {number:05}")
        expect(page.locator("#found")).to_have_text("1 of 100")
        expect(page.locator("#item")).to_be_visible()
        assert f"q=mark+{number:05}" in page.url
    page.evaluate(TYPE_AND_CLICK, ["more", "nav a[data-view=overview]"])
    page.wait_for_timeout(200)
    expect(page.locator("#overview")).to_be_visible()
    page.click("nav a[data-view=records]")
    expect(page.locator("#search")).to_have_value("")
    expect(page.locator("#found")).to_have_text("100 of 100")


def test_reasoning_is_searched(tab: Tab, tmp_path: Path) -> None:
    """That of a server too, which is no part of the reply's text."""
    records = [
        replace(record, answer=replace(record.answer, reasoning=f"thought {number}"))
        for number, record in enumerate(RECORDS[:20])
        if record.answer
    ]
    tab.open(write_html_report(write_run(tmp_path / "run", records), images=None))
    tab.page.goto(f"{tab.page.url}#view=records&q=thought")
    expect(tab.page.locator("#found")).to_have_text(f"{len(records)} of {len(records)}")


def test_a_value_that_no_record_has_is_shown(tab: Tab, small_report: Path) -> None:
    """A link from the report of another run says in the menu why it leaves nothing."""
    tab.open(small_report, "#view=records&generator=another")
    assert tab.count_found() == "0"
    expect(tab.page.locator("#by-generator option:checked")).to_have_text("another (0)")


def test_names_of_data_are_told_apart(tab: Tab, tmp_path: Path) -> None:
    """A generator may be called what stands for none, or differ from another by one sign."""
    records = [
        replace(record, case=replace(record.case, generator=name))
        for record, name in zip(RECORDS, [None, "(none)", "a_b", "a b"], strict=False)
    ]
    tab.open(write_html_report(write_run(tmp_path / "run", records), images=None))
    tab.page.goto(f"{tab.page.url}#view=records&generator=%28none%29")
    expect(tab.page.locator("#found")).to_have_text("1 of 4")
    assert list(tab.ids()) == [records[1].case.id]
    options = tab.page.locator("#by-generator option").all_inner_texts()
    assert options == ["all", "(none) (1)", "a b (1)", "a_b (1)", "((none)) (1)"]


def test_an_item_whose_file_is_missing_is_not_the_one_before(tab: Tab, tmp_path: Path) -> None:
    """The page says what is missing, and shows no other item under this one's address."""
    records = make_records(RECORDS_PER_FILE + 1)
    report = write_html_report(write_run(tmp_path / "run", records), images=None)
    (tmp_path / "run" / "report" / "texts-1.js").unlink()
    tab.open(report, "#view=records")
    page = tab.page
    page.locator(ROW).first.click()
    expect(page.locator("#item h2")).to_be_visible()
    ids = page.evaluate("fakebench.load('index').then((index) => index.values.id)")
    page.goto(f"{report.as_uri()}#view=records&item={ids[-1]}")
    expect(page.locator("#failure")).to_contain_text("texts-1.js is missing")
    expect(page.locator("#item h2")).to_have_count(0)
    assert all("texts-1.js" in text or "ERR_FILE" in text for text in tab.complaints)
    tab.complaints.clear()
    page.click("#item .close")
    expect(page.locator("#item")).to_be_hidden()


def test_columns_sort(tab: Tab, small_report: Path) -> None:
    """A click on a heading sorts by it, another the other way round."""
    tab.open(small_report, "#view=records")
    heading = tab.page.locator("#list .dt-scroll-head th.c-id")
    for reverse in (False, True):
        heading.click()
        expect(heading).to_have_attribute("aria-sort", "descending" if reverse else "ascending")
        ids = sorted((record.case.id for record in RECORDS), reverse=reverse)
        expect(tab.page.locator(f"{ROW} td.c-id").first).to_have_text(ids[0])
        assert list(tab.ids()) == ids[: len(tab.ids())]


def test_a_link_leads_to_one_item(tab: Tab, small_report: Path) -> None:
    """The fragment alone opens an item with everything about it, its row marked."""
    record = next(
        candidate for candidate in RECORDS if candidate.verdict.ratings and candidate.answer
    )
    tab.open(small_report, f"#item={record.case.id}")
    item = tab.page.locator("#item")
    expect(item.locator("h2")).to_contain_text(record.case.id)
    expect(item.locator("blockquote").first).to_have_text(record.prompt)
    expect(item.locator(".clues li")).to_have_text("The edge is torn. edge")
    expect(item.locator(".rounds tbody tr")).to_have_count(2)
    expect(item.locator(".rounds")).to_contain_text(record.verdict.ratings[1].reason)
    expect(tab.page.locator("tr.current .c-id")).to_have_text(record.case.id)
    tab.screenshot("item")
    address = item.locator(".permalink").get_attribute("href")
    assert address
    tab.open(small_report, address)
    expect(item.locator("h2")).to_contain_text(record.case.id)
    tab.open(small_report, "#item=nothing")
    expect(tab.page.locator("#failure")).to_have_text("There is no item nothing in this run.")
    tab.page.locator(ROW).first.click()
    expect(tab.page.locator("#failure")).to_be_hidden()


def test_deciding_words_are_marked(tab: Tab, small_report: Path) -> None:
    """What the verdict's reason quotes stands out in the reply, whatever its case."""
    record = next(candidate for candidate in RECORDS if candidate.answer)
    tab.open(small_report, f"#item={record.case.id}")
    marks = tab.page.locator("#item blockquote mark")
    expect(marks.first).to_have_text("It is fake")
    parts = tab.page.evaluate_handle(
        "([reason, reply]) => fakebench.item.highlight(reply, { reason, label: null }).map(String)",
        ["'a.b' and \"it's (c\" contradict each other", "A b, AB; it's (C)!"],
    )
    assert parts.json_value() == [
        "", "[object HTMLElement]", ", AB; ", "[object HTMLElement]", ")!",
    ]  # fmt: skip


def test_keys_walk_through_the_items(tab: Tab, small_report: Path) -> None:
    """j, k and the arrows walk, Escape closes, / searches, ? tells, o and r change the view."""
    tab.open(small_report, "#view=records&task=detection")
    page, title = tab.page, tab.page.locator("#item h2")
    ids = list(tab.ids())
    for key, index in (("j", 0), ("ArrowDown", 1), ("j", 2), ("k", 1), ("ArrowUp", 0), ("k", 0)):
        page.keyboard.press(key)
        expect(title).to_contain_text(ids[index])
    expect(page.locator("#item .place")).to_have_text(f"1 of {count(task='detection')}")
    page.keyboard.press("Escape")
    expect(page.locator("#item")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("jk?")
    expect(page.locator("#search")).to_have_value("jk?")
    page.keyboard.press("Escape")
    expect(page.locator("#search")).to_have_value("")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("o")
    expect(page.locator("#overview")).to_be_visible()
    page.keyboard.press("r")
    expect(page.locator("#records")).to_be_visible()


def test_escape_takes_back_what_came_last(tab: Tab, small_report: Path) -> None:
    """In the search it clears it, filter and address included; elsewhere first the item closes."""
    tab.open(small_report, "#view=records&task=detection")
    page, count_text = tab.page, count(task="detection")
    page.keyboard.press("/")
    page.keyboard.type("no such words")
    expect(page.locator("#found")).to_have_text("0 of 100")
    page.keyboard.press("Escape")
    expect(page.locator("#search")).not_to_be_focused()
    expect(page.locator("#search")).to_have_value("")
    expect(page.locator("#found")).to_have_text(f"{count_text} of 100")
    assert "q=" not in page.url
    page.keyboard.press("/")
    page.keyboard.type("fake")
    page.keyboard.press("Enter")
    expect(page.locator("#search")).not_to_be_focused()
    page.keyboard.press("j")
    expect(page.locator("#item")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#item")).to_be_hidden()
    assert "q=fake" in page.url
    page.keyboard.press("Escape")
    expect(page.locator("#search")).to_have_value("")
    assert "q=" not in page.url
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("clear the search")


def test_the_theme_is_switched_and_kept(tab: Tab, small_report: Path) -> None:
    """The button turns light into dark, and the page is dark when opened again."""
    tab.open(small_report)
    tab.page.click("#theme")
    expect(tab.page.locator("html[data-theme=dark]")).to_be_attached()
    tab.open(small_report)
    expect(tab.page.locator("html[data-theme=dark]")).to_be_attached()


def test_a_phone_shows_one_thing_at_a_time(tabs: OpenTab, small_report: Path) -> None:
    """Nothing is wider than the screen; an item covers the list and gives it back."""
    tab = tabs(PHONE)
    for fragment in ("", "#view=records", f"#item={RECORDS[0].case.id}"):
        tab.open(small_report, fragment)
        tab.page.wait_for_timeout(300)
        assert tab.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
        tab.screenshot(f"phone{fragment[:5].replace('#', '-')}", full_page=not fragment)
    expect(tab.page.locator("#list")).to_be_hidden()
    tab.page.click("#item .close")
    expect(tab.page.locator("#list")).to_be_visible()
    expect(tab.page.locator("#facets")).to_be_hidden()
    tab.page.click("#fold")
    expect(tab.page.locator("#by-task")).to_be_visible()


def test_a_phone_shows_whole_figures_and_ids(tabs: OpenTab, small_report: Path) -> None:
    """No cell of the scores is wider than its table's frame, and no id is cut in the list."""
    tab = tabs(PHONE)
    tab.open(small_report)
    cut = "nodes => nodes.filter(one => one.getBoundingClientRect().right > innerWidth).length"
    assert tab.page.locator(".scores td:visible").evaluate_all(cut) == 0
    tab.open(small_report, "#view=records")
    ids = tab.page.locator(f"{ROW} td.c-id span")
    assert ids.evaluate_all(
        "nodes => nodes.filter(one => one.scrollWidth > one.clientWidth + 1"
        " || one.scrollHeight > one.clientHeight + 1).length"
    ) == 0  # fmt: skip


def test_paper_shows_every_plot_in_light(tabs: OpenTab, small_report: Path) -> None:
    """Printed as soon as it is loaded, from a dark screen, the overview is light and complete."""
    tab = tabs(theme="dark")
    tab.open(small_report)
    plots = tab.page.locator(".plot")
    assert plots.count() == tab.page.locator(".plot.drawn:has(svg)").count() > 0
    tab.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.page.emulate_media(media="print")
    widths = plots.locator(".main-svg").evaluate_all("nodes => nodes.map(one => one.clientWidth)")
    assert max(widths) < 360
    for node, name in (("body", "color"), (".plot text", "fill")):
        style = f"getComputedStyle(document.querySelector('{node}')).{name}"
        assert sum(map(int, re.findall(r"\d+", tab.page.evaluate(style)))) < 300
    tab.screenshot("paper")
    tab.page.emulate_media(media="screen")
    tab.page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(tab.page.locator("html[data-theme=dark]")).to_be_attached()


def test_paper_has_every_selected_record(tab: Tab, small_report: Path) -> None:
    """Also those that are not in view, as many as the page says are found."""
    tab.open(small_report, "#view=records&task=analysis")
    page, rows = tab.page, tab.page.locator("#sheet tbody tr")
    expect(rows).to_have_count(0)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert str(rows.count()) == tab.count_found() == count(task="analysis")
    assert int(tab.count_found()) > 50
    expect(rows.last).to_be_visible()
    expect(page.locator("#list .dt-container")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollHeight") > 1000
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 in its margins: nothing is cut off
    assert page.evaluate("document.querySelector('#sheet table').offsetWidth") <= 718
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(rows).to_have_count(0)


def test_replies_of_one_batch_have_a_latency(tab: Tab, tmp_path: Path) -> None:
    """Where all answers took equally long there is a bar to be seen, and a sentence."""
    records = [
        replace(record, answer=replace(record.answer, seconds=0.25))
        for record in RECORDS
        if record.answer
    ]
    tab.open(write_html_report(write_run(tmp_path / "run", records), images=None))
    figure = tab.page.locator("figure:has(#plot-latency)")
    expect(figure).to_contain_text("0.25 s for every answer")
    figure.locator(".drawn").wait_for()
    bar = figure.locator(".bars path").first.bounding_box()
    assert bar
    assert bar["width"] > 4
    assert figure.locator(".xtick").count() > 0


@pytest.mark.parametrize("kind", ["empty", "one", "errors", "unscored", "one task"])
def test_small_runs_have_a_whole_report(tabs: OpenTab, tmp_path: Path, kind: str) -> None:
    """Nothing is missing, cut or complained of where there is little or nothing to show."""
    failed = Verdict(outcome=Outcome.MODEL_ERROR, reason="out of memory")
    unscored = Verdict(outcome=Outcome.UNSCORED, reason="the reference is withheld")
    records = {
        "empty": [],
        "one": RECORDS[:1],
        "errors": [replace(record, answer=None, verdict=failed) for record in RECORDS[:5]],
        "unscored": [
            replace(record, verdict=unscored)
            for record in RECORDS
            if record.case.task == Task.INTERPRETATION
        ],
        "one task": [record for record in RECORDS if record.case.task == Task.REASONING],
    }[kind]
    report = write_html_report(write_run(tmp_path / "run", records), images=None)
    tab = tabs(PHONE)
    tab.open(report)
    expect(tab.page.locator("#verdict .outcome")).to_have_text("NOT EVALUATED")
    assert tab.page.locator(".plot:not(.drawn)").count() == 0
    assert tab.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    tab.open(report, "#view=records")
    assert tab.count_found() == str(len(records))


def test_thoughts_are_folded_and_cut_replies_marked(tab: Tab, tmp_path: Path) -> None:
    """The answer stands alone, thoughts open on demand, and the token limit has a filter."""
    first, second, third = [record for record in RECORDS if record.answer][:3]
    texts = ("<think>Is it real? It is real.</think>\nIt is fake.", "<think>It is fake, or")
    run = [
        replace(first, answer=replace(make_answer(texts[0]), finish_reason=FinishReason.STOP)),
        replace(
            second,
            answer=replace(make_answer(texts[1]), finish_reason=FinishReason.LENGTH),
            verdict=Verdict(outcome=Outcome.TRUNCATED, reason="no verdict before the token limit"),
        ),
        third,
    ]
    report = write_html_report(write_run(tmp_path / "run", run), images=None)
    tab.open(report)
    expect(tab.page.locator("#cut-off")).to_contain_text("1 reply was cut off")
    tab.page.click("#cut-off a")
    assert list(tab.ids()) == [second.case.id]
    tab.open(report, f"#item={first.case.id}")
    item = tab.page.locator("#item")
    expect(item.locator("blockquote:visible").last).to_have_text("It is fake.")
    expect(item.locator(".thoughts blockquote")).to_be_hidden()
    item.locator("summary").click()
    expect(item.locator(".thoughts blockquote")).to_contain_text("Is it real?")
    tab.screenshot("thoughts")
    tab.choose("ending", "cut off at the token limit")
    assert list(tab.ids()) == [second.case.id]
    tab.choose("ending", "")
    tab.choose("outcome", "truncated")
    assert list(tab.ids()) == [second.case.id]
    tab.page.locator(ROW).click()
    expect(item.locator(".cut")).to_have_text("cut off at the token limit")
    expect(item).to_contain_text("no text outside its reasoning")


def test_pictures_zoom(tab: Tab, tmp_path: Path) -> None:
    """A click or z shows the whole picture in the window, keys scale it, Escape goes back."""
    folder = tmp_path / "data"
    folder.mkdir()
    Image.effect_noise((900, 600), 80).convert("RGB").save(folder / "large.png")
    line = {"id": "large", "task": "detection", "image": "large.png", "question": "Fake?"}
    (folder / "cases.jsonl").write_text(json.dumps(line), encoding="utf-8")
    dataset = open_dataset(folder / "cases.jsonl")
    record = replace(make_record("a", Outcome.CORRECT), case=dataset.cases[0])
    images = DatasetImages(dataset)
    report = write_html_report(write_run(tmp_path / "thumbnail", [record]), images=images)
    run = write_run(tmp_path / "full", [record])
    reports = [write_html_report(run, images=images, size=ReportImageSize.FULL)]
    stored = list((run / "report" / "images").glob("*.png"))
    assert [Image.open(path).tobytes() for path in stored] == [
        Image.open(folder / "large.png").tobytes()
    ]
    page, zoomed = tab.page, tab.page.locator("#zoom img")
    tab.open(report, f"#item={dataset.cases[0].id}")
    page.locator("#item .frame").click()
    expect(zoomed).to_have_js_property("naturalWidth", 900)  # the data lie where they did
    folder.rename(tmp_path / "elsewhere")
    for report_path in reports:
        tab.open(report_path, f"#item={dataset.cases[0].id}")
        assert page.locator("#item figure a").count() == 0
        page.keyboard.press("z")
        expect(zoomed).to_have_js_property("naturalWidth", 900)
    fitted = zoomed.bounding_box()
    assert fitted
    page.keyboard.press("1")
    assert round((zoomed.bounding_box() or fitted)["width"]) == 900
    page.keyboard.press("+")
    assert round((zoomed.bounding_box() or fitted)["width"]) == 1350
    page.keyboard.press("0")
    assert zoomed.bounding_box() == fitted
    tab.screenshot("zoom")
    page.keyboard.press("Escape")
    expect(page.locator("#zoom")).to_be_hidden()
    expect(page.locator("#item")).to_be_visible()
    tab.open(report, f"#item={dataset.cases[0].id}")
    page.keyboard.press("z")
    expect(page.locator("#zoom .note")).to_contain_text("a thumbnail of 900")
    page.wait_for_timeout(200)
    assert all(
        "not found" in complaint or "ERR_FILE_NOT_FOUND" in complaint
        for complaint in tab.complaints
    )
    tab.complaints.clear()


def test_a_baseline_stands_beside_the_run(tab: Tab, small_report: Path) -> None:
    """Fixed, broken and changed items are counted, filtered, and shown side by side."""
    tab.open(small_report)
    lines = tab.page.locator("#changes li").all_inner_texts()
    counts = {line.split()[0]: line.split()[1] for line in lines}
    assert set(counts) == {"fixed", "broken", "changed"}
    rows = tab.page.locator("#overview .shifts tbody tr")
    expect(rows.first).to_contain_text("detection")
    cells = rows.first.locator("td").all_inner_texts()
    assert float(cells[4]) == pytest.approx(float(cells[3]) - float(cells[2]), abs=0.0015)
    low, _, high = cells[5].partition(" to ")
    assert float(low) <= float(cells[4]) <= float(high)
    tab.page.click("nav a[data-view=comparison]")
    assert tab.count_found() == "100"
    expect(tab.page.locator("#shifts tbody tr").first).to_be_visible()
    tab.page.click("nav a[data-view=records]")
    expect(tab.page.locator("#shifts")).to_be_hidden()
    tab.page.click("nav a[data-view=comparison]")
    for kind, number in counts.items():
        tab.choose("change", kind)
        assert tab.count_found() == number
    tab.choose("change", "broken")
    tab.page.locator(ROW).first.click()
    sides = tab.page.locator("#item .sides > div")
    expect(sides).to_have_count(2)
    expect(sides.nth(0).locator(".why .pill")).to_have_text("correct")
    expect(sides.nth(1).locator(".why .pill")).not_to_have_text("correct")
    tab.screenshot("comparison")


def test_two_images_and_outlines_of_regions_are_shown(tab: Tab, tmp_path: Path) -> None:
    """Both pictures in order; every region is drawn at its place and described."""
    dataset = open_dataset(DataSource(kind="loki", path=write_loki(tmp_path / "loki")))
    polygon = ((10.0, 8.0), (50.0, 8.0), (30.0, 40.0))
    drawn = Region(
        box=(10, 8, 50, 40), polygons=(polygon,), category="texture", description="It melts."
    )
    cases = [
        replace(case, regions=(*case.regions, drawn)) if case.regions else case
        for case in dataset.cases
    ]
    records = [
        Record(
            case=case,
            prompt=case.question,
            answer=make_answer("A"),
            verdict=Verdict(outcome=Outcome.CORRECT, reason="'A'", label="A"),
            worker="",
        )
        for case in cases
    ]
    report = write_html_report(write_run(tmp_path / "run", records), images=DatasetImages(dataset))
    pair = next(case for case in cases if case.second_image)
    tab.open(report, f"#item={pair.id}")
    frames = tab.page.locator("#item .frame")
    expect(frames).to_have_count(2)
    expect(tab.page.locator("#item figcaption").nth(1)).to_contain_text("image 2 64 \u00d7 48")
    sources = [image.get_attribute("src") for image in frames.locator("img").all()]
    assert len(set(sources)) == 2
    expect(tab.page.locator("#item .facts")).to_contain_text("A: The first one. B: The second one.")
    expect(tab.page.locator("#item .facts")).to_contain_text("expected choiceB")

    marked = next(case for case in cases if case.regions)
    tab.open(report, f"#item={marked.id}")
    expect(frames).to_have_count(1)
    expect(frames.locator("rect.over")).to_have_count(1)
    expect(frames.locator("polygon.over")).to_have_attribute("points", "10,8 50,8 30,40")
    frame, outline = (
        frames.locator(selector).bounding_box() for selector in ("img", "polygon.over")
    )
    assert frame
    assert outline
    scale = frame["width"] / 64
    # The joints of its line reach beyond its points.
    assert outline["x"] - frame["x"] == pytest.approx(10 * scale, abs=6)
    assert outline["width"] == pytest.approx(40 * scale, abs=12)
    clues = tab.page.locator("#item section:has(h3:text-is('Regions')) li")
    expect(clues).to_have_text(["The canapé floats oddly.", "It melts. texture"])
    frames.first.click()
    expect(tab.page.locator("#zoom polygon.over")).to_be_visible()
    tab.screenshot("regions")


def test_a_probe_shows_its_box_and_its_twin(tab: Tab, tmp_path: Path) -> None:
    """The planted box lies over the picture at its place, and the untouched twin stands beside."""
    dataset = open_dataset(None)
    cases = dataset.cases[:12]
    verdict = Verdict(outcome=Outcome.CORRECT, reason="'yes'", label="fake")
    answer = Answer(text="Yes.", tokens=1, seconds=0.1, batch_size=1)
    records = [
        Record(case=case, prompt=case.question, answer=answer, verdict=verdict, worker="")
        for case in cases
    ]
    report = write_html_report(write_run(tmp_path / "run", records), images=DatasetImages(dataset))
    forged = next(case for case in cases if case.regions)
    left, _, right, _ = forged.regions[0].box
    tab.open(report, f"#item={forged.id}")
    frames = tab.page.locator("#item .frame")
    expect(frames).to_have_count(2)
    for image in frames.locator("img").all():
        image.evaluate("node => node.decode()")
    frame, box = (frames.first.locator(selector).bounding_box() for selector in ("img", ".over"))
    assert frame
    assert box
    scale = frame["width"] / 128
    assert box["x"] - frame["x"] == pytest.approx(left * scale, abs=2)
    assert box["width"] == pytest.approx((right - left) * scale, abs=4)
    expect(tab.page.locator("#item")).to_contain_text("1 token · 0.100 s")
    tab.screenshot("probe")
    tab.choose("task", "detection")
    tab.page.click("text=open its item")
    expect(tab.page.locator("#item h2")).to_contain_text(f"{forged.paired_image}:")
    expect(tab.page.locator("#by-task")).to_have_value("detection")


def test_claims_and_boxes_of_a_reply_are_shown(tab: Tab, tmp_path: Path) -> None:
    """What was claimed, found and missed, whether its place is right, and boxes on the picture."""
    dataset = load_grounded(1)
    texts = {
        Task.REASONING: "The edge is unnatural. The texture is unnatural in the upper left corner.",
        Task.POINTING: "[0, 0, 0.5, 0.5]",
    }
    boxes = {Task.POINTING: ((0.0, 0.0, 64.0, 64.0), (32.0, 32.0, 32.0, 32.0))}
    cases = [case for case in dataset.cases if case.regions and case.task in texts]
    records = [
        Record(
            case=replace(case, intact_criteria=("edge",)),
            prompt=case.question,
            answer=make_answer(texts[case.task]),
            verdict=Verdict(outcome=Outcome.CORRECT, reason="", boxes=boxes.get(case.task, ())),
            worker="",
            pixels=digest_pixels(dataset.open_image(case)),
        )
        for case in cases
    ]
    report = write_html_report(write_run(tmp_path / "run", records), images=DatasetImages(dataset))
    tab.open(report, f"#item={cases[0].id}")
    claims = tab.page.locator("#item .claims li")
    expect(claims).to_have_text(["texture found upper left, wrong", "edge hallucinated"])
    tab.screenshot("claims")
    tab.open(report, f"#item={cases[-1].id}")
    expect(tab.page.locator("#item .frame").first.locator("rect.answered")).to_have_count(2)
    expect(tab.page.locator("#item .frame svg").first).to_have_attribute(
        "aria-label", re.compile("box of the reply 0, 0, 64, 64; box of the reply 32, 32, 32, 32")
    )
    tab.screenshot("boxes")
