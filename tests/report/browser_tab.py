"""Driving a written report in Chromium, and keeping what it looked like."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Dialog, Page, Request, expect

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--process-per-site",
)  # fmt: skip
DESKTOP, PHONE = (1280, 800), (390, 800)
ROW = "#table tbody tr[data-row]"


@dataclass
class Tab:
    """A report in a tab, and every complaint the browser had about it."""

    page: Page
    screenshots: Path
    complaints: list[str] = field(default_factory=list)

    def open(self, report: Path, fragment: str = "") -> None:
        """Load ``report`` from the file system and wait until its data are in."""
        self.page.goto("about:blank")
        self.page.goto(f"{report.resolve().as_uri()}{fragment}")
        self.page.wait_for_selector("html[data-ready]")

    def count_found(self) -> str:
        """The number of records that pass the filters, as the page says it."""
        return self.page.inner_text("#found").split(" ")[0]

    def ids(self) -> Sequence[str]:
        """The ids in the rows in view."""
        return self.page.locator(f"{ROW} td.c-id").all_inner_texts()

    def choose(self, menu: str, value: str) -> None:
        """Choose a filter, and wait until its menu shows it."""
        self.page.select_option(f"#by-{menu}", value)

    def screenshot(self, name: str, *, full_page: bool = False) -> None:
        """Keep a picture of the page, with its plots if the whole of it is asked for."""
        if full_page:
            for plot in self.page.locator(".plot").all():
                plot.scroll_into_view_if_needed()
                expect(plot).to_contain_class("drawn")
            self.page.evaluate("scrollTo(0, 0)")
        self.page.screenshot(path=self.screenshots / f"{name}.png", full_page=full_page)


def open_tab(window: BrowserContext, folder: Path, size: tuple[int, int], theme: str) -> Tab:
    """A tab of that size in a browser that prefers ``theme``, which hears every complaint."""
    page = window.new_page()
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    tab = Tab(page=page, screenshots=folder)
    page.on("console", lambda message: tab.complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: tab.complaints.append(f"error: {error}"))

    def miss(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the test went to another page meanwhile
            tab.complaints.append(f"not found: {request.url}")

    def refuse(dialog: Dialog) -> None:
        tab.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("requestfailed", miss)
    page.on("dialog", refuse)
    return tab


def choose_folder(fallback: Path) -> Path:
    """Where screenshots are kept: FAKEBENCH_ARTIFACTS, or the test's own directory."""
    folder = Path(os.environ.get("FAKEBENCH_ARTIFACTS") or fallback)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
