"""Pages of other origins in a real browser: which may open sockets, and which may read answers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import Server, start

LOGIN = """async ([url, password]) => {
  const body = JSON.stringify({username: "alice", password});
  const login = await fetch(url + "/api/users/login", {
    method: "POST", body, headers: {"Content-Type": "application/json"},
  });
  const headers = {Authorization: `Bearer ${(await login.json()).access_token}`};
  const first = await fetch(url + "/api/users/me", {headers});
  const again = await fetch(url + "/api/users/me", {headers: {...headers, "If-None-Match": first.headers.get("ETag")}});
  return [first.status, again.status, Boolean(again.headers.get("X-Request-Id"))];
}"""
FETCH = """([url]) => fetch(url).then((answer) => answer.status, () => "refused")"""
SOCKET = """([url]) => new Promise((resolve) => {
  const socket = new WebSocket(url.replace("http", "ws") + "/ws/?EIO=4&transport=websocket");
  socket.onmessage = () => resolve("open");
  socket.onerror = () => resolve("refused");
})"""
POLL = "/ws/?EIO=4&transport=polling"


class Blank(BaseHTTPRequestHandler):
    """An empty page at every address; it sets a cookie, which browsers keep for a host whatever the port."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Set-Cookie", "other=1")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def site() -> Iterator[str]:
    """The origin of a server of blank pages."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Blank) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def listed() -> Iterator[str]:
    with site() as origin:
        yield origin


@pytest.fixture(scope="module")
def stranger() -> Iterator[str]:
    with site() as origin:
        yield origin


@pytest.fixture(scope="module")
def opened(listed: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lists one origin."""
    running = start(tmp_path_factory.mktemp("origins") / "data", CHAT_ORIGINS=listed)
    yield running
    assert running.stop() == 0


@contextmanager
def page_of(browser: Browser, origin: str) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(origin)
    yield page
    context.close()


def run(page: Page, script: str, *arguments: str) -> Any:
    return page.evaluate(script, list(arguments))


def test_a_page_of_a_listed_origin_may_do_what_ours_may(browser: Browser, listed: str, opened: Server) -> None:
    """Sockets on both transports, log-in, and answers with the headers that programs need."""
    with page_of(browser, listed) as page:
        assert run(page, SOCKET, opened.http) == "open"
        assert run(page, FETCH, opened.http + POLL) == 200
        assert run(page, LOGIN, opened.http, opened.password) == [200, 304, True]


def test_a_page_of_another_origin_may_nothing(browser: Browser, stranger: str, opened: Server) -> None:
    """Neither open a socket, with the cookies of the host or without, nor read an answer."""
    with page_of(browser, stranger) as page:
        assert run(page, SOCKET, opened.http) == "refused"
        assert run(page, FETCH, opened.http + POLL) == "refused"
        assert run(page, FETCH, opened.http + "/api/users/keys") == "refused"


def test_a_page_without_an_origin_may_nothing(browser: Browser, listed: str, opened: Server) -> None:
    """A sandboxed frame says `null`, even below a page that is listed."""
    with page_of(browser, listed) as page:
        page.set_content("<iframe sandbox='allow-scripts' srcdoc='<p>x</p>'></iframe>")
        frame = page.frame_locator("iframe").locator("p")
        assert frame.evaluate(f"(_, [url]) => ({SOCKET})([url])", [opened.http]) == "refused"


def test_our_own_page_may_poll_with_cookies_of_others(browser: Browser, stranger: str, opened: Server) -> None:
    """What else runs on the same host has set some; the browser says that the page is ours."""
    with page_of(browser, stranger) as page:
        page.goto(opened.http + "/docs")
        assert "other" in run(page, "() => document.cookie")
        assert run(page, FETCH, POLL) == 200
        assert run(page, SOCKET, opened.http) == "open"
