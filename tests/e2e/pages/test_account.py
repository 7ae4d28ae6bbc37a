"""The account page as its owner uses it: from signing up to erasing the account."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.e2e.conftest import Server
from tests.e2e.pages.person import (
    PASSWORD,
    Person,
    api,
    fill_log_in,
    link_in_mail,
    log_in,
    open_form,
    registered,
    section,
    somebody,
    totp,
)
from tests.e2e.pages.tab import DESK, Tab

CONFIRM, RESET = "Confirm your mail address", "Set a new password"


@pytest.fixture
def other(browser: Browser, server: Server) -> Iterator[Tab]:
    """Another browser."""
    tab = Tab(browser, server, **DESK)
    yield tab
    tab.close()


def test_signing_up_and_confirming_the_address(tab: Tab) -> None:
    """A new account gets a mail; its link confirms the address, once; the page of the owner tells."""
    person, page = somebody(), tab.page
    page.goto("/account")
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Username").fill(person.username)
    page.get_by_label("Mail address").fill(person.email)
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_label("Full name").fill("Ada Lovelace")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")
    expect(page.get_by_role("main")).to_contain_text(person.email)
    expect(page.get_by_role("link", name="the outbox")).to_be_visible()

    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_role("button", name="Log in").click()
    section(tab, "Security")
    expect(page.get_by_text("Not confirmed yet")).to_be_visible()

    link = link_in_mail(tab, person, CONFIRM)
    beside = page.context.new_page()
    beside.goto(link)
    expect(beside.get_by_role("status")).to_contain_text("your address is confirmed")
    assert beside.url.endswith("/account/verify")
    assert "token" not in beside.evaluate("location.href + JSON.stringify(history.state)")
    expect(page.get_by_text("Confirmed", exact=True)).to_be_visible(timeout=15_000)

    beside.goto(link)
    expect(beside.get_by_role("alert")).to_contain_text("has ended, or was used before")


def test_what_is_wrong_is_said_at_its_field(tab: Tab) -> None:
    """Before anything is sent, and as the server says it; the cursor is put where it is to be corrected."""
    page = tab.page
    taken = registered(tab)
    page.goto("/account#sign-up")
    username, password = page.get_by_label("Username"), page.get_by_label("Password", exact=True)
    page.get_by_role("button", name="Sign up").click()
    expect(username).to_be_focused()
    expect(username).to_have_accessible_description("Please fill this in.")

    username.fill(taken.username)
    page.get_by_label("Mail address").fill("nobody")
    password.press_sequentially("1234567")
    expect(password).to_have_accessible_description("One more character.")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_label("Mail address")).to_have_accessible_description("That is not a mail address.")
    expect(password).to_have_accessible_description("At least 8 characters.")

    page.get_by_label("Mail address").fill(somebody().email)
    password.fill("password")
    page.get_by_role("button", name="Sign up").click()
    expect(password).to_have_accessible_description("This is one of the passwords that are tried first.")
    expect(password).to_be_focused()
    password.fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(username).to_have_accessible_description("That name is taken.")
    expect(username).to_be_focused()
    tab.forgive(400, 409)


def test_a_wrong_password_is_told_in_words(tab: Tab) -> None:
    """Above the button, to be read aloud; the right one then opens the account."""
    person = registered(tab)
    tab.page.goto("/account")
    fill_log_in(tab.page, Person(person.username, person.email, "another one"))
    expect(tab.page.get_by_role("alert")).to_have_text("The name or the password is not right.")
    fill_log_in(tab.page, Person(person.email, person.email))
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("Profile")
    tab.forgive(401)


def test_limits_are_counted_down(tab: Tab) -> None:
    """Who tries too often sees how long to wait; the button rests meanwhile, and then works."""
    page = tab.page
    refused = {"status": 429, "code": "RATE_LIMITED", "detail": "Slowly.", "errors": [], "retry_after_s": 2}
    calls: list[str] = []

    def refuse(route: Route) -> None:
        calls.append("login")
        route.fulfill(status=429, json=refused)

    page.route("**/api/users/login", refuse)
    page.goto("/account")
    fill_log_in(page, somebody())
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Try again in 0:0")
    button = page.get_by_role("button", name="Log in", exact=True)
    expect(button).to_have_attribute("aria-disabled", "true")
    button.click(force=True)
    expect(alert).to_be_hidden()
    expect(button).to_have_attribute("aria-disabled", "false")
    assert calls == ["login"]
    button.click()
    expect(alert).to_be_visible()
    assert calls == ["login"] * 2
    tab.forgive(429)


def test_a_locked_name_does_not_lock_another(tab: Tab) -> None:
    """After too many failures the name has to wait, and is told of the mail; another name need not."""
    page = tab.page
    locked = {"status": 429, "code": "LOGIN_LOCKED", "detail": "Locked.", "errors": [], "retry_after_s": 900}
    page.route("**/api/users/login", lambda route: route.fulfill(status=429, json=locked))
    page.goto("/account")
    fill_log_in(page, somebody())
    expect(page.get_by_role("alert")).to_contain_text("A mail with a link that unlocks it is on its way.")
    expect(page.get_by_role("alert")).to_contain_text("Try again in 1")
    page.unroute("**/api/users/login")
    fill_log_in(page, registered(tab))
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
    tab.forgive(429)


def test_a_forgotten_password(tab: Tab) -> None:
    """A link sets a new one, which opens the account; nobody learns whether an address has one."""
    person, page = registered(tab), tab.page
    for address in (somebody().email, person.email):
        page.goto("/account")
        page.get_by_role("link", name="Forgot your password?").click()
        page.get_by_label("Mail address").fill(address)
        page.get_by_role("button", name="Send me a link").click()
        expect(page.get_by_role("main")).to_contain_text(f"If there is an account with the address {address}")
    page.goto(link_in_mail(tab, person, RESET))
    assert page.url.endswith("/account/reset")
    page.get_by_label("New password", exact=True).fill("quite another one")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("status")).to_contain_text("Your new password is set")
    log_in(tab, Person(person.username, person.email, "quite another one"))


def test_a_link_that_is_cut_off(tab: Tab) -> None:
    """Says so, and does not ask for a password in vain."""
    for path in ("/account/verify", "/account/reset", "/account/unlock"):
        tab.page.goto(path)
        expect(tab.page.get_by_role("alert")).to_contain_text("The link is not whole.")


def test_unlocking(tab: Tab) -> None:
    """The link of the mail is used at once; when that does not go through it can be tried again."""
    page = tab.page
    sent: list[str] = []

    def use(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or "")["token"])
        route.abort() if len(sent) == 1 else route.fulfill(status=204)

    page.route("**/api/users/unlock", use)
    page.goto("/account/unlock#token=t-1")
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("status")).to_contain_text("Your account is unlocked")
    assert sent == ["t-1", "t-1"]
    tab.complaints = [text for text in tab.complaints if "ERR_FAILED" not in text]


def test_the_profile_is_changed(tab: Tab) -> None:
    """What is saved is shown at once, after a reload, and to others; the session goes on over the reload."""
    person, page = registered(tab), tab.page
    log_in(tab, person)
    page.get_by_label("Full name").fill("Augusta Ada King")
    page.get_by_label("About you").fill("Notes on the engine.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("form", name="Profile").get_by_role("status")).to_have_text("Saved.")
    expect(page.locator("aside")).to_contain_text("Augusta Ada King")
    page.reload()
    expect(page.get_by_label("About you")).to_have_value("Notes on the engine.")
    seen = api(tab, person, "GET", "/api/users/me").json()
    assert (seen["full_name"], seen["bio"]) == ("Augusta Ada King", "Notes on the engine.")


def test_a_change_from_elsewhere_is_not_overwritten(tab: Tab) -> None:
    """Who saves over a newer profile is told, keeps what was written, and sees what is new."""
    person, page = registered(tab, full_name="Ada"), tab.page
    log_in(tab, person)
    page.get_by_label("Full name").fill("Ada Byron")
    api(tab, person, "PATCH", "/api/users/me", data={"bio": "From elsewhere."})
    form = page.get_by_role("form", name="Profile")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("status")).to_contain_text("changed somewhere else meanwhile")
    expect(page.get_by_label("Full name")).to_have_value("Ada Byron")
    expect(page.get_by_label("About you")).to_have_value("From elsewhere.")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("status")).to_have_text("Saved.")
    seen = api(tab, person, "GET", "/api/users/me").json()
    assert (seen["full_name"], seen["bio"]) == ("Ada Byron", "From elsewhere.")
    tab.forgive(412)


def test_the_status_is_set_and_cleared(tab: Tab) -> None:
    """An emoji, a few words, and when it ends."""
    person, page = registered(tab), tab.page
    log_in(tab, person)
    page.get_by_role("textbox", name="Status").fill("At the engine")
    page.get_by_role("button", name="Use 🎧").click()
    page.get_by_label("How long").select_option("For an hour")
    page.get_by_role("button", name="Set status").click()
    expect(page.locator(".now")).to_contain_text("🎧 At the engine")
    expect(page.locator(".now")).to_contain_text("ends in")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".now")).to_have_text("You have no status.")
    assert api(tab, person, "GET", "/api/users/me").json()["status"] is None


def test_ending_a_session_closes_it_elsewhere(tab: Tab, other: Tab) -> None:
    """The list shows every session; the browser whose session is ended comes back to the log-in, and says why."""
    person = registered(tab)
    log_in(tab, person, "#sessions")
    log_in(other, person)
    rows = tab.page.get_by_role("list", name="Sessions").get_by_role("listitem")
    expect(rows).to_have_count(2, timeout=15_000)
    expect(rows.first).to_contain_text("This device")
    expect(rows.last).to_contain_text("Chrome on Linux")
    rows.last.get_by_role("button").click()
    expect(rows).to_have_count(1)
    expect(other.page.get_by_role("heading", level=1)).to_have_text("Log in", timeout=15_000)
    expect(other.page.get_by_text("Your session was ended.")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Log out")).to_be_visible()
    other.forgive(401)


def test_a_new_password_ends_all_other_sessions(tab: Tab, other: Tab) -> None:
    """The session that changed it goes on; the old password opens nothing any more."""
    person = registered(tab)
    log_in(tab, person, "#security")
    log_in(other, person)
    form = open_form(tab, "Change password", "Password")
    form.get_by_label("Present password", exact=True).fill("not this one")
    form.get_by_label("New password", exact=True).fill("quite another one")
    form.get_by_role("button", name="Set the new password").click()
    expect(form.get_by_label("Present password", exact=True)).to_have_accessible_description(
        "That is not your password."
    )
    form.get_by_label("Present password", exact=True).fill(person.password)
    form.get_by_role("button", name="Set the new password").click()
    expect(form.get_by_role("status")).to_contain_text("Your password is changed")
    expect(other.page.get_by_role("heading", level=1)).to_have_text("Log in", timeout=15_000)
    fill_log_in(other.page, person)
    expect(other.page.get_by_role("alert")).to_be_visible()
    fill_log_in(other.page, Person(person.username, person.email, "quite another one"))
    expect(other.page.get_by_role("button", name="Log out")).to_be_visible()
    section(tab, "Sessions")
    tab.forgive(400, 401, 403, 409)
    other.forgive(401)


def test_another_mail_address(tab: Tab) -> None:
    """It takes the place of the old one once the link that is sent there is used."""
    person, new = registered(tab), somebody().email
    log_in(tab, person, "#security")
    form = open_form(tab, "Change address", "Mail address")
    form.get_by_label("New mail address").fill(new)
    form.get_by_label("Password", exact=True).fill(person.password)
    form.get_by_role("button", name="Change address").click()
    expect(form.get_by_role("status")).to_contain_text(f"A link is on its way to {new}.")
    expect(tab.page.locator(".now .said")).to_have_text(person.email)
    link = link_in_mail(tab, Person(person.username, new), CONFIRM)
    tab.page.context.new_page().goto(link)
    expect(tab.page.locator(".now .said")).to_have_text(new, timeout=15_000)


def test_a_second_factor(tab: Tab) -> None:
    """An authenticator is set up by its secret; from then on logging in takes a code, until it is taken away."""
    person, page = registered(tab), tab.page
    log_in(tab, person, "#security")
    form = open_form(tab, "Set up", "Set up a second factor")
    form.get_by_label("Password", exact=True).fill(person.password)
    form.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    secret = page.locator(".typed code").inner_text().replace(" ", "")
    assert f"secret={secret}" in str(page.get_by_role("link", name="open it here").get_attribute("href"))
    confirm = page.get_by_role("form", name="Confirm the authenticator")
    confirm.get_by_label("Code").fill("000000")
    confirm.get_by_role("button", name="Confirm").click()
    expect(confirm.get_by_label("Code")).to_have_accessible_description("That code is not right, or was used before.")
    confirm.get_by_label("Code").fill(totp(secret))
    confirm.get_by_role("button", name="Confirm").click()
    expect(page.locator(".secrets li")).to_have_count(10)
    codes = page.locator(".secrets li").all_inner_texts()
    page.get_by_role("button", name="I have kept them").click()
    expect(page.locator(".factor")).to_contain_text("10 recovery codes are left.")

    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out.")).to_be_visible()
    fill_log_in(page, person)
    code = page.get_by_label("Code")
    expect(code).to_be_focused()
    code.fill(codes[0])
    code.press("Enter")
    section(tab, "Security")
    expect(page.locator(".factor")).to_contain_text("9 recovery codes are left.")
    form = open_form(tab, "Take it away", "Take the second factor away")
    form.get_by_label("Password", exact=True).fill(person.password)
    form.get_by_label("Code").fill(codes[1])
    form.get_by_role("button", name="Take it away").click()
    expect(page.locator("summary", has_text="Set up")).to_be_visible()
    tab.forgive(400, 401, 403)


def test_api_keys(tab: Tab) -> None:
    """A key is shown once, works within its scopes, and is good no longer once it is revoked."""
    person, page = registered(tab), tab.page
    log_in(tab, person, "#keys")
    form = open_form(tab, "New key", "New API key of you")
    form.get_by_label("Name", exact=True).fill("Nightly report")
    form.get_by_role("button", name="Make a key").click()
    expect(form).to_contain_text("Choose at least one.")
    form.get_by_label("Read profiles").check()
    form.get_by_role("button", name="Make a key").click()
    secret = page.locator(".once code").inner_text()
    headers = {"authorization": f"Bearer {secret}"}
    asked = page.context.request.get("/api/users/me", headers=headers)
    assert asked.json()["username"] == person.username
    page.get_by_role("button", name="I have kept it").click()
    expect(page.get_by_text(secret)).to_have_count(0)

    rows = page.get_by_role("list", name="API keys of you").get_by_role("listitem")
    expect(rows).to_contain_text("Nightly report")
    rows.get_by_role("button", name="Revoke Nightly report").click()
    rows.get_by_role("button", name="Really revoke? Nightly report").click()
    expect(rows).to_have_count(0)
    expect(page.get_by_text("There is no key.")).to_be_visible()
    assert page.context.request.get("/api/users/me", headers=headers).status == 401


def test_bots(tab: Tab) -> None:
    """A bot is made with a key of its own, and erased again."""
    person, page = registered(tab), tab.page
    name = f"bot-{person.username}"
    log_in(tab, person, "#keys")
    form = open_form(tab, "New bot", "New bot")
    form.get_by_label("Username of the bot").fill(name)
    form.get_by_label("Name to show").fill("Weather")
    form.get_by_role("button", name="Make a bot").click()
    row = page.get_by_role("list", name="Bots").get_by_role("listitem").first
    expect(row).to_contain_text(f"@{name}")
    row.locator("summary", has_text="Keys").click()
    row.locator("summary", has_text="New key").click()
    row.get_by_label("Name", exact=True).fill("Deploy")
    row.get_by_label("Read profiles").check()
    row.get_by_role("button", name="Make a key").click()
    headers = {"authorization": f"Bearer {row.locator('.once code').inner_text()}"}
    assert page.context.request.get("/api/users/me", headers=headers).json()["username"] == name
    row.get_by_role("button", name="Erase Weather").click()
    row.get_by_role("button", name="Really erase? Weather").click()
    expect(page.get_by_text("You have no bot.")).to_be_visible()


def test_blocking_people(tab: Tab) -> None:
    """Somebody is found, blocked, and let go again."""
    page = tab.page
    log_in(tab, registered(tab), "#blocked")
    form = open_form(tab, "Block somebody", "Find people")
    form.get_by_label("Name", exact=True).fill("alice")
    form.get_by_role("button", name="Find").click()
    form.get_by_role("button", name="Block Alice Martin").click()
    blocked = page.get_by_role("list", name="Blocked people")
    expect(blocked).to_contain_text("@alice")
    expect(form.get_by_role("button", name="Block Alice Martin")).to_have_count(0)
    blocked.get_by_role("button", name="Unblock Alice Martin").click()
    expect(page.get_by_text("You have blocked nobody.")).to_be_visible()


def test_export_and_erasure(tab: Tab, tmp_path: Path) -> None:
    """Everything that is kept comes as a file; once erased the account is gone, and cannot be logged in to."""
    person, page = registered(tab), tab.page
    log_in(tab, person, "#data")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download my data").click()
    path = tmp_path / "export.json"
    download.value.save_as(path)
    assert json.loads(path.read_text())["account"]["email"] == person.email

    form = open_form(tab, "Erase my account", "Erase account")
    form.get_by_label("Password", exact=True).fill(person.password)
    form.get_by_role("button", name="Erase it for good").click()
    confirmation = form.get_by_label(f"Type {person.username} to confirm")
    expect(confirmation).to_have_accessible_description(f"Please type {person.username}.")
    confirmation.fill(person.username)
    form.get_by_role("button", name="Erase it for good").click()
    expect(page.get_by_text("Your account is erased.")).to_be_visible()
    fill_log_in(page, person)
    expect(page.get_by_role("alert")).to_have_text("The name or the password is not right.")
    tab.forgive(401)
