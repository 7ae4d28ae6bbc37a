"""What can be done with messages on the demo page."""

import json
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.e2e.pages.tab import Tab, unique
from tests.e2e.pages.talk import choose, enter, group, line, seeded


def test_markdown_is_shown_as_what_it_means(tab: Tab) -> None:
    """Emphasis, code and links; a link that could do harm is a text."""
    tab.demo()
    word = unique("word")
    tab.write(0, f"**{word}** `code` [here](https://example.com/x) [there](javascript:alert(1))")
    for number in (0, 1):
        text = tab.pane(number).locator(".message").filter(has_text=word).locator(".text")
        expect(text.locator("strong")).to_have_text(word)
        expect(text.locator("code")).to_have_text("code")
        expect(text.locator("a")).to_have_attribute("href", "https://example.com/x")
        expect(text.locator("a")).to_have_count(1)


def test_reactions_come_and_go(tab: Tab) -> None:
    """Both see what was reacted with and by whom; a second click takes it back."""
    tab.demo()
    text = unique("React")
    tab.write(0, text)
    tab.act(1, text, "React")
    tab.page.get_by_role("button", name="party").click()
    reaction = tab.message(0, text).locator(".reaction")
    expect(reaction).to_have_text("🎉1")
    expect(reaction).to_have_attribute("title", "Bob Rivera")
    reaction.click()
    for number in (0, 1):
        expect(tab.message(number, text).locator(".reaction")).to_have_text("🎉2")
        expect(tab.message(number, text).locator(".reaction")).to_have_attribute("aria-pressed", "true")
    for number in (0, 1):
        tab.message(number, text).locator(".reaction").click()
    for number in (0, 1):
        expect(tab.message(number, text).locator(".reaction")).to_have_count(0)


def test_a_deletion_is_taken_back(tab: Tab) -> None:
    """For a while the notice offers to undo it."""
    tab.demo()
    text = unique("Not so fast")
    tab.write(0, text)
    tab.more(0, text, "Delete")
    expect(tab.message(1, text)).to_have_count(0)
    tab.pane(0).locator(".notice").get_by_role("button", name="Undo").click()
    for number in (0, 1):
        expect(tab.message(number, text)).to_have_count(1)


def test_the_last_message_is_edited_and_an_earlier_version_restored(tab: Tab) -> None:
    """The arrow key edits; the history has every version, and a way back to each."""
    tab.demo()
    before, after = unique("Before"), unique("After")
    tab.write(0, before)
    expect(tab.message(1, before)).to_have_count(1)
    tab.box(0).press("ArrowUp")
    expect(tab.box(0)).to_have_value(before)
    tab.write(0, after)
    expect(tab.message(1, after)).to_contain_text("edited")
    tab.more(0, after, "Edit history")
    history = tab.page.get_by_role("dialog", name="Edit history")
    expect(history.locator(".said")).to_have_text([after, before])
    history.get_by_role("button", name="Restore").click()
    for number in (0, 1):
        expect(tab.message(number, before)).to_have_count(1)


def test_threads_stand_beside_the_timeline(tab: Tab) -> None:
    """Replies are counted at their message, shown in the panel of both, and not in the timeline."""
    tab.demo()
    root, first, second = unique("Root"), unique("First"), unique("Second")
    tab.write(0, root)
    tab.act(1, root, "Reply in thread")
    replies = [tab.pane(number).locator(".thread") for number in (0, 1)]
    box = replies[1].locator("textarea")
    box.fill(first)
    box.press("Enter")
    expect(replies[1].get_by_text(first, exact=True)).to_be_visible()
    link = tab.message(0, root).get_by_role("button", name="1 reply")
    link.click()
    expect(replies[0].get_by_text(first, exact=True)).to_be_visible()
    replies[0].locator("textarea").fill(second)
    expect(replies[1].locator(".typing")).to_contain_text("is typing")
    replies[0].locator("textarea").press("Enter")
    expect(replies[1].get_by_text(second, exact=True)).to_be_visible()
    for number in (0, 1):
        replies[number].get_by_role("button", name="Close the thread").click()
        expect(tab.message(number, root).get_by_role("button", name="2 replies")).to_be_visible()
        expect(tab.pane(number).locator(".talk .message").filter(has_text=second)).to_have_count(0)


def test_mentions_are_completed_and_counted(tab: Tab) -> None:
    """What is begun with @ is completed by keyboard; who is called sees it in the list and in the text."""
    alice, bob = seeded(tab)
    made = group(alice, bob)
    tab.demo()
    enter(tab, 0, made["name"])
    box = tab.box(0)
    box.press_sequentially("Look @bo")
    option = tab.pane(0).get_by_role("option", name="Bob Rivera")
    expect(option).to_have_attribute("aria-selected", "true")
    box.press("Tab")
    expect(box).to_have_value("Look @bob ")
    box.press_sequentially("here")
    box.press("Enter")
    expect(line(tab, 1, made["name"])).to_contain_text("1 unread, 1 mention you")
    enter(tab, 1, made["name"])
    expect(tab.pane(1).locator(".mention.me")).to_have_text("@bob")
    expect(line(tab, 1, made["name"])).not_to_contain_text("unread")


def test_pins_and_saved_messages_are_found_again(tab: Tab) -> None:
    """A pin is for everybody, what is saved for oneself; both lead to the message."""
    alice, bob = seeded(tab)
    made = group(alice, bob)
    text = unique("Worth keeping")
    alice.send(made["id"], text)
    tab.demo()
    for number in (0, 1):
        enter(tab, number, made["name"])
    tab.more(0, text, "Pin")
    expect(tab.message(1, text).get_by_label("Pinned")).to_be_visible()
    tab.more(1, text, "Save for later")
    expect(tab.message(1, text).get_by_label("Saved")).to_be_visible()
    expect(tab.message(0, text).get_by_label("Saved")).to_have_count(0)
    tab.pane(1).get_by_role("button", name="Pinned messages").click()
    tab.page.get_by_role("dialog", name="Pinned messages").get_by_text(text).click()
    expect(tab.message(1, text)).to_have_class("message first visited")
    choose(tab, 1, "Yours", "Saved messages")
    saved = tab.page.get_by_role("dialog", name="Saved messages")
    saved.locator(".found").filter(has_text=text).get_by_role("button", name="Remove").click()
    expect(saved.get_by_text(text)).to_have_count(0)
    tab.page.keyboard.press("Escape")
    expect(tab.message(1, text).get_by_label("Saved")).to_have_count(0)


def test_marked_unread_it_stays_so(tab: Tab) -> None:
    """From a message on everything is unread again, until the conversation is opened anew."""
    alice, bob = seeded(tab)
    made = group(alice, bob)
    texts = [unique(f"Line {number}") for number in range(4)]
    for text in texts:
        alice.send(made["id"], text)
    tab.demo()
    enter(tab, 1, made["name"])
    expect(line(tab, 1, made["name"])).not_to_contain_text("unread")
    tab.more(1, texts[2], "Mark unread from here")
    expect(line(tab, 1, made["name"])).to_contain_text("2 unread")
    expect(tab.message(1, texts[2]).locator(".new")).to_be_visible()
    tab.pane(1).locator(".conversations .line").filter(has_text="Alice Martin").click()
    expect(line(tab, 1, made["name"])).to_contain_text("2 unread")
    enter(tab, 1, made["name"])
    expect(line(tab, 1, made["name"])).not_to_contain_text("unread")


def test_planned_messages_are_sent_changed_and_cancelled(tab: Tab) -> None:
    """What is planned stands in a list, can be changed there, and arrives in its time."""
    alice, bob = seeded(tab)
    made = group(alice, bob)
    tab.demo()
    enter(tab, 0, made["name"])
    enter(tab, 1, made["name"])
    text, changed = unique("Later"), unique("Changed")
    tab.box(0).fill(text)
    choose(tab, 0, "How to send", "Send later…")
    dialog = tab.page.get_by_role("dialog", name="Send later")
    dialog.get_by_role("button", name="Tomorrow at 9").click()
    dialog.get_by_role("button", name="Plan it").click()
    expect(tab.pane(0).locator(".notice")).to_contain_text("Will be sent")
    expect(tab.box(0)).to_have_value("")
    choose(tab, 0, "Yours", "Planned messages")
    plans = tab.page.get_by_role("dialog", name="Planned messages")
    plans.locator("li").filter(has_text=text).get_by_role("button", name="Change").click()
    plans.get_by_label("Text").fill(changed)
    plans.get_by_role("button", name="Save").click()
    plans.locator("li").filter(has_text=changed).get_by_role("button", name="Cancel").click()
    expect(plans.get_by_text(changed)).to_have_count(0)
    tab.page.keyboard.press("Escape")
    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    now = unique("Now it is time")
    alice.call("POST", "/scheduled", {"message": {"conversation_id": made["id"], "text": now}, "send_at": soon})
    expect(tab.message(1, now)).to_have_count(1, timeout=20_000)


def test_what_is_not_planned_is_given_back(tab: Tab) -> None:
    """Closing the dialog leaves the text where it was written."""
    tab.demo()
    text = unique("Maybe")
    tab.box(0).fill(text)
    choose(tab, 0, "How to send", "Send later…")
    tab.page.keyboard.press("Escape")
    expect(tab.box(0)).to_have_value(text)
    tab.box(0).fill("")


def test_messages_are_sent_silently_or_for_a_while(tab: Tab) -> None:
    """Both see how it was sent."""
    tab.demo()
    for item, sign in (("Send silently", "Sent silently"), ("Let it disappear after a day", "Disappears")):
        text = unique("Hush")
        tab.box(0).fill(text)
        choose(tab, 0, "How to send", item)
        for number in (0, 1):
            expect(tab.message(number, text).get_by_label(sign)).to_be_visible()


def test_forwarded_messages_say_where_they_come_from(tab: Tab) -> None:
    """Whoever reads it sees who wrote it first."""
    alice, bob = seeded(tab)
    made = group(alice, bob)
    text, comment = unique("News"), unique("Read this")
    alice.send(made["id"], text)
    tab.demo()
    enter(tab, 0, made["name"])
    tab.more(0, text, "Forward")
    dialog = tab.page.get_by_role("dialog", name="Forward")
    dialog.get_by_label("To", exact=True).select_option(label="Bob Rivera")
    dialog.get_by_label("What you say to it").fill(comment)
    dialog.get_by_role("button", name="Forward").click()
    message = tab.pane(1).locator(".message").filter(has_text=comment)
    expect(message.locator(".forwarded")).to_contain_text("Forwarded from Alice Martin")
    expect(message.locator(".forwarded")).to_contain_text(text)


def test_search_finds_and_leads_there(tab: Tab) -> None:
    """Words that were found are marked; a click goes to the message, in whatever conversation."""
    alice, bob = seeded(tab)
    made = group(alice, bob)
    word = unique("zebra").replace(" ", "")
    alice.send(made["id"], f"There was a {word} in the park.")
    for number in range(80):
        alice.send(made["id"], f"Line {number}")
    tab.demo()
    dialog = tab.page.get_by_role("dialog", name="Search messages")
    for _ in range(20):
        choose(tab, 0, "Yours", "Search messages")
        dialog.get_by_label("Search for").fill(word)
        dialog.get_by_label("Search for").press("Enter")
        expect(dialog.locator(".found, .facts:not(:empty)").first).to_be_visible()
        if dialog.locator(".found").count():
            break
        tab.page.keyboard.press("Escape")
    expect(dialog.locator("mark")).to_have_text(word)
    dialog.locator(".found button").first.click()
    expect(tab.pane(0).locator(".conversation-head h3")).to_have_text(made["name"])
    expect(tab.pane(0).locator(".message").filter(has_text=word)).to_be_in_viewport()


def test_reports_reach_the_admins(tab: Tab) -> None:
    """With what is wrong, and in the reporter's words."""
    tab.demo()
    alice, _ = seeded(tab)
    text, words = unique("Bad"), unique("I do not like it")
    tab.write(0, text)
    tab.more(1, text, "Report")
    dialog = tab.page.get_by_role("dialog", name="Report a message")
    dialog.get_by_label("What is wrong").select_option("abuse")
    dialog.get_by_label("In your words").fill(words)
    dialog.get_by_role("button", name="Report").click()
    expect(tab.pane(1).locator(".notice")).to_contain_text("Thank you")
    reports = alice.call("GET", "/reports")["items"]
    assert [each["category"] for each in reports if each["comment"] == words] == ["abuse"], json.dumps(reports)


def test_who_has_read_a_message(tab: Tab) -> None:
    """Members by how far it came; under the last message that each has read stands who they are."""
    alice, bob = seeded(tab)
    made = group(alice, bob)
    tab.demo()
    enter(tab, 0, made["name"])
    text = unique("Has Bob read this?")
    tab.write(0, text)
    expect(tab.message(0, text).get_by_label("Delivered", exact=True)).to_be_visible()
    enter(tab, 1, made["name"])
    expect(tab.message(0, text).get_by_label("Read up to here by Bob Rivera")).to_be_visible()
    tab.more(0, text, "Who has read this")
    dialog = tab.page.get_by_role("dialog", name="Who has read this")
    expect(dialog.get_by_role("heading", level=3)).to_have_text("Read · 1")
    expect(dialog).to_contain_text("Bob Rivera")
