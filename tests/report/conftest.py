"""One window of Chromium for all tests of the report, and a fresh tab for each."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect, sync_playwright

from fakebench_suite.report.html import ReportBaseline, write_html_report
from fakebench_suite.workflows.compare import measure_deltas
from tests.report.browser_tab import ARGUMENTS, CHROMIUM, DESKTOP, Tab, choose_folder, open_tab
from tests.report.fake_runs import make_records, write_run

OpenTab = Callable[..., Tab]
_PATIENCE_MS = 30_000
"""Milliseconds that a busy machine may take for what is expected of a page."""


@pytest.fixture(scope="session")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A window of Debian's Chromium that nobody sees.

    An empty page stays open in it: the process that shows the reports goes on from test to test,
    and need not compile their scripts anew.
    """
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not here: apt-get install chromium")
    empty = tmp_path_factory.mktemp("window") / "empty.html"
    empty.write_text("<!doctype html><title>empty</title>", encoding="utf-8")
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        context = browser.new_context()
        context.new_page().goto(empty.as_uri())
        yield context
        browser.close()


@pytest.fixture
def tabs(window: BrowserContext, tmp_path: Path) -> Iterator[OpenTab]:
    """``tabs(size, theme)`` opens a tab; in the end the browser must have had no complaint.

    No tab finds what a report kept in the browser before.
    """
    open_tabs: list[Tab] = []

    def start(size: tuple[int, int] = DESKTOP, theme: str = "light") -> Tab:
        open_tabs.append(open_tab(window, choose_folder(tmp_path), size, theme))
        return open_tabs[-1]

    assert window.pages[0].evaluate("localStorage.length") == 0
    yield start
    for tab in open_tabs:
        tab.page.close()
    window.pages[0].evaluate("localStorage.clear()")
    assert [complaint for tab in open_tabs for complaint in tab.complaints] == []


@pytest.fixture
def tab(tabs: OpenTab) -> Tab:
    """A light tab of a desktop's size."""
    return tabs()


@pytest.fixture(scope="session")
def small_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a hundred made-up records, against a baseline of the same cases."""
    folder = tmp_path_factory.mktemp("hundred")
    rulings = [
        {"gate": "better than chance", "outcome": "pass", "reason": "0.7 is above 0.5."},
        {
            "gate": "replies parsed",
            "outcome": "inconclusive",
            "reason": "400 cases would settle it.",
        },
    ]
    records, earlier = make_records(100), make_records(100, seed=1)
    run = write_run(folder / "run", records, rulings=rulings)
    baseline = write_run(folder / "before", earlier)
    shifts = measure_deltas(earlier, records)
    return write_html_report(
        run, images=None, baseline=ReportBaseline(folder=baseline, shifts=shifts)
    )
