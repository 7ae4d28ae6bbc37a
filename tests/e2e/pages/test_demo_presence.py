"""How people are, as the demo shows it."""

from playwright.sync_api import Browser, Locator, expect

from tests.e2e.conftest import Server
from tests.e2e.pages.tab import DESK, Tab
from tests.e2e.pages.talk import choose, enter, group, line, seeded

BOB = "Bob Rivera"


def about(tab: Tab, number: int) -> Locator:
    """The line below the title of the open conversation."""
    return tab.pane(number).locator(".conversation-head .about")


def show_as(tab: Tab, number: int, status: str, message: str = "", emoji: str = "") -> None:
    """Sets how the person of a pane is seen."""
    choose(tab, number, "Yours", "How others see you")
    dialog = tab.page.get_by_role("dialog", name="How others see you")
    dialog.get_by_label("You are").select_option(status)
    dialog.get_by_label("Message").fill(message)
    dialog.get_by_label("Emoji").fill(emoji)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)


def test_each_sees_how_the_other_is(tab: Tab) -> None:
    """Online in the title and in the list; what one says of oneself is there for the other at once."""
    tab.demo()
    for number in (0, 1):
        expect(about(tab, number)).to_have_text("online")
    entry = line(tab, 0, BOB).first
    expect(entry).to_contain_text("online")
    expect(entry.locator(".dot")).to_have_attribute("data-state", "online")

    show_as(tab, 1, "busy", "Do not knock", "🎧")
    expect(about(tab, 0)).to_have_text("busy · 🎧 Do not knock")
    expect(entry.locator(".dot")).to_have_attribute("data-state", "busy")
    expect(tab.pane(1).locator(".state")).to_have_text("Connected · busy · 🎧 Do not knock")
    show_as(tab, 1, "invisible")
    expect(about(tab, 0)).to_contain_text("last seen")
    expect(tab.pane(1).locator(".state")).to_have_text("Connected · invisible")
    show_as(tab, 1, "available")
    expect(about(tab, 0)).to_have_text("online")


def test_a_group_says_how_many_are_online(tab: Tab) -> None:
    """Also after the connection was cut: whom to hear of is said anew."""
    alice, bob = seeded(tab)
    made = group(alice, bob)
    tab.demo()
    enter(tab, 0, made["name"])
    expect(about(tab, 0)).to_have_text("2 of 2 online")
    tab.pane(0).get_by_role("button", name="Drop my connection").click()
    expect(about(tab, 0)).to_have_text("2 members")
    expect(about(tab, 0)).to_have_text("2 of 2 online")


def test_who_is_gone_was_last_seen(tab: Tab, browser: Browser, server: Server) -> None:
    """Somebody whose last device is gone is offline for the others, and online as soon as one is there again."""
    alice, bob = seeded(tab)
    alice.call("POST", "/conversations", {"type": "dm", "member_ids": [bob.id]})
    tab.page.goto("/demo?as=alice,alice")
    enter(tab, 0, BOB)
    for _ in range(2):
        other = Tab(browser, server, **DESK)
        other.page.goto("/demo?as=bob,bob")
        expect(about(tab, 0)).to_have_text("online")
        other.close()
        expect(about(tab, 0)).to_contain_text("last seen")
        expect(line(tab, 0, BOB).first.locator(".dot")).to_have_attribute("data-state", "offline")
