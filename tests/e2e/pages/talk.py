"""Conversations made without the page, for the tests of the demo."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, expect

from tests.e2e.pages.tab import Tab, unique

MESSAGES = "/api/messages"


@dataclass(frozen=True)
class Person:
    """One of the seeded people, as a program of theirs acts."""

    tab: Tab
    id: str
    token: str

    def call(self, verb: str, path: str, body: Any = None, status: int | None = None) -> Any:
        """A call of the API; its answer."""
        request = self.tab.page.context.request
        headers = {"authorization": f"Bearer {self.token}"}
        answer = request.fetch(MESSAGES + path, method=verb, data=body, headers=headers)
        assert answer.ok if status is None else answer.status == status, answer.text()
        return answer.json() if answer.text() else None

    def send(self, conversation_id: str, text: str, **more: Any) -> Any:
        return self.call("POST", "", {"conversation_id": conversation_id, "text": text, **more})


def seeded(tab: Tab) -> list[Person]:
    """alice and bob."""
    request = tab.page.context.request
    seed = request.get("/dev/seed").json()
    people = []
    for name in seed["users"]:
        login = request.post("/api/users/login", data={"username": name, "password": seed["password"]}).json()
        people.append(Person(tab, login["user"]["id"], login["access_token"]))
    return people


def group(owner: Person, *others: Person, **more: Any) -> Any:
    """A group that no other test has."""
    body = {"type": "group", "name": unique("Group"), "member_ids": [each.id for each in others], **more}
    return owner.call("POST", "/conversations", body)


def line(tab: Tab, number: int, name: str) -> Locator:
    """A line of the list of conversations."""
    return tab.pane(number).locator(".conversations .line").filter(has_text=name)


def enter(tab: Tab, number: int, name: str) -> None:
    """Opens a conversation from the list."""
    line(tab, number, name).click()
    expect(tab.pane(number).locator(".conversation-head h3")).to_have_text(name)


def choose(tab: Tab, number: int, button: str, item: str) -> None:
    """Chooses from one of the menus of a pane."""
    tab.pane(number).get_by_role("button", name=button, exact=True).click()
    tab.page.locator(".menu button").filter(has_text=item).click()
