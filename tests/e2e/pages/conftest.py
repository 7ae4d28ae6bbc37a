"""Debian's Chromium, without a window."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.conftest import Server
from tests.e2e.pages.tab import DESK, PHONE, Tab

HERE = Path(__file__).parent
CHROMIUM = Path("/usr/bin/chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=15_000)  # A busy machine takes its time.


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A page that hangs ends its process: the exception that ends other tests can leave Playwright waiting for ever."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(180, method="thread"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def tab(browser: Browser, server: Server) -> Iterator[Tab]:
    tab = Tab(browser, server, **DESK)
    yield tab
    tab.close()


@pytest.fixture
def phone(browser: Browser, server: Server) -> Iterator[Tab]:
    tab = Tab(browser, server, **PHONE)
    yield tab
    tab.close()
