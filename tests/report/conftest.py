"""One Chromium for all tests of the report, and a fresh tab for each."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from fakebench_suite.report.browser import write_browser
from fakebench_suite.runs.comparing import measure_shifts
from tests.report.browsing import ARGUMENTS, CHROMIUM, DESKTOP, Tab, choose_folder, open_tab
from tests.report.synthetic import make_records, write_run

OpenTab = Callable[..., Tab]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def tabs(chromium: Browser, tmp_path: Path) -> Iterator[OpenTab]:
    """``tabs(size, theme)`` opens a tab; in the end the browser must have had no complaint."""
    opened = []

    def start(size: tuple[int, int] = DESKTOP, theme: str = "light") -> Tab:
        opened.append(open_tab(chromium, choose_folder(tmp_path), size, theme))
        return opened[-1][1]

    yield start
    for context, _ in opened:
        context.close()
    assert [complaint for _, tab in opened for complaint in tab.complaints] == []


@pytest.fixture
def tab(tabs: OpenTab) -> Tab:
    """A light tab of a desktop's size."""
    return tabs()


@pytest.fixture(scope="session")
def hundred(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a hundred made-up records, against a baseline of the same cases."""
    place = tmp_path_factory.mktemp("hundred")
    rulings = [
        {"gate": "better than chance", "ruling": "pass", "reason": "0.7 is above 0.5."},
        {
            "gate": "replies parsed",
            "ruling": "inconclusive",
            "reason": "400 cases would settle it.",
        },
    ]
    records, earlier = make_records(100), make_records(100, seed=1)
    run = write_run(place / "run", records, rulings=rulings)
    baseline = write_run(place / "before", earlier)
    shifts = measure_shifts(earlier, records)
    return write_browser(run, images=None, baseline=baseline, shifts=shifts)
