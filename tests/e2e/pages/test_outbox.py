"""The outbox of a development server as a developer uses it."""

from playwright.sync_api import expect

from tests.e2e.pages.person import registered
from tests.e2e.pages.tab import Tab, overflow


def test_mails_appear_and_can_be_read(tab: Tab) -> None:
    """A new mail comes in by itself; it is shown as formatted and as text, and its link can be followed."""
    page = tab.page
    page.goto("/dev/outbox")
    person = registered(tab)
    mail = page.locator(".mails button", has_text=person.email)
    mail.click(timeout=15_000)
    expect(page.get_by_role("heading", level=2)).to_have_text("Confirm your mail address")
    formatted = page.frame_locator("iframe")
    expect(formatted.get_by_role("heading")).to_have_text("Confirm your mail address")
    with page.context.expect_page() as opened:
        formatted.get_by_role("link").click()
    assert opened.value.url  # a tab of its own, outside of the frame's sandbox
    opened.value.close()

    page.get_by_role("button", name="Plain text").click()
    expect(page.locator("iframe")).to_be_hidden()
    text = page.locator(".text")
    expect(text).to_contain_text(f"Hello {person.username}")
    link = text.get_by_role("link")
    expect(link).to_have_count(1)
    assert "/account/verify#token=" in str(link.get_attribute("href"))
    tab.complaints = [said for said in tab.complaints if "ERR_UNSAFE_PORT" not in said]


def test_what_a_mail_may_do(tab: Tab) -> None:
    """The frame runs no scripts and is of no origin, whoever wrote the mail, also when opened by itself."""
    person = registered(tab)
    page = tab.page
    page.goto("/dev/outbox")
    with page.expect_response("**/dev/outbox/*") as framed:
        page.locator(".mails button", has_text=person.email).click(timeout=15_000)
    policy = framed.value.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    sandbox = str(page.locator("iframe").get_attribute("sandbox"))
    assert "allow-scripts" not in sandbox
    assert "allow-same-origin" not in sandbox


def test_outbox_on_a_phone(phone: Tab) -> None:
    """The list or a mail, never both, and nothing wider than the screen."""
    person, page = registered(phone), phone.page
    page.goto("/dev/outbox")
    mail = page.locator(".mails button", has_text=person.email)
    mail.tap(timeout=15_000)
    expect(mail).to_be_hidden()
    expect(page.get_by_role("heading", level=2)).to_be_visible()
    assert overflow(page) == 0
    page.get_by_role("button", name="All mails").tap()
    expect(mail).to_be_focused()
    assert overflow(page) == 0
