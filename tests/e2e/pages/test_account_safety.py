"""What the account page promises beside what it does: safe, reachable by keys alone, and fit for a phone."""

import json

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.pages.person import api, fill_log_in, log_in, open_form, registered, section
from tests.e2e.pages.tab import Tab, overflow

SECTIONS = ("Profile", "Security", "Sessions", "Blocked people", "Keys and bots", "Your data")
MARKUP = "<img src=x onerror=alert(1)><b>bold</b>"


def test_what_people_write_is_never_taken_for_html(tab: Tab) -> None:
    """Names, words about oneself, status and device are shown as written, in every section."""
    person, page = registered(tab, full_name=MARKUP), tab.page
    api(tab, person, "PATCH", "/api/users/me", data={"bio": MARKUP})
    api(tab, person, "PUT", "/api/users/me/status", data={"text": MARKUP, "emoji": "<b>x</b>"})
    credentials = {"username": person.username, "password": person.password, "device": MARKUP}
    page.context.request.post("/api/users/login", data=credentials)
    log_in(tab, person)
    for name in SECTIONS:
        section(tab, name)
        expect(page.locator("aside")).to_contain_text(MARKUP)
        assert page.locator("main img, main .panel b").count() == 0
        if name == "Profile":
            expect(page.locator(".now")).to_contain_text(MARKUP)
        if name == "Sessions":
            expect(page.get_by_role("list", name="Sessions")).to_contain_text(MARKUP)


@pytest.mark.parametrize("path", ["/account", "/account/verify", "/account/reset", "/account/unlock", "/dev/outbox"])
def test_pages_run_nothing_but_our_own(tab: Tab, path: str) -> None:
    """Every page says which scripts may run in it, and its own break nothing of that."""
    answer = tab.page.goto(path)
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert tab.page.locator("script:not([src]), style, [style], [onclick]").count() == 0


def test_no_section_breaks_the_policy(tab: Tab) -> None:
    """All of it works without inline styles and scripts; the console, which is watched, would tell."""
    log_in(tab, registered(tab))
    for name in SECTIONS:
        section(tab, name)
        for fold in tab.page.locator("summary").all():
            fold.click()


def test_no_token_is_written_where_it_stays(tab: Tab) -> None:
    """The access token is in no storage; nothing at all is in one that outlives the tab."""
    page = tab.page
    with page.expect_response("**/api/users/login") as answered:
        log_in(tab, registered(tab))
    token = answered.value.json()["access_token"]
    kept = page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])")
    assert token not in kept
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]


def test_a_duplicated_tab_asks_for_a_log_in_of_its_own(tab: Tab) -> None:
    """Two tabs never share a refresh token, which would look stolen: the first one goes on."""
    page = tab.page
    log_in(tab, registered(tab))
    with page.context.expect_page() as opened:
        page.evaluate("void open('/account')")  # the new tab begins with a copy of this one's storage
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Log in")
    page.reload()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def test_by_keys_alone(tab: Tab) -> None:
    """Logging in, going to a section, unfolding a form and leaving need no mouse; one sees where one is."""
    person, page = registered(tab), tab.page
    keys = page.keyboard
    page.goto("/account")
    expect(page.get_by_label("Username or mail address")).to_be_focused()
    keys.type(person.username)
    keys.press("Tab")
    keys.type(person.password)
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")

    link = page.get_by_role("navigation", name="Account").get_by_role("link", name="Security")
    reach(page, link)
    assert link.evaluate("link => getComputedStyle(link).outlineStyle") == "solid"
    keys.press("Enter")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Security")
    expect(heading).to_be_focused()
    reach(page, page.locator("summary", has_text="Change password"))
    keys.press("Enter")
    expect(page.get_by_label("Present password", exact=True)).to_be_focused()
    keys.press("Shift+Tab")
    keys.press("Enter")
    expect(page.get_by_label("Present password", exact=True)).to_be_hidden()
    reach(page, page.get_by_role("button", name="Log out"))
    keys.press("Enter")
    expect(page.get_by_text("You are logged out.")).to_be_visible()
    expect(page.get_by_label("Username or mail address")).to_be_focused()


def reach(page: Page, target: Locator) -> None:
    """Goes on from control to control until the target has the focus."""
    for _ in range(60):
        if target.evaluate("node => node === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("the keys never get there")


def test_every_control_has_a_name(tab: Tab) -> None:
    """In every section, with all forms open: no field without a label, no button without words."""
    page = tab.page
    log_in(tab, registered(tab))
    for name in SECTIONS:
        section(tab, name)
        for fold in page.locator("summary").all():
            fold.click()
        for field in page.locator("main :is(input, textarea, select)").all():
            assert field.evaluate("field => field.labels.length"), field
        for button in page.locator("main :is(button, a)").all():
            assert button.inner_text().strip() or button.get_attribute("aria-label"), button


def test_on_a_phone(phone: Tab) -> None:
    """Nothing is wider than the screen, and what is tapped is large enough."""
    page = phone.page
    page.goto("/account#sign-up")
    expect(page.get_by_role("button", name="Sign up")).to_be_visible()
    assert overflow(page) == 0
    page.goto("/account")
    fill_log_in(page, registered(phone, full_name="Somebody with quite a long name " * 3))
    for name in SECTIONS:
        section(phone, name)
        for fold in page.locator("summary").all():
            fold.tap()
        assert overflow(page) == 0, name
        for target in page.locator("main :is(.button, nav a, input.field, select):visible").all():
            box = target.bounding_box()
            assert box is not None
            assert box["height"] >= 32, target
    page.goto("/demo")
    assert overflow(page) == 0


def test_a_server_that_does_not_answer_is_told_as_such(tab: Tab) -> None:
    """Nothing is lost by it: the page says what is wrong, and goes on when asked again."""
    page = tab.page
    log_in(tab, registered(tab))
    page.route("**/api/users/me", lambda route: route.abort())
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    page.unroute("**/api/users/me")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_label("Full name")).to_be_visible()
    tab.complaints = [text for text in tab.complaints if "ERR_FAILED" not in text]


def test_logging_in_at_a_provider(tab: Tab) -> None:
    """Providers are offered when there are any; what one comes back with is traded at once, and leaves the address."""
    person, page = registered(tab), tab.page
    providers = {"items": [{"name": "acme", "title": "Acme"}]}
    page.route("**/api/users/oauth", lambda route: route.fulfill(json=providers))
    credentials = {"username": person.username, "password": person.password}
    tokens = page.context.request.post("/api/users/login", data=credentials).json()
    traded: list[str] = []

    def trade(route: Route) -> None:
        traded.append(json.loads(route.request.post_data or "")["handover"])
        route.fulfill(json=tokens)

    page.route("**/api/users/oauth/handover", trade)
    page.goto("/account#problem=PROVIDER_REFUSED")
    expect(page.get_by_role("alert")).to_contain_text("did not work out")
    button = page.get_by_role("link", name="Log in with Acme")
    expect(button).to_have_attribute("href", "/api/users/oauth/acme/start?return_to=/account")
    page.goto("/account#handover=h-1")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    assert page.url.endswith("/account")
    assert traded == ["h-1"]


def test_no_provider_no_button(tab: Tab) -> None:
    """Where there are none, nothing is offered."""
    tab.page.route("**/api/users/oauth", lambda route: route.fulfill(json={"items": []}))
    tab.page.goto("/account")
    expect(tab.page.get_by_role("button", name="Log in")).to_be_visible()
    expect(tab.page.get_by_role("link", name="Log in with")).to_have_count(0)


def test_what_is_shown_once_can_be_copied(tab: Tab) -> None:
    """A secret can be taken along before it is put out of sight."""
    page = tab.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    log_in(tab, registered(tab), "#keys")
    form = open_form(tab, "New key", "New API key of you")
    form.get_by_label("Name", exact=True).fill("Deploy")
    form.get_by_label("Read profiles").check()
    form.get_by_role("button", name="Make a key").click()
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator(".once code").inner_text()
