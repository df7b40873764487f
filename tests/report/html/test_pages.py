"""The report in a real browser: overview, filters, search, order, links and keys."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from fakebench_suite.datasets import open_dataset
from fakebench_suite.report.html import DatasetImages, write_html_report
from fakebench_suite.report.thumbnails import ReportImageSize
from fakebench_suite.types import Answer, FinishReason, Outcome, Record, Task, Verdict
from tests.factories import make_answer, make_record
from tests.report.browser_tab import PHONE, ROW, Tab
from tests.report.conftest import OpenTab
from tests.report.fake_runs import make_records, write_run

RECORDS = make_records(100)


def count(**wanted: str) -> str:
    """How many of the hundred records have these fields, as the page writes it."""
    kept = [
        one
        for one in RECORDS
        if all(
            str(getattr(one.verdict if name == "outcome" else one.case, name)) == value
            for name, value in wanted.items()
        )
    ]
    return str(len(kept))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_overview_says_what_was_run(tabs: OpenTab, hundred: Path, theme: str) -> None:
    """Title, reservations, rulings, scores and every plot are there, in the theme asked for."""
    tab = tabs(theme=theme)
    tab.open(hundred)
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
    tab.shoot(f"overview-{theme}", whole=True)
    drawn = {plot.get_attribute("data-plot") for plot in page.locator(".plot:has(svg)").all()}
    assert drawn == {
        "generator", "question_type", "confusion", "criterion", "scores", "calibration", "latency",
    }  # fmt: skip
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) < 200) == (theme == "dark")


def test_plots_load_when_they_are_looked_at(tab: Tab, hundred: Path) -> None:
    """The records view needs no plotting library, so it loads none."""
    tab.open(hundred, "#view=records")
    assert tab.page.evaluate("typeof window.Plotly") == "undefined"


def test_every_filter_leaves_what_it_says(tab: Tab, hundred: Path) -> None:
    """Each menu keeps exactly the records with that value, alone and with others."""
    tab.open(hundred, "#view=records")
    for field, value in {
        "task": "detection", "outcome": "incorrect", "label": "real", "generator": "styleGAN",
        "criterion": "edge", "question_type": "isfake",
    }.items():  # fmt: skip
        tab.choose(field, value)
        assert tab.found() == count(**{field: value})
        tab.choose(field, "")
    tab.choose("task", "analysis")
    tab.choose("label", "fake")
    assert tab.found() == count(task="analysis", label="fake")
    tab.choose("category", "photo")
    inside = [
        one
        for one in RECORDS
        if one.case.task == Task.ANALYSIS
        and one.case.label == "fake"
        and "photo" in (one.case.content_categories or "")
    ]
    assert tab.found() == str(len(inside))
    option = tab.page.locator("#by-label option[value=real]").inner_text()
    tab.choose("label", "real")
    assert option == f"real ({tab.found()})"
    tab.page.click("#clear")
    assert tab.found() == "100"


def test_any_miss_gathers_all_misses(tab: Tab, hundred: Path) -> None:
    """Wrong, unparsed and refused replies can be looked through together."""
    tab.open(hundred, "#view=records&outcome=any+miss")
    assert tab.found() == str(sum(one.verdict.outcome.is_miss for one in RECORDS))


def test_search_reads_whole_replies(tab: Tab, hundred: Path) -> None:
    """A word at the end of a long reply, which no table shows, finds its record alone."""
    tab.open(hundred, "#view=records")
    number = next(place for place, one in enumerate(RECORDS) if one.answer and place > 20)
    tab.page.fill("#search", f"mark {number:05}")
    expect(tab.page.locator("#found")).to_have_text("1 of 100")
    assert list(tab.ids()) == [RECORDS[number].case.id]
    tab.page.fill("#search", "no such words")
    expect(tab.page.locator("#list .dt-empty")).to_have_text("No record passes these filters.")


def test_columns_sort(tab: Tab, hundred: Path) -> None:
    """A click on a heading sorts by it, another the other way round."""
    tab.open(hundred, "#view=records")
    heading = tab.page.locator("#list .dt-scroll-head th.c-id")
    for reverse in (False, True):
        heading.click()
        expect(heading).to_have_attribute("aria-sort", "descending" if reverse else "ascending")
        ids = sorted((one.case.id for one in RECORDS), reverse=reverse)
        expect(tab.page.locator(f"{ROW} td.c-id").first).to_have_text(ids[0])
        assert list(tab.ids()) == ids[: len(tab.ids())]


def test_a_link_leads_to_one_item(tab: Tab, hundred: Path) -> None:
    """The fragment alone opens an item with everything about it, its row marked."""
    record = next(one for one in RECORDS if one.verdict.ratings and one.answer)
    tab.open(hundred, f"#item={record.case.id}")
    item = tab.page.locator("#item")
    expect(item.locator("h2")).to_contain_text(record.case.id)
    expect(item.locator("blockquote").first).to_have_text(record.prompt)
    expect(item.locator(".clues li")).to_have_text("The edge is torn. edge")
    expect(item.locator(".rounds tbody tr")).to_have_count(2)
    expect(item.locator(".rounds")).to_contain_text(record.verdict.ratings[1].reason)
    expect(tab.page.locator("tr.current .c-id")).to_have_text(record.case.id)
    tab.shoot("item")
    address = item.locator(".permalink").get_attribute("href")
    assert address
    tab.open(hundred, address)
    expect(item.locator("h2")).to_contain_text(record.case.id)
    tab.open(hundred, "#item=nothing")
    expect(tab.page.locator("#failure")).to_have_text("There is no item nothing in this run.")


def test_deciding_words_are_marked(tab: Tab, hundred: Path) -> None:
    """What the verdict's reason quotes stands out in the reply, whatever its case."""
    record = next(one for one in RECORDS if one.answer)
    tab.open(hundred, f"#item={record.case.id}")
    marks = tab.page.locator("#item blockquote mark")
    expect(marks.first).to_have_text("It is fake")
    mark = tab.page.evaluate_handle(
        "([reason, reply]) => fakebench.item.highlight(reply, { reason, label: null }).map(String)",
        ["'a.b' and \"it's (c\" contradict each other", "A b, AB; it's (C)!"],
    )
    assert mark.json_value() == [
        "", "[object HTMLElement]", ", AB; ", "[object HTMLElement]", ")!",
    ]  # fmt: skip


def test_keys_walk_through_the_items(tab: Tab, hundred: Path) -> None:
    """j, k and the arrows walk, Escape closes, / searches, ? tells, o and r change the view."""
    tab.open(hundred, "#view=records&task=detection")
    page, title = tab.page, tab.page.locator("#item h2")
    ids = list(tab.ids())
    for key, place in (("j", 0), ("ArrowDown", 1), ("j", 2), ("k", 1), ("ArrowUp", 0), ("k", 0)):
        page.keyboard.press(key)
        expect(title).to_contain_text(ids[place])
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


def test_escape_takes_back_what_came_last(tab: Tab, hundred: Path) -> None:
    """In the search it clears it, filter and address included; elsewhere first the item closes."""
    tab.open(hundred, "#view=records&task=detection")
    page, found = tab.page, count(task="detection")
    page.keyboard.press("/")
    page.keyboard.type("no such words")
    expect(page.locator("#found")).to_have_text("0 of 100")
    page.keyboard.press("Escape")
    expect(page.locator("#search")).not_to_be_focused()
    expect(page.locator("#search")).to_have_value("")
    expect(page.locator("#found")).to_have_text(f"{found} of 100")
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


def test_the_theme_is_switched_and_kept(tab: Tab, hundred: Path) -> None:
    """The button turns light into dark, and the page is dark when opened again."""
    tab.open(hundred)
    tab.page.click("#theme")
    expect(tab.page.locator("html[data-theme=dark]")).to_be_attached()
    tab.open(hundred)
    expect(tab.page.locator("html[data-theme=dark]")).to_be_attached()


def test_a_phone_shows_one_thing_at_a_time(tabs: OpenTab, hundred: Path) -> None:
    """Nothing is wider than the screen; an item covers the list and gives it back."""
    tab = tabs(PHONE)
    for fragment in ("", "#view=records", f"#item={RECORDS[0].case.id}"):
        tab.open(hundred, fragment)
        tab.page.wait_for_timeout(300)
        assert tab.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
        tab.shoot(f"phone{fragment[:5].replace('#', '-')}", whole=not fragment)
    expect(tab.page.locator("#list")).to_be_hidden()
    tab.page.click("#item .close")
    expect(tab.page.locator("#list")).to_be_visible()
    expect(tab.page.locator("#facets")).to_be_hidden()
    tab.page.click("#fold")
    expect(tab.page.locator("#by-task")).to_be_visible()


def test_a_phone_shows_whole_figures_and_ids(tabs: OpenTab, hundred: Path) -> None:
    """No cell of the scores is wider than its table's frame, and no id is cut in the list."""
    tab = tabs(PHONE)
    tab.open(hundred)
    cut = "nodes => nodes.filter(one => one.getBoundingClientRect().right > innerWidth).length"
    assert tab.page.locator(".scores td:visible").evaluate_all(cut) == 0
    tab.open(hundred, "#view=records")
    ids = tab.page.locator(f"{ROW} td.c-id span")
    assert ids.evaluate_all(
        "nodes => nodes.filter(one => one.scrollWidth > one.clientWidth + 1"
        " || one.scrollHeight > one.clientHeight + 1).length"
    ) == 0  # fmt: skip


def test_paper_shows_every_plot_in_light(tabs: OpenTab, hundred: Path) -> None:
    """Printed as soon as it is loaded, from a dark screen, the overview is light and complete."""
    tab = tabs(theme="dark")
    tab.open(hundred)
    plots = tab.page.locator(".plot")
    assert plots.count() == tab.page.locator(".plot.drawn:has(svg)").count() > 0
    tab.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.page.emulate_media(media="print")
    widths = plots.locator(".main-svg").evaluate_all("nodes => nodes.map(one => one.clientWidth)")
    assert max(widths) < 360
    for node, name in (("body", "color"), (".plot text", "fill")):
        style = f"getComputedStyle(document.querySelector('{node}')).{name}"
        assert sum(map(int, re.findall(r"\d+", tab.page.evaluate(style)))) < 300
    tab.shoot("paper")
    tab.page.emulate_media(media="screen")
    tab.page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(tab.page.locator("html[data-theme=dark]")).to_be_attached()


def test_replies_of_one_batch_have_a_latency(tab: Tab, tmp_path: Path) -> None:
    """Where all answers took equally long there is a bar to be seen, and a sentence."""
    records = [
        replace(one, answer=replace(one.answer, seconds=0.25)) for one in RECORDS if one.answer
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
    withheld = Verdict(outcome=Outcome.UNSCORED, reason="the reference is withheld")
    records = {
        "empty": [],
        "one": RECORDS[:1],
        "errors": [replace(one, answer=None, verdict=failed) for one in RECORDS[:5]],
        "unscored": [
            replace(one, verdict=withheld)
            for one in RECORDS
            if one.case.task == Task.INTERPRETATION
        ],
        "one task": [one for one in RECORDS if one.case.task == Task.REASONING],
    }[kind]
    report = write_html_report(write_run(tmp_path / "run", records), images=None)
    tab = tabs(PHONE)
    tab.open(report)
    expect(tab.page.locator("#verdict .outcome")).to_have_text("NOT EVALUATED")
    assert tab.page.locator(".plot:not(.drawn)").count() == 0
    assert tab.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    tab.open(report, "#view=records")
    assert tab.found() == str(len(records))


def test_thoughts_are_folded_and_cut_replies_marked(tab: Tab, tmp_path: Path) -> None:
    """The answer stands alone, thoughts open on demand, and the token limit has a filter."""
    first, second, third = [one for one in RECORDS if one.answer][:3]
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
    tab.shoot("thoughts")
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
    whole = write_run(tmp_path / "full", [record])
    others = [write_html_report(whole, images=images, size=ReportImageSize.FULL)]
    stored = list((whole / "report" / "images").glob("*.png"))
    assert [Image.open(path).tobytes() for path in stored] == [
        Image.open(folder / "large.png").tobytes()
    ]
    page, shown = tab.page, tab.page.locator("#zoom img")
    size = "wanted => document.querySelector('#zoom img').naturalWidth === wanted"
    tab.open(report, f"#item={dataset.cases[0].id}")
    page.locator("#item .frame").click()
    page.wait_for_function(size, arg=900)  # the data lie where they did
    folder.rename(tmp_path / "elsewhere")
    for moved in others:
        tab.open(moved, f"#item={dataset.cases[0].id}")
        assert page.locator("#item figure a").count() == 0
        page.keyboard.press("z")
        page.wait_for_function(size, arg=900)
    fitted = shown.bounding_box()
    assert fitted
    page.keyboard.press("1")
    assert round((shown.bounding_box() or fitted)["width"]) == 900
    page.keyboard.press("+")
    assert round((shown.bounding_box() or fitted)["width"]) == 1350
    page.keyboard.press("0")
    assert shown.bounding_box() == fitted
    tab.shoot("zoom")
    page.keyboard.press("Escape")
    expect(page.locator("#zoom")).to_be_hidden()
    expect(page.locator("#item")).to_be_visible()
    tab.open(report, f"#item={dataset.cases[0].id}")
    page.keyboard.press("z")
    expect(page.locator("#zoom .note")).to_contain_text("a thumbnail of 900")
    page.wait_for_timeout(200)
    assert all("not found" in one or "ERR_FILE_NOT_FOUND" in one for one in tab.complaints)
    tab.complaints.clear()


def test_a_baseline_stands_beside_the_run(tab: Tab, hundred: Path) -> None:
    """Fixed, broken and changed items are counted, filtered, and shown side by side."""
    tab.open(hundred)
    shown = tab.page.locator("#changes li").all_inner_texts()
    counts = {line.split()[0]: line.split()[1] for line in shown}
    assert set(counts) == {"fixed", "broken", "changed"}
    rows = tab.page.locator("#overview .shifts tbody tr")
    expect(rows.first).to_contain_text("detection")
    cells = rows.first.locator("td").all_inner_texts()
    assert float(cells[4]) == pytest.approx(float(cells[3]) - float(cells[2]), abs=0.0015)
    low, _, high = cells[5].partition(" to ")
    assert float(low) <= float(cells[4]) <= float(high)
    tab.page.click("nav a[data-view=comparison]")
    assert tab.found() == "100"
    expect(tab.page.locator("#shifts tbody tr").first).to_be_visible()
    tab.page.click("nav a[data-view=records]")
    expect(tab.page.locator("#shifts")).to_be_hidden()
    tab.page.click("nav a[data-view=comparison]")
    for kind, number in counts.items():
        tab.choose("change", kind)
        assert tab.found() == number
    tab.choose("change", "broken")
    tab.page.locator(ROW).first.click()
    sides = tab.page.locator("#item .sides > div")
    expect(sides).to_have_count(2)
    expect(sides.nth(0).locator(".why .pill")).to_have_text("correct")
    expect(sides.nth(1).locator(".why .pill")).not_to_have_text("correct")
    tab.shoot("comparison")


def test_a_probe_shows_its_box_and_its_twin(tab: Tab, tmp_path: Path) -> None:
    """The planted box lies over the picture at its place, and the untouched twin stands beside."""
    dataset = open_dataset(None)
    cases = dataset.cases[:12]
    verdict = Verdict(outcome=Outcome.CORRECT, reason="'yes'", label="fake")
    answer = Answer(text="Yes.", tokens=1, seconds=0.1, batch_size=1)
    records = [
        Record(case=one, prompt=one.question, answer=answer, verdict=verdict, worker="")
        for one in cases
    ]
    report = write_html_report(write_run(tmp_path / "run", records), images=DatasetImages(dataset))
    forged = next(one for one in cases if one.forged_region)
    assert forged.forged_region
    tab.open(report, f"#item={forged.id}")
    frames = tab.page.locator("#item .frame")
    expect(frames).to_have_count(2)
    for image in frames.locator("img").all():
        image.evaluate("node => node.decode()")
    frame, box = (frames.first.locator(one).bounding_box() for one in ("img", ".over"))
    assert frame
    assert box
    scale = frame["width"] / 128
    assert box["x"] - frame["x"] == pytest.approx(forged.forged_region[0] * scale, abs=2)
    assert box["width"] == pytest.approx(
        (forged.forged_region[2] - forged.forged_region[0]) * scale, abs=4
    )
    tab.shoot("probe")
    tab.page.click("text=open its item")
    expect(tab.page.locator("#item h2")).to_contain_text(f"{forged.paired_image}:")
