"""The demo page as axe sees it: nothing serious in its main states, wide and narrow, light and dark."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Server
from tests.e2e.pages.tab import PHONE, Tab, overflow, unique
from tests.e2e.pages.talk import choose, group, seeded

WIDE = {"viewport": {"width": 1280, "height": 800}}
SHAPES = [(shape, colours) for shape in ("wide", "phone") for colours in ("light", "dark")]


@pytest.fixture(params=SHAPES, ids=[f"{shape}-{colours}" for shape, colours in SHAPES])
def shaped(request: pytest.FixtureRequest, browser: Browser, server: Server) -> Iterator[Tab]:
    shape, colours = request.param
    tab = Tab(browser, server, **(WIDE if shape == "wide" else PHONE), color_scheme=colours, reduced_motion="reduce")
    yield tab
    tab.close()


def check(page: Page, state: str) -> None:
    """Complains about what axe calls serious or critical."""
    found = Axe().run(page).response["violations"]
    grave = [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
    assert not grave, f"{state}: {grave}"
    assert overflow(page) <= 0, state


def test_nothing_serious(shaped: Tab) -> None:
    """The list, a conversation with all that can stand in it, its menus, a thread, and the dialogs."""
    tab, page = shaped, shaped.page
    alice, bob = seeded(tab)
    made = group(alice, bob, topic="What everybody sees")
    text = unique("Everything at once")
    markdown = f"# {text}\n\n- **one**\n- `two` [three](https://example.com)\n\n> four"
    root = alice.send(made["id"], markdown, format="markdown")
    called = {"user_ids": [alice.id], "all": False}
    bob.send(made["id"], "Look at this @alice", mentions=called, reply_to=root["id"])
    bob.send(made["id"], "A reply", thread_root=root["id"])
    bob.call("PUT", f"/{root['id']}/reactions/👍", {})
    bob.call("PUT", f"/{root['id']}/pin", {})
    gone = alice.send(made["id"], "Gone")
    alice.call("DELETE", f"/{gone['id']}")
    other = group(alice)
    bob_asked = group(bob)
    bob.call("POST", f"/conversations/{bob_asked['id']}/invites", {"user_id": alice.id})

    page.goto("/demo")
    pane = tab.pane(0)
    expect(pane.locator(".state")).to_have_attribute("data-state", "connected")
    expect(tab.box(0)).to_be_visible()
    check(page, "the first conversation")
    back = pane.get_by_role("button", name="Back to the list")
    if back.is_visible():
        back.click()
    expect(pane.locator(".invite").filter(has_text=bob_asked["name"])).to_be_visible()
    check(page, "the list")
    touch = page.evaluate("matchMedia('(hover: none)').matches")
    entry = pane.locator(".line").filter(has_text=made["name"])
    entry.tap() if touch else entry.click()
    message = pane.locator(".talk .message").filter(has_text=text).first
    expect(message.locator(".reaction")).to_be_visible()
    check(page, "a conversation")
    head = message.locator(".head")
    head.tap() if touch else head.hover()
    message.get_by_role("button", name="React", exact=True).click()
    check(page, "choosing an emoji")
    page.keyboard.press("Escape")
    message.get_by_role("button", name="More").click()
    check(page, "the menu of a message")
    page.keyboard.press("Escape")
    message.get_by_role("button", name="1 reply").click()
    expect(pane.locator(".thread").get_by_text("A reply", exact=True)).to_be_visible()
    check(page, "a thread")
    pane.get_by_role("button", name="Close the thread").click()
    tab.box(0).press_sequentially("@")
    expect(pane.locator(".talk").get_by_role("option").first).to_be_visible()
    check(page, "completing a mention")
    tab.box(0).fill("")

    def dialog(name: str) -> None:
        expect(page.get_by_role("dialog", name=name)).to_be_visible()
        check(page, name)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)

    pane.locator(".title-button").click()
    expect(page.get_by_label("Role of Bob Rivera")).to_be_visible()
    dialog(made["name"])
    pane.get_by_role("button", name="Pinned messages").click()
    dialog("Pinned messages")
    for menu, item, name in (
        ("New", "New group", "New group"),
        ("New", "Browse channels", "Channels"),
        ("Yours", "How others see you", "How others see you"),
        ("Yours", "Search messages", "Search messages"),
        ("Yours", "Saved messages", "Saved messages"),
        ("Yours", "Planned messages", "Planned messages"),
    ):
        if not pane.get_by_role("button", name=menu, exact=True).is_visible():
            pane.get_by_role("button", name="Back to the list").click()
        choose(tab, 0, menu, item)
        dialog(name)
    page.keyboard.press("Control+k")
    dialog("Go to")
    alice.call("DELETE", f"/conversations/{other['id']}")


def test_nothing_serious_in_the_events(shaped: Tab) -> None:
    """The list of events with one of them open."""
    tab, page = shaped, shaped.page
    page.goto("/demo")
    expect(tab.pane(0).locator(".state")).to_have_attribute("data-state", "connected")
    events = page.locator(".tabs button").nth(2)
    if events.is_visible():
        events.click()
    page.locator(".inspector tbody tr").last.click()
    expect(page.locator(".inspector .detail")).to_be_visible()
    check(page, "the events")
