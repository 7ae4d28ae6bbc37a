"""The demo as two people use it."""

import signal
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.e2e.conftest import start
from tests.e2e.pages.person import log_in, registered
from tests.e2e.pages.tab import DESK, Tab, overflow, unique


def test_messages_are_live_both_ways(tab: Tab) -> None:
    """What one writes the other sees, and the writer sees that it was read."""
    tab.demo()
    for writer, reader in ((0, 1), (1, 0)):
        text = unique("Grüße, привет, 你好 🦊")
        tab.write(writer, text)
        expect(tab.message(reader, text)).to_have_count(1)
        expect(tab.message(writer, text)).to_have_count(1)
        expect(tab.message(writer, text).get_by_label("Read", exact=True)).to_be_visible()


def test_typing_shows_until_sent(tab: Tab) -> None:
    """The other pane says who is typing, and stops when the message comes."""
    tab.demo()
    indicator = tab.pane(1).locator(".talk .typing")
    tab.box(0).press_sequentially("Hello")
    expect(indicator).to_contain_text("is typing")
    text = unique("Hello")
    tab.write(0, text)
    expect(tab.message(1, text)).to_have_count(1)
    expect(indicator.locator(".text")).to_be_empty()


def test_edit_reply_and_delete(tab: Tab) -> None:
    """An edit is seen by both, an answer quotes it, and a deleted message leaves a tombstone."""
    tab.demo()
    before, after, answer = unique("First"), unique("Better"), unique("Agreed")
    tab.write(0, before)
    tab.act(0, before, "Edit")
    tab.write(0, after)
    expect(tab.message(1, after)).to_contain_text("edited")
    expect(tab.message(1, before)).to_have_count(0)

    tab.act(1, after, "Reply")
    tab.write(1, answer)
    expect(tab.message(0, answer).locator(".quote")).to_contain_text(after)

    tombstones = tab.pane(1).locator(".message.deleted")
    count = tombstones.count()
    message = tab.message(0, after).filter(has_not=tab.page.locator(".quote"))
    message.hover()
    message.get_by_role("button", name="More").click()
    tab.page.get_by_role("menuitem", name="Delete").click()
    expect(tombstones).to_have_count(count + 1)
    expect(tab.message(0, answer).locator(".quote")).to_contain_text("Message deleted")


def test_only_the_author_may_change_a_message(tab: Tab) -> None:
    """Others are not offered to edit or delete it, and may report it."""
    tab.demo()
    text = unique("Mine")
    tab.write(0, text)
    menu = tab.page.get_by_role("menuitem")
    for pane, mine in ((0, True), (1, False)):
        tab.act(pane, text, "More")
        expect(tab.message(pane, text).get_by_role("button", name="Edit")).to_have_count(int(mine))
        expect(menu.filter(has_text="Delete")).to_have_count(int(mine))
        expect(menu.filter(has_text="Report")).to_have_count(int(not mine))
        tab.page.keyboard.press("Escape")


def test_a_dropped_connection_resumes(tab: Tab) -> None:
    """While one is cut off nothing is lost in either direction, and nothing comes twice."""
    tab.demo()
    missed, waiting = [unique("Missed"), unique("Missed")], unique("Written offline")
    tab.pane(0).get_by_role("button", name="Drop my connection").click()
    expect(tab.pane(0).locator(".state")).to_have_attribute("data-state", "dropped")
    for text in missed:
        tab.write(1, text)
        expect(tab.message(1, text).get_by_label("Sent", exact=True)).to_be_visible()
    tab.write(0, waiting)
    expect(tab.message(0, waiting).get_by_label("Waiting to be sent")).to_be_visible()
    expect(tab.message(0, missed[0])).to_have_count(0)

    expect(tab.pane(0).locator(".notice")).to_contain_text("Resumed: 2 events replayed", timeout=15_000)
    for text in [*missed, waiting]:
        for number in (0, 1):
            expect(tab.message(number, text)).to_have_count(1)
    for text in missed:
        expect(tab.message(1, text).get_by_label("Read", exact=True)).to_be_visible()
    expect(tab.message(0, waiting).get_by_label("Read", exact=True)).to_be_visible()


def test_both_come_back_after_the_server_was_killed(browser: Browser, tmp_path: Path) -> None:
    """Killed and started again, the server finds both panes where they were; what was written meanwhile arrives."""
    data = tmp_path / "data"
    first = start(data)
    tab = Tab(browser, first, **DESK).demo()
    before, meanwhile = unique("Before"), unique("Meanwhile")
    tab.write(0, before)
    expect(tab.message(1, before)).to_have_count(1)
    first.stop(signal.SIGKILL)
    expect(tab.pane(0).locator(".state")).not_to_have_attribute("data-state", "connected")
    tab.write(0, meanwhile)
    second = start(data, CHAT_HTTP=first.http.removeprefix("http://"))
    try:
        expect(tab.message(1, meanwhile)).to_have_count(1, timeout=30_000)
        expect(tab.message(0, meanwhile).get_by_label("Read", exact=True)).to_be_visible()
        tab.complaints.clear()  # Chromium writes every refused connection to the console
        tab.close()
    finally:
        second.stop()


def test_a_session_that_was_ended_says_so(tab: Tab) -> None:
    """The pane waits; logged in again it goes on where it was, with what was written meanwhile."""
    tab.demo()
    before, meanwhile = unique("Before"), unique("Meanwhile")
    tab.write(0, before)
    expect(tab.message(1, before)).to_have_count(1)
    fetch = tab.page.context.request
    password = fetch.get("/dev/seed").json()["password"]
    tokens = fetch.post("/api/users/login", data={"username": "alice", "password": password}).json()
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    assert fetch.post("/api/users/me/sessions:revokeAll", data={"keep_current": True}, headers=headers).ok

    pane = tab.pane(0)
    expect(pane.locator(".state")).to_have_attribute("data-state", "ended", timeout=15_000)
    expect(pane.get_by_role("alert")).to_contain_text("This session was ended.")
    expect(tab.pane(1).locator(".state")).to_have_attribute("data-state", "connected")
    tab.write(0, meanwhile)
    expect(tab.message(0, meanwhile).get_by_label("Waiting to be sent")).to_be_visible()
    pane.get_by_role("button", name="Log in again").click()
    expect(pane.get_by_role("alert")).to_be_hidden()
    expect(tab.message(1, meanwhile)).to_have_count(1)
    expect(tab.message(0, before)).to_have_count(1)


def test_joining_as_oneself(tab: Tab) -> None:
    """Who is logged in at the account page is named in the bar, and may take one of the panes."""
    page = tab.page
    page.goto("/demo")
    expect(page.locator(".owner")).to_be_hidden()
    expect(page.get_by_role("link", name="Join as yourself")).to_be_hidden()
    log_in(tab, registered(tab, full_name="Ada Lovelace"))
    tab.demo()
    expect(page.locator(".owner")).to_contain_text("Ada Lovelace")
    page.get_by_role("link", name="Join as yourself").click()
    expect(tab.pane(0).get_by_role("heading", level=2)).to_have_text("Ada Lovelace")
    text = unique("Good evening")
    tab.write(0, text)
    expect(tab.message(1, text)).to_have_count(1)
    page.get_by_role("link", name="Back to alice and bob").click()
    expect(tab.pane(0).get_by_role("heading", level=2)).to_have_text("Alice Martin")


def test_sending_twice_makes_one_message(tab: Tab) -> None:
    """The same client id sent two times: one message, and the second answer says so."""
    tab.demo()
    text = unique("Once")
    tab.box(0).fill(text)
    tab.pane(0).get_by_role("button", name="Send twice").click()
    expect(tab.pane(0).locator(".notice")).to_contain_text("stored once")
    expect(tab.message(0, text)).to_contain_text("replayed")
    for number in (0, 1):
        expect(tab.message(number, text)).to_have_count(1)


def test_events_can_be_inspected(tab: Tab) -> None:
    """Each event has its row with place and trace; a click shows the raw JSON, the trace has its page."""
    tab.demo()
    text = unique("Inspect me")
    tab.write(0, text)
    inspector = tab.page.locator(".inspector")
    rows = inspector.locator("tbody tr:not([hidden])")
    inspector.get_by_label("Filter events").fill("message-new")
    expect(rows).to_have_count(2)
    rows.last.click()
    expect(inspector.locator(".detail")).to_contain_text(text)
    trace = rows.last.get_by_role("link")
    with tab.page.context.expect_page() as opened:
        trace.click()
    expect(opened.value.locator("body")).to_contain_text(str(trace.get_attribute("title")))
    inspector.get_by_role("button", name="Clear").click()
    expect(rows).to_have_count(0)


def test_text_is_never_taken_for_html(tab: Tab) -> None:
    """Markup that a user writes is shown as written, in the timeline and in the inspector."""
    tab.demo()
    text = unique("<img src=x onerror=alert(1)><b>bold</b>")
    tab.write(0, text)
    for pane in (0, 1):
        expect(tab.message(pane, text)).to_have_count(1)
        assert tab.message(pane, text).locator(".text").locator("img, b").count() == 0
    assert tab.page.locator(".timeline img, .inspector img").count() == 0


def test_demo_on_a_phone(phone: Tab) -> None:
    """One view at a time, nothing wider than the screen, and a mark on the tab with unread messages."""
    phone.page.goto("/demo")
    tabs = phone.page.locator(".tabs button")
    expect(phone.pane(0).locator(".state")).to_have_attribute("data-state", "connected")
    expect(phone.pane(1)).to_be_hidden()
    text = unique("From the phone")
    phone.write(0, text)
    expect(tabs.nth(1)).to_have_class("unread")
    expect(phone.message(0, text).get_by_label("Delivered", exact=True)).to_be_visible()
    assert overflow(phone.page) == 0
    tabs.nth(1).click()
    expect(phone.message(1, text)).to_be_visible()
    expect(tabs.nth(1)).not_to_have_class("unread")
    tabs.nth(2).click()
    expect(phone.page.locator(".inspector")).to_be_visible()
    assert overflow(phone.page) == 0


def test_a_notice_takes_no_clicks(tab: Tab) -> None:
    """What it says lies below the title, and does not keep anybody from what lies under it."""
    tab.demo()
    tab.pane(0).get_by_role("button", name="Drop my connection").click()
    notice = tab.pane(0).locator(".notice")
    expect(notice).to_contain_text("Resumed")
    title = tab.pane(0).locator(".conversation-head").bounding_box()
    box = notice.bounding_box()
    assert title
    assert box
    assert box["y"] >= title["y"] + title["height"]
    at = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
    assert not tab.page.evaluate("([x, y]) => Boolean(document.elementFromPoint(x, y).closest('.notice'))", at)
