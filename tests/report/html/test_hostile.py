"""Whatever a model, a data file, a file name or a judge says stays text."""

import json
from dataclasses import replace
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect

from fakebench_suite.datasets import open_dataset
from fakebench_suite.report.html import DatasetImages, ReportBaseline, write_html_report
from fakebench_suite.types import Answer, Clue, Outcome, Rating, Record, Verdict
from tests.factories import make_answer
from tests.report.browser_tab import ROW, Tab
from tests.report.fake_runs import make_records, write_run

EVIL = (
    "<img src=x onerror=alert(1)></script><script>alert(2)</script>\u2028\"'`${alert(3)}"
    "{{7*7}}<a href='javascript:alert(4)'>x</a>&lt;b&gt;%{x}\u202e\ufffd"
)
HALF = f"{EVIL}\ufffd"
PICTURE = "\"'<img src=x onerror=alert(5)>#?%2e&.png"


def make_hostile(folder: Path) -> Path:
    """A report in which every text is hostile, over an image whose file name is."""
    folder.mkdir()
    Image.new("RGB", (400, 300), (90, 120, 150)).save(folder / PICTURE)
    line = {"id": "a", "task": "detection", "image": PICTURE, "question": "Fake or real?"}
    (folder / "cases.jsonl").write_text(json.dumps(line), encoding="utf-8")
    images = DatasetImages(open_dataset(folder / "cases.jsonl"))
    original = next(candidate for candidate in make_records(30) if candidate.verdict.ratings)
    case = replace(
        original.case,
        id=EVIL,
        image=PICTURE,
        question=EVIL,
        generator=EVIL,
        criterion=EVIL,
        content_categories=EVIL,
        expected=(Clue(text=EVIL, criterion=EVIL),),
    )
    rating = Rating(completeness=2, preciseness=2, relevance=2, reason=EVIL)
    record = Record(
        case=case,
        prompt=EVIL,
        answer=Answer(text=EVIL, tokens=1, seconds=1, batch_size=1, p_fake=0.5),
        verdict=Verdict(
            outcome=Outcome.CORRECT,
            reason=EVIL,
            label=EVIL,
            score=2.0,
            judge=EVIL,
            ratings=(rating,),
        ),
        worker=EVIL,
    )
    second_record = replace(record, case=replace(case, id="__proto__", generator="constructor"))
    run = write_run(
        folder / "run",
        [record, second_record],
        dataset={"kind": "jsonl", "name": HALF, "digest": HALF, "cases": 2},
        model={"name": HALF, "card": {"note": HALF}},
        judge={"label": HALF, "text": HALF},
        versions={HALF: HALF},
    )
    result = {
        "outcome": "fail", "reason": HALF, "headline": None, "change": None, "baseline": HALF,
        "partial": HALF,
        "gates": {"file": HALF, "named": False, "digest": HALF, "count": 1, "evaluated": 1},
        "results": [{"gate": HALF, "outcome": HALF, "reason": HALF}],
    }  # fmt: skip
    (run / "gates.json").write_text(json.dumps(result), encoding="utf-8")
    before = replace(record, answer=make_answer(f"before {EVIL}"))
    baseline = write_run(folder / EVIL.replace("/", ""), [before, second_record])
    return write_html_report(run, images=images, baseline=ReportBaseline(folder=baseline))


def test_hostile_texts_stay_text_on_the_overview(tab: Tab, tmp_path: Path) -> None:
    """No script runs, no tag is born, no dialog opens; half a surrogate pair shows as U+FFFD."""
    tab.open(make_hostile(tmp_path / "data"))
    cells = tab.page.locator("#gates tbody td")
    for cell in cells.all_text_contents():
        assert cell == f"{EVIL}\ufffd"
    for css_class in ("reason", "pill"):
        assert "<img src=x onerror" in tab.page.locator(f"#verdict .{css_class}").inner_text()
    tab.screenshot("hostile-overview", full_page=True)
    assert tab.page.locator("#overview img, #overview script, .plot a").count() == 0
    assert tab.page.locator("#overview a[href^='javascript']").count() == 0
    expect(tab.page.locator(".plot", has_text="<img src=x").first).to_be_visible()


def test_hostile_texts_stay_text_among_the_records(tab: Tab, tmp_path: Path) -> None:
    """In menus, table and item every character is as it was said, and the picture is found."""
    report = make_hostile(tmp_path / "data")
    tab.open(report, "#view=records")
    page = tab.page
    expect(page.locator(ROW)).to_have_count(2)
    assert EVIL in page.locator(f"{ROW} td.c-id").all_text_contents()
    page.select_option("#by-criterion", index=1)
    expect(page.locator("#found")).to_have_text("2 of 2")
    page.fill("#search", "no such words")
    expect(page.locator("#found")).to_have_text("0 of 2")  # The rows are drawn anew.
    page.fill("#search", "javascript:alert(4)")
    expect(page.locator("#found")).to_have_text("2 of 2")
    page.locator(ROW, has_text="__proto__").click()
    expect(page.locator("#item h2")).to_contain_text("__proto__")
    page.locator(ROW, has_text="<img").first.click()
    item = page.locator("#item")
    expect(item.locator("h2")).to_contain_text("<img src=x")
    quotes = item.locator("blockquote").all_text_contents()
    assert quotes == [EVIL, f"before {EVIL}", EVIL]
    for selector in (".clues li", ".rounds .prose", ".why", ".facts"):
        assert EVIL in (item.locator(selector).last.text_content() or "")
    pictures = item.locator("img")
    expect(pictures).to_have_count(1)
    pictures.evaluate("node => node.decode()")
    tab.screenshot("hostile-item")
    page.keyboard.press("z")
    expect(page.locator("#h-zoom")).to_contain_text(PICTURE)
    expect(page.locator("#zoom img")).to_have_js_property("naturalWidth", 400)


def test_the_policy_forbids_inline_code(tab: Tab, small_report: Path) -> None:
    """The policy allows the report's own files only, and the browser obeys it."""
    tab.open(small_report)
    policy = tab.page.locator("meta[http-equiv]").get_attribute("content") or ""
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'")
    tab.page.evaluate(
        "() => { const one = document.createElement('script'); one.textContent = 'window.ran = 1';"
        " document.body.append(one); }"
    )
    assert tab.page.evaluate("window.ran") is None
    assert len(tab.complaints) == 1
    assert "Content Security Policy" in tab.complaints.pop()
