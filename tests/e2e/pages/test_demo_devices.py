"""Somebody on two devices: both panes of the demo are the same person, and stay in step by the feed alone."""

from playwright.sync_api import Request, expect

from tests.e2e.pages.tab import Tab, unique
from tests.e2e.pages.talk import Person, choose, enter, group, line, seeded


def two_devices(tab: Tab) -> None:
    tab.page.goto("/demo?as=alice,alice")
    for number in (0, 1):
        expect(tab.pane(number).locator(".state")).to_have_attribute("data-state", "connected")
        expect(tab.pane(number).locator(".conversations .line").first).to_be_visible()


def opened(tab: Tab) -> tuple[Person, Person, str]:
    """A group of alice and bob, open on both devices."""
    alice, bob = seeded(tab)
    made = group(alice, bob)
    two_devices(tab)
    for number in (0, 1):
        enter(tab, number, made["name"])
    return alice, bob, made["name"]


def test_both_come_to_the_same_without_reading_anew(tab: Tab) -> None:
    """What one writes, edits, reacts to and deletes the other shows; neither reads a list or a page for it."""
    opened(tab)
    reads: list[str] = []

    def note(request: Request) -> None:
        if request.method == "GET" and "/api/messages" in request.url:
            reads.append(request.url)

    tab.page.on("request", note)
    first, edited, gone = unique("One"), unique("Edited"), unique("Gone")
    tab.write(0, first)
    expect(tab.message(1, first)).to_have_count(1)
    tab.act(1, first, "Edit")
    tab.write(1, edited)
    expect(tab.message(0, edited)).to_contain_text("edited")
    tab.act(0, edited, "React with 👍")
    expect(tab.message(1, edited).locator(".reaction")).to_have_attribute("aria-pressed", "true")
    tab.write(1, gone)
    tab.more(0, gone, "Delete")
    for number in (0, 1):
        expect(tab.message(number, gone)).to_have_count(0)
        expect(tab.pane(number).locator(".message.deleted")).to_have_count(1)
    tab.more(0, edited, "Save for later")
    expect(tab.message(1, edited).get_by_label("Saved")).to_be_visible()
    shown = [tab.pane(number).locator(".timeline .text").all_inner_texts() for number in (0, 1)]
    assert shown[0] == shown[1]
    assert reads == []


def test_read_on_one_device_is_read_on_the_other(tab: Tab) -> None:
    """Counts fall together, and what is made unread on one is so on both."""
    alice, bob = seeded(tab)
    made = group(alice, bob)
    group(alice)  # The latest is opened at first.
    two_devices(tab)
    texts = [unique("From Bob"), unique("From Bob")]
    for text in texts:
        bob.send(made["id"], text)
    for number in (0, 1):
        expect(line(tab, number, made["name"])).to_contain_text("2 unread")
    enter(tab, 0, made["name"])
    for number in (0, 1):
        expect(line(tab, number, made["name"])).not_to_contain_text("unread")
    tab.more(0, texts[1], "Mark unread from here")
    for number in (0, 1):
        expect(line(tab, number, made["name"])).to_contain_text("1 unread")


def test_a_draft_goes_along(tab: Tab) -> None:
    """What is begun on one device is gone on with on the other; sent there, it is nowhere a draft any more."""
    _, _, name = opened(tab)
    begun, whole = unique("I was about to"), unique("I was about to say")
    tab.box(0).fill(begun)
    expect(tab.box(1)).to_have_value(begun)
    expect(line(tab, 1, name).locator(".preview")).to_have_text(f"Draft: {begun}")
    tab.box(1).fill(whole)
    expect(tab.box(0)).to_have_value(whole)
    tab.box(0).press("Enter")
    expect(tab.message(1, whole)).to_have_count(1)
    for number in (0, 1):
        expect(tab.box(number)).to_have_value("")
        expect(line(tab, number, name).locator(".preview")).not_to_contain_text("Draft")


def test_preferences_and_new_conversations_go_along(tab: Tab) -> None:
    """A favourite is one on both devices; what one makes or leaves the other has or loses."""
    _, _, name = opened(tab)
    choose(tab, 0, "Conversation menu", "Favourite")
    expect(tab.pane(1).locator(".conversations .line").first).to_contain_text(name)
    choose(tab, 1, "Conversation menu", "Favourite")
    made = unique("Fresh")
    choose(tab, 0, "New", "New group")
    dialog = tab.page.get_by_role("dialog", name="New group")
    dialog.get_by_label("Name", exact=True).fill(made)
    dialog.get_by_role("button", name="Create").click()
    enter(tab, 1, made)
    choose(tab, 0, "Conversation menu", "Leave")
    tab.page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    for number in (0, 1):
        expect(line(tab, number, made)).to_have_count(0)
    expect(tab.pane(1).locator(".notice")).to_contain_text("not in that conversation any more")


def test_devices_that_missed_too_much_read_anew(tab: Tab) -> None:
    """More than a replay tells: they drop what they knew of the conversation, and show what is there now."""
    alice, bob, name = opened(tab)
    conversation = next(each["id"] for each in bob.call("GET", "/conversations")["items"] if each["name"] == name)
    before, last = unique("Before"), unique("The last of many")
    tab.write(0, before)
    expect(tab.message(1, before)).to_have_count(1)
    request = tab.page.context.request
    headers = {"authorization": f"Bearer {alice.token}"}
    assert request.post("/api/users/me/sessions:revokeAll", data={"keep_current": True}, headers=headers).ok
    for number in (0, 1):
        expect(tab.pane(number).locator(".state")).to_have_attribute("data-state", "ended", timeout=15_000)
    for batch in range(21):
        items = [{"conversation_id": conversation, "text": f"Line {batch}.{number}"} for number in range(50)]
        bob.call("POST", ":batchSend", {"items": items})
    bob.send(conversation, last)
    for number in (0, 1):
        tab.pane(number).get_by_role("button", name="Log in again").click()
        expect(tab.pane(number).locator(".notice")).to_contain_text("caught up by sync", timeout=30_000)
        expect(line(tab, number, name).locator(".preview")).to_contain_text(last)
    tab.write(0, unique("Here again"))
    for number in (0, 1):
        tab.pane(number).locator(".talk .timeline").press("End")
        expect(tab.message(number, last)).to_have_count(1)
