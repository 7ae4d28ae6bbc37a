"""Long conversations on the demo page: little of them is in the page, and all of it can be reached."""

import time

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.e2e.conftest import Server
from tests.e2e.pages.tab import DESK, Tab, unique
from tests.e2e.pages.talk import enter, group, seeded

MANY = 10_000
ROWS_AT_MOST = 90


@pytest.fixture(scope="module")
def long_name(browser: Browser, server: Server) -> str:
    """A conversation of alice and bob with ten thousand messages, all read."""
    tab = Tab(browser, server, **DESK)
    alice, bob = seeded(tab)
    made = group(alice, bob)
    for start in range(0, MANY, 50):
        texts = (f"Message {number} " + "and more of it " * (number % 7) for number in range(start + 1, start + 51))
        alice.call("POST", ":batchSend", {"items": [{"conversation_id": made["id"], "text": text} for text in texts]})
    bob.call("PUT", f"/conversations/{made['id']}/read", {"seq": MANY})
    tab.close()
    return str(made["name"])


def rows(tab: Tab) -> Locator:
    return tab.pane(0).locator(".talk .timeline li")


def message(tab: Tab, number: int) -> Locator:
    return tab.pane(0).locator(f'.talk .message[data-seq="{number}"]')


def opened(tab: Tab, name: str) -> Locator:
    """The scrolled part of a conversation that is wholly read, at its end."""
    tab.demo()
    enter(tab, 0, name)
    view = tab.pane(0).locator(".talk .timeline")
    expect(message(tab, MANY)).to_be_in_viewport()
    settle(view)
    return view


def settle(view: Locator) -> None:
    """Waits until what came into view is drawn and read in."""
    view.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(view.locator(".gap")).to_have_count(0)


def scroll(view: Locator, share: float) -> None:
    view.evaluate("(view, share) => view.scrollTo(0, share * (view.scrollHeight - view.clientHeight))", share)
    settle(view)


def scroll_up(view: Locator, pixels: int) -> None:
    """With the wheel, which moves the page some time after it is turned."""
    first = view.locator(".message").first
    before = first.get_attribute("data-seq")
    view.page.mouse.wheel(0, -pixels)
    expect(first).not_to_have_attribute("data-seq", before or "")
    settle(view)


def test_ten_thousand_messages_are_a_few_rows(tab: Tab, long_name: str) -> None:
    """At the end, in the middle and at the beginning: what is in view is there, and little else."""
    view = opened(tab, long_name)
    assert rows(tab).count() < ROWS_AT_MOST
    scroll(view, 0)
    expect(message(tab, 1)).to_be_in_viewport()
    expect(tab.pane(0).locator(".beginning")).to_be_in_viewport()
    for share in (0.5, 0.25, 0.9):
        scroll(view, share)
        assert 0 < rows(tab).count() < ROWS_AT_MOST
    tab.pane(0).get_by_role("button", name="Go to the latest message").click()
    expect(message(tab, MANY)).to_be_in_viewport()


def test_all_of_it_is_passed_when_scrolled_through(tab: Tab, long_name: str) -> None:
    """With the wheel upwards, message by message, none is left out and the page stays small."""
    view = opened(tab, long_name)
    view.hover()
    seen: set[int] = set()
    numbers = "rows => rows.map(row => Number(row.dataset.seq)).filter(Boolean)"
    for _ in range(60):
        seen.update(view.locator(".message").evaluate_all(numbers))
        scroll_up(view, 400)
        assert rows(tab).count() < ROWS_AT_MOST
    assert max(seen) >= MANY
    assert seen == set(range(min(seen), max(seen) + 1))
    assert len(seen) > 200


def test_scrolling_is_smooth(tab: Tab, long_name: str) -> None:
    """A step of scrolling through what is known costs far less than it takes to see it."""
    view = opened(tab, long_name)
    script = """async view => {
      const times = [];
      for (let step = 0; step < 60; step++) {
        view.scrollTop -= 40;
        const begun = performance.now();
        await new Promise(requestAnimationFrame);
        times.push(performance.now() - begun);
      }
      return times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
    }"""
    assert view.evaluate(script) < 100


def test_what_one_looks_at_stays_where_it_is(tab: Tab, long_name: str) -> None:
    """Whatever is read in and measured above it, and whatever is written below."""
    view = opened(tab, long_name)
    scroll(view, 0.3)
    script = """view => {
      const top = view.getBoundingClientRect().top;
      const row = [...view.querySelectorAll('.message')].find(each => each.getBoundingClientRect().top >= top);
      return [Number(row.dataset.seq), row.getBoundingClientRect().top - top];
    }"""
    before = view.evaluate(script)
    _, bob = seeded(tab)
    conversation = next(
        each["id"] for each in bob.call("GET", "/conversations?limit=100")["items"] if each["name"] == long_name
    )
    sent = bob.send(conversation, unique("Below"))
    expect(tab.pane(0).locator(".conversations .line", has_text=long_name)).to_contain_text("1 unread")
    after = view.evaluate(script)
    assert after[0] == before[0]
    assert abs(after[1] - before[1]) < 2
    tab.pane(0).get_by_role("button", name="Go to the latest message").click()
    expect(message(tab, sent["seq"])).to_be_in_viewport()
    expect(tab.pane(0).locator(".conversations .line", has_text=long_name)).not_to_contain_text("unread")


def test_it_opens_at_the_first_unread(tab: Tab) -> None:
    """With a line above what is new; further down it is read as it comes into view."""
    alice, bob = seeded(tab)
    made = group(alice, bob)
    for start in range(2):
        items = [{"conversation_id": made["id"], "text": f"Line {start}.{number}"} for number in range(50)]
        alice.call("POST", ":batchSend", {"items": items})
    bob.call("PUT", f"/conversations/{made['id']}/read", {"seq": 40})
    tab.demo()
    enter(tab, 1, made["name"])
    first = tab.pane(1).locator('.talk .message[data-seq="41"]')
    expect(first).to_be_in_viewport()
    expect(first.locator(".new")).to_be_in_viewport()
    line = tab.pane(1).locator(".conversations .line", has_text=made["name"])
    expect(line).to_contain_text("unread")
    tab.pane(1).get_by_role("button", name="Go to the latest message").click()
    expect(line).not_to_contain_text("unread")
    tab.pane(1).get_by_role("button", name="First unread").click()
    expect(first).to_be_in_viewport()


def test_a_quote_leads_to_what_it_answers(tab: Tab, long_name: str) -> None:
    """However far up that lies."""
    alice, _ = seeded(tab)
    listed = alice.call("GET", "/conversations?limit=100")["items"]
    conversation = next(each["id"] for each in listed if each["name"] == long_name)
    old = alice.call("GET", f"?conversation_id={conversation}&before_seq=2001&limit=1")["items"][0]
    text = unique("As you said")
    alice.send(conversation, text, reply_to=old["id"])
    tab.demo()
    enter(tab, 0, long_name)
    begun = time.monotonic()
    tab.message(0, text).locator(".quote").click()
    expect(message(tab, 2000)).to_be_in_viewport()
    expect(message(tab, 2000)).to_be_focused()
    assert time.monotonic() - begun < 10
