"""Changes that are only made to what one has read, over each surface."""

from typing import Any

from tests.e2e.clients import Clients


async def test_a_conversation_is_changed_by_who_has_read_it(clients: Clients) -> None:
    """The etag of an answer goes back as `If-Match`; messages do not disturb it, names do."""
    anna = await clients.register()
    path = f"/api/messages/conversations/{await clients.group(anna)}"

    async def rename(name: str, etag: str) -> Any:
        return await clients.rest.patch(path, json={"name": name}, headers={**anna.headers, "If-Match": etag})

    read = await clients.rest.get(path, headers=anna.headers)
    etag = read.headers["ETag"]
    assert etag == f'"{read.json()["etag"]}"'
    message = {"conversation_id": read.json()["id"], "text": "hello"}
    (await clients.rest.post("/api/messages", json=message, headers=anna.headers)).raise_for_status()
    renamed = await rename("new", etag)
    assert (renamed.status_code, renamed.headers["ETag"] != etag) == (200, True)
    late = await rename("newer", etag)
    assert (late.status_code, late.json()["code"]) == (412, "ETAG_MISMATCH")
    assert (await rename("newer", "*")).json()["name"] == "newer"


async def test_what_is_there_already_is_not_sent_again(clients: Clients) -> None:
    """Until anything in it is new to whoever asks: a message, a mark, a name."""
    anna, bela = await clients.register(), await clients.register()
    group = await clients.group(anna, bela)
    path = f"/api/messages/conversations/{group}"

    async def status(etag: str) -> int:
        return (await clients.rest.get(path, headers={**bela.headers, "If-None-Match": etag})).status_code

    async def etag() -> str:
        return str((await clients.rest.get(path, headers=bela.headers)).headers["ETag"])

    message = {"conversation_id": group, "text": "hello"}
    changes = (
        ("POST", "/api/messages", message, anna),
        ("PUT", f"{path}/read", {"seq": 1}, bela),
        ("PATCH", path, {"name": "new"}, anna),
    )
    for verb, where, body, user in changes:
        before = await etag()
        assert await status(before) == 304
        (await clients.rest.request(verb, where, json=body, headers=user.headers)).raise_for_status()
        assert await status(before) == 200


async def test_a_message_is_changed_by_who_has_read_it(clients: Clients) -> None:
    """Over sockets the etag is a field like any other; the change that others get carries the next one."""
    anna, bela = await clients.register(), await clients.register()
    group = await clients.group(anna, bela)
    mine, others = await clients.connect(anna), await clients.connect(bela)
    sent = (await mine.ask("send-message", {"conversation_id": group, "text": "old"}))["data"]
    edit = {"id": sent["id"], "text": "new", "etag": sent["etag"]}
    edited = (await mine.ask("edit-message", edit))["data"]
    told = await others.until("message-updated")
    assert told["data"]["message"]["etag"] == edited["etag"] != sent["etag"]
    late = await mine.ask("edit-message", {**edit, "text": "newer"})
    assert (late["ok"], late["problem"]["code"]) == (False, "ETAG_MISMATCH")
    path, stale = f"/api/messages/{sent['id']}", {**anna.headers, "If-Match": f'"{sent["etag"]}"'}
    assert (await clients.rest.delete(path, headers=stale)).status_code == 412
    fresh = {**anna.headers, "If-Match": f'"{edited["etag"]}"'}
    assert (await clients.rest.delete(path, headers=fresh)).json()["text"] == ""
