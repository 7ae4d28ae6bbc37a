"""The outbox of development: what its page asks for, and what a mail's frame may do."""

import httpx2

from tests.integration.conftest import Start

KINDS = ("verify", "reset", "unlock")


async def kept(client: httpx2.AsyncClient) -> list[dict[str, str]]:
    """The mails, once there is one."""
    while not (items := (await client.get("/dev/outbox.json")).json()["items"]):
        pass
    return list(items)


async def test_a_mail_is_listed_and_framed(start: Start) -> None:
    """Its HTML part comes with a policy of its own: styles, no scripts, no origin; links open beside it."""
    client = await (await start()).http()
    assert (await client.get("/dev/outbox")).headers["content-type"].startswith("text/html")
    body = {"username": "carol", "email": "carol@example.com", "password": "a horse of many colours"}
    assert (await client.post("/api/users/register", json=body)).status_code == 201
    mail = (await kept(client))[0]
    assert (mail["to"], mail["subject"]) == ("carol@example.com", "Confirm your mail address")
    framed = await client.get(f"/dev/outbox/{mail['id']}")
    policy = framed.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert framed.headers["x-content-type-options"] == "nosniff"
    assert '<head><base target="_blank">' in framed.text


async def test_a_mail_that_is_not_kept(start: Start) -> None:
    """Is a problem, with the policy that every answer has."""
    client = await (await start()).http()
    answer = await client.get("/dev/outbox/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "ROUTE_NOT_FOUND")
    assert "default-src 'self'" in answer.headers["content-security-policy"]


async def test_without_mails_that_are_kept_there_is_no_outbox(start: Start) -> None:
    """A server that sends its mails shows none."""
    client = await (await start(smtp_url="smtp://127.0.0.1:9")).http()
    assert (await client.get("/dev/outbox")).status_code == 404
    assert (await client.get("/dev/outbox.json")).status_code == 404


async def test_the_account_page_has_all_its_addresses(start: Start) -> None:
    """What mails link to is the same page as the account's."""
    client = await (await start()).http()
    pages = {(await client.get(path)).text for path in ("/account", *(f"/account/{kind}" for kind in KINDS))}
    assert len(pages) == 1
