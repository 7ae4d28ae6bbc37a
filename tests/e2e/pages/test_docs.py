"""The API reference as a developer uses it."""

from playwright.sync_api import expect

from tests.e2e.pages.tab import Tab, overflow


def test_reference_shows_every_operation_and_sends_requests(tab: Tab) -> None:
    """The page holds what the OpenAPI document holds; a request is sent as alice, its curl line beside it."""
    tab.page.goto("/docs")
    paths = tab.page.context.request.get("/api/openapi.json").json()["paths"]
    ids = {operation["operationId"] for item in paths.values() for operation in item.values()}
    expect(tab.page.locator(".operation .play")).to_have_count(len(ids), timeout=15_000)
    assert set(tab.page.locator(".operation:has(.play)").evaluate_all("all => all.map(one => one.id)")) == ids

    me = tab.page.locator("#AccountService_GetMe")
    me.get_by_role("button", name="Send").click()
    expect(me.get_by_role("status")).to_contain_text("200")
    expect(me.locator(".card .json")).to_contain_text('"username": "alice"')
    expect(me.locator(".curl")).to_contain_text(f"{tab.page.url.removesuffix('/docs')}/api/users/me")


def test_reference_shows_refusals(tab: Tab) -> None:
    """A request that the server refuses shows status and problem."""
    tab.page.goto("/docs")
    send = tab.page.locator("#MessageService_SendMessage")
    send.get_by_label("Body of Send message").fill('{"txt": 1}')
    send.get_by_role("button", name="Send", exact=True).click()
    expect(send.get_by_role("status")).to_contain_text("400")
    expect(send.locator(".card .json")).to_contain_text('"code"')
    tab.complaints.clear()  # Chromium writes every 400 to the console


def test_reference_streams(tab: Tab) -> None:
    """A stream shows its items as they come, until it is stopped."""
    tab.page.goto("/docs")
    feed = tab.page.locator("#FeedService_Subscribe")
    feed.get_by_role("button", name="Send", exact=True).click()
    expect(feed.locator(".card .json")).to_contain_text("heartbeat_s")
    feed.get_by_role("button", name="Stop").click()
    expect(feed.get_by_role("button", name="Send", exact=True)).to_be_visible()
    expect(feed.locator(".card .json")).to_contain_text("heartbeat_s")


def test_reference_on_a_phone(phone: Tab) -> None:
    """Nothing is wider than the screen, and the contents fold away once chosen from."""
    phone.page.goto("/docs")
    expect(phone.page.locator("#MessageService_SendMessage")).to_be_attached(timeout=15_000)
    assert overflow(phone.page) == 0
    contents = phone.page.locator(".menu")
    contents.locator("summary").click()
    contents.get_by_role("link", name="Send message POST").click()
    expect(phone.page.locator("#MessageService_SendMessage h3")).to_be_in_viewport()
    expect(contents.get_by_role("link").first).to_be_hidden()
