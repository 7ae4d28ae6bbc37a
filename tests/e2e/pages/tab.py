"""A browser tab as the tests of the pages drive it."""

import os
from typing import Any, Self

from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import Server

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESK = {"viewport": {"width": 1440, "height": 900}}


class Tab:
    """One browser tab; what its console complains about fails the test."""

    def __init__(self, browser: Browser, server: Server, **context: Any) -> None:
        self._context = browser.new_context(base_url=server.http, **context)
        self.page = self._context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    def demo(self) -> Self:
        self.page.goto("/demo")
        for number in (0, 1):
            expect(self.pane(number).locator(".state")).to_have_attribute("data-state", "connected")
            expect(self.box(number)).to_be_visible()
        return self

    def pane(self, number: int) -> Locator:
        return self.page.locator(".pane").nth(number)

    def write(self, number: int, text: str) -> None:
        box = self.box(number)
        box.fill(text)
        box.press("Enter")

    def box(self, number: int) -> Locator:
        """Where one writes in the open conversation."""
        return self.pane(number).locator(".talk textarea")

    def message(self, number: int, text: str) -> Locator:
        return self.pane(number).locator(".message").filter(has=self.page.get_by_text(text, exact=True))

    def act(self, number: int, text: str, name: str) -> None:
        """Clicks a button of the toolbar of a message."""
        message = self.message(number, text)
        message.hover()
        message.get_by_role("button", name=name, exact=True).click()

    def more(self, number: int, text: str, name: str) -> None:
        """Chooses from the menu of a message."""
        self.act(number, text, "More")
        self.page.get_by_role("menuitem", name=name, exact=True).click()

    def forgive(self, *statuses: int) -> None:
        """Chromium writes every refusal to the console: those that were wanted are no complaints."""
        wanted = tuple(f"Failed to load resource: the server responded with a status of {each}" for each in statuses)
        self.complaints = [text for text in self.complaints if not text.startswith(wanted)]

    def close(self) -> None:
        self._context.close()
        assert self.complaints == []


def unique(text: str) -> str:
    """All tests of a worker share one conversation."""
    return f"{text} {os.urandom(4).hex()}"


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))
