"""The list of conversations on the demo page, and what can be done with a conversation."""

from playwright.sync_api import expect

from tests.e2e.pages.tab import Tab, unique
from tests.e2e.pages.talk import choose, enter, group, line, seeded


def test_a_group_is_made_named_anew_and_ended(tab: Tab) -> None:
    """Its members see each change at once; archived it is read-only, erased it is gone."""
    tab.demo()
    name, renamed = unique("Crew"), unique("Better crew")
    choose(tab, 0, "New", "New group")
    dialog = tab.page.get_by_role("dialog", name="New group")
    dialog.get_by_label("Name", exact=True).fill(name)
    dialog.get_by_label("People", exact=True).first.fill("bob")
    dialog.get_by_role("option", name="Bob Rivera").click()
    dialog.get_by_role("button", name="Create").click()
    expect(tab.pane(0).locator(".conversation-head h3")).to_have_text(name)
    enter(tab, 1, name)

    tab.pane(0).locator(".title-button").click()
    settings = tab.page.get_by_role("dialog", name=name)
    settings.get_by_label("Name", exact=True).fill(renamed)
    settings.get_by_label("Topic").fill("Everything")
    settings.get_by_role("button", name="Save").click()
    expect(tab.pane(1).locator(".conversation-head h3")).to_have_text(renamed)
    expect(tab.pane(1).locator(".conversation-head .about")).to_have_text("2 of 2 online · Everything")

    settings.get_by_label("Role of Bob Rivera").select_option("guest")
    expect(tab.pane(1).locator(".talk .why")).to_have_text("You are a guest here, and may only read.")
    settings.get_by_label("Role of Bob Rivera").select_option("admin")
    expect(tab.box(1)).to_be_visible()

    settings.get_by_role("button", name="Archive").click()
    expect(tab.pane(1).locator(".talk .why")).to_contain_text("archived")
    tab.pane(0).locator(".title-button").click()
    settings = tab.page.get_by_role("dialog", name=renamed, exact=True)
    settings.get_by_role("button", name="Unarchive").click()
    expect(tab.box(1)).to_be_visible()
    tab.pane(0).locator(".title-button").click()
    settings.get_by_role("button", name="Delete").click()
    tab.page.get_by_role("dialog", name="Delete").get_by_role("button", name="Delete").click()
    for number in (0, 1):
        expect(line(tab, number, renamed)).to_have_count(0)


def test_a_public_channel_is_found_and_joined_and_left(tab: Tab) -> None:
    """Everybody of the workspace finds it; what was said in it before is there for those who come."""
    alice, _ = seeded(tab)
    name, text = unique("town-square"), unique("First!")
    body = {"type": "channel", "name": name, "visibility": "public", "join_policy": "open"}
    made = alice.call("POST", "/conversations", body)
    alice.send(made["id"], text)
    tab.demo()
    choose(tab, 1, "New", "Browse channels")
    dialog = tab.page.get_by_role("dialog", name="Channels")
    dialog.get_by_label("Find a channel").fill(name)
    dialog.get_by_role("button", name=f"Join {name}").click()
    expect(tab.pane(1).locator(".conversation-head h3")).to_have_text(name)
    expect(tab.message(1, text)).to_have_count(1)
    enter(tab, 0, name)
    expect(tab.pane(0).locator(".conversation-head .about")).to_have_text("2 of 2 online")
    choose(tab, 1, "Conversation menu", "Leave")
    tab.page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(line(tab, 1, name)).to_have_count(0)
    expect(tab.pane(0).locator(".conversation-head .about")).to_have_text("1 of 1 online")


def test_members_are_added_and_removed(tab: Tab) -> None:
    """Who is added has the conversation at once, who is removed loses it."""
    alice, _ = seeded(tab)
    made = group(alice)
    tab.demo()
    enter(tab, 0, made["name"])
    tab.pane(0).locator(".title-button").click()
    settings = tab.page.get_by_role("dialog", name=made["name"])
    settings.get_by_label("Add people").fill("bob")
    settings.get_by_role("option", name="Bob Rivera").click()
    settings.get_by_role("button", name="Add", exact=True).click()
    expect(line(tab, 1, made["name"])).to_have_count(1)
    settings.get_by_role("button", name="Remove Bob Rivera").last.click()
    expect(line(tab, 1, made["name"])).to_have_count(0)
    expect(settings.get_by_role("button", name="Remove Bob Rivera")).to_have_count(0)


def test_invitations_are_accepted_and_declined(tab: Tab) -> None:
    """Somebody who is invited is asked above their list."""
    alice, bob = seeded(tab)
    wanted, unwanted = group(alice), group(alice)
    for made in (wanted, unwanted):
        alice.call("POST", f"/conversations/{made['id']}/invites", {"user_id": bob.id})
    tab.demo()
    asked = tab.pane(1).locator(".invite")
    asked.filter(has_text=unwanted["name"]).get_by_role("button", name="Decline").click()
    expect(asked.filter(has_text=unwanted["name"])).to_have_count(0)
    asked.filter(has_text=wanted["name"]).get_by_role("button", name="Join").click()
    expect(tab.pane(1).locator(".conversation-head h3")).to_have_text(wanted["name"])
    expect(asked).to_have_count(0)


def test_a_link_leads_into_a_conversation(tab: Tab) -> None:
    """Its address is shown once; whoever opens it sees where it leads, and may come in."""
    alice, _ = seeded(tab)
    made = group(alice)
    tab.demo()
    enter(tab, 0, made["name"])
    tab.pane(0).locator(".title-button").click()
    settings = tab.page.get_by_role("dialog", name=made["name"])
    settings.get_by_role("button", name="Make a link").click()
    link = settings.get_by_label("Link", exact=True).input_value()
    tab.page.goto("about:blank")
    tab.page.goto(link)
    invitation = tab.page.get_by_role("dialog", name="Invitation")
    expect(invitation).to_contain_text(f"Alice Martin invites you to {made['name']}")
    invitation.get_by_role("button", name="Join").click()
    expect(tab.pane(1).locator(".conversation-head h3")).to_have_text(made["name"])
    assert "#" not in tab.page.url


def test_what_one_wants_of_a_conversation(tab: Tab) -> None:
    """Favourites are at the top; what is muted, hidden or archived is found under its filter."""
    alice, bob = seeded(tab)
    first, second = group(alice, bob), group(alice, bob)
    tab.demo()
    enter(tab, 1, first["name"])
    choose(tab, 1, "Conversation menu", "Favourite")
    expect(tab.pane(1).locator(".conversations .line").first).to_contain_text(first["name"])
    choose(tab, 1, "Conversation menu", "Mute for 8 hours")
    expect(tab.pane(1).locator(".conversation-head .about")).to_contain_text("muted")
    for item, other in (("Muted", second), ("Favourites", second)):
        tab.pane(1).locator(".more-filters").click()
        tab.page.get_by_role("menuitemcheckbox", name=item).click()
        expect(line(tab, 1, first["name"])).to_have_count(1)
        expect(line(tab, 1, other["name"])).to_have_count(0)
    tab.pane(1).get_by_role("button", name="All", exact=True).click()
    enter(tab, 1, second["name"])
    choose(tab, 1, "Conversation menu", "Hide until the next message")
    expect(line(tab, 1, second["name"])).to_have_count(0)
    tab.pane(1).locator(".more-filters").click()
    tab.page.get_by_role("menuitemcheckbox", name="Hidden").click()
    expect(line(tab, 1, second["name"])).to_have_count(1)
    tab.pane(1).get_by_role("button", name="All", exact=True).click()
    alice.send(second["id"], "Come out")
    expect(line(tab, 1, second["name"])).to_have_count(1)
    bob.call("PATCH", f"/conversations/{first['id']}/preferences", {"favourite": False, "muted_until": None})


def test_unread_conversations_are_counted_and_filtered(tab: Tab) -> None:
    """What is unread is counted at its line, and can be shown alone."""
    alice, bob = seeded(tab)
    read, unread = group(alice, bob), group(alice, bob)
    tab.demo()
    alice.send(unread["id"], "One")
    alice.send(unread["id"], "Two")
    expect(line(tab, 1, unread["name"])).to_contain_text("2 unread")
    tab.pane(1).locator(".filters").get_by_role("button", name="Unread").click()
    expect(line(tab, 1, unread["name"])).to_have_count(1)
    expect(line(tab, 1, read["name"])).to_have_count(0)
    enter(tab, 1, unread["name"])
    expect(line(tab, 1, unread["name"])).not_to_contain_text("unread")


def test_the_list_is_searched_and_walked_by_keyboard(tab: Tab) -> None:
    """Words narrow it down; one line has the focus, the arrows move it, Enter opens."""
    alice, _ = seeded(tab)
    word = unique("Walk").replace(" ", "-")
    names = [alice.call("POST", "/conversations", {"type": "group", "name": f"{word} {n}"})["name"] for n in (1, 2)]
    tab.demo()
    search = tab.pane(0).get_by_label("Find a conversation")
    search.fill(word)
    lines = tab.pane(0).locator(".conversations .line")
    expect(lines).to_have_count(2)
    search.press("ArrowDown")
    expect(lines.nth(0)).to_be_focused()
    tab.page.keyboard.press("ArrowDown")
    expect(lines.nth(1)).to_be_focused()
    expect(lines.nth(0)).to_have_attribute("tabindex", "-1")
    tab.page.keyboard.press("Enter")
    expect(tab.pane(0).locator(".conversation-head h3")).to_have_text(names[0])
    expect(tab.box(0)).to_be_focused()
    search.press("Escape")
    expect(search).to_have_value("")


def test_the_switcher_goes_anywhere(tab: Tab) -> None:
    """Ctrl+K belongs to the pane that was used last; Escape closes, and gives the focus back."""
    alice, bob = seeded(tab)
    made = group(alice, bob)
    tab.demo()
    tab.box(1).focus()
    tab.page.keyboard.press("Control+k")
    dialog = tab.page.get_by_role("dialog", name="Go to")
    tab.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(tab.box(1)).to_be_focused()
    tab.page.keyboard.press("Control+k")
    dialog.get_by_role("combobox").fill(made["name"])
    expect(dialog.get_by_role("option")).to_have_count(1)
    tab.page.keyboard.press("Enter")
    expect(tab.pane(1).locator(".conversation-head h3")).to_have_text(made["name"])
    expect(tab.pane(0).locator(".conversation-head h3")).to_have_text("Bob Rivera")


def test_the_focus_stays_in_a_dialog(tab: Tab) -> None:
    """Tab goes round inside, and never to the page behind."""
    tab.demo()
    choose(tab, 0, "New", "New channel")
    dialog = tab.page.get_by_role("dialog", name="New channel")
    for _ in range(12):
        tab.page.keyboard.press("Tab")
        inside = "document.activeElement === document.body || Boolean(document.activeElement.closest('dialog'))"
        assert tab.page.evaluate(inside)
    tab.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_messages_are_walked_by_keyboard(tab: Tab) -> None:
    """Escape leaves the box for the last message, arrows move on, keys act, Escape comes back."""
    tab.demo()
    texts = [unique(f"Step {number}") for number in range(3)]
    for text in texts:
        tab.write(0, text)
        expect(tab.message(1, text)).to_have_count(1)
    tab.page.keyboard.press("Escape")
    expect(tab.message(0, texts[2])).to_be_focused()
    tab.page.keyboard.press("ArrowUp")
    expect(tab.message(0, texts[1])).to_be_focused()
    tab.page.keyboard.press("r")
    expect(tab.box(0)).to_be_focused()
    expect(tab.pane(0).locator(".talk .context")).to_contain_text(texts[1])
    tab.page.keyboard.press("Escape")
    expect(tab.pane(0).locator(".talk .context")).to_be_hidden()
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("ArrowUp")
    tab.page.keyboard.press("e")
    expect(tab.box(0)).to_have_value(texts[1])
    tab.page.keyboard.press("Escape")
    expect(tab.box(0)).to_have_value("")
