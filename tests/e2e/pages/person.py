"""Somebody with an account of their own, and what they do on the account page again and again."""

import base64
import hashlib
import hmac
import os
import time
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.e2e.pages.tab import Tab

PASSWORD = "a horse of many colours"


@dataclass(frozen=True)
class Person:
    """Who signs up. Nobody else in the tests has the name."""

    username: str
    email: str
    password: str = PASSWORD


def somebody() -> Person:
    name = f"ada-{os.urandom(4).hex()}"
    return Person(name, f"{name}@example.com")


def registered(tab: Tab, **more: str) -> Person:
    """Somebody whose account was made without the page."""
    person = somebody()
    body = {"username": person.username, "email": person.email, "password": person.password, **more}
    assert tab.page.context.request.post("/api/users/register", data=body).status == 201
    return person


def log_in(tab: Tab, person: Person, hash: str = "") -> None:
    """From the log-in to a section of the account page."""
    tab.page.goto(f"/account{hash}")
    fill_log_in(tab.page, person)
    expect(tab.page.get_by_role("button", name="Log out")).to_be_visible()


def fill_log_in(page: Page, person: Person) -> None:
    page.get_by_label("Username or mail address").fill(person.username)
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_role("button", name="Log in", exact=True).click()


def section(tab: Tab, name: str) -> None:
    tab.page.get_by_role("navigation", name="Account").get_by_role("link", name=name).click()
    expect(tab.page.get_by_role("heading", level=1)).to_have_text(name)


def open_form(tab: Tab, button: str, form: str) -> Locator:
    """Unfolds a form."""
    tab.page.locator("summary", has_text=button).click()
    return tab.page.get_by_role("form", name=form, exact=True)


def api(tab: Tab, person: Person, verb: str, path: str, **more: Any) -> Any:
    """A call by a program of the same person, in a session of its own."""
    request = tab.page.context.request
    credentials = {"username": person.username, "password": person.password, "device": "A program"}
    tokens = request.post("/api/users/login", data=credentials).json()
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    return request.fetch(path, method=verb, headers=headers, **more)


def link_in_mail(tab: Tab, person: Person, subject: str) -> str:
    """Path and token of the link in the latest mail of that subject, once it is there."""
    found: list[str] = []

    def arrived() -> bool:
        mails = tab.page.context.request.get("/dev/outbox.json").json()["items"]
        texts = [mail["text"] for mail in mails if mail["to"] == person.email and mail["subject"] == subject]
        found.extend(word for text in texts[:1] for word in text.split() if "#token=" in word)
        return bool(found)

    eventually(tab, arrived)
    return found[0][found[0].index("/account/") :]


def eventually(tab: Tab, condition: Any) -> None:
    """Asks until it holds."""
    for _ in range(100):
        if condition():
            return
        tab.page.wait_for_timeout(100)
    raise AssertionError("it never came to hold")


def totp(secret: str) -> str:
    """The code of an authenticator at this moment (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, (int(time.time()) // 30).to_bytes(8, "big"), hashlib.sha1)
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"
