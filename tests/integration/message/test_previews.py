"""Previews as members see them: a moment after the message, of pages that this machine serves."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from chat.message.v1 import message_service_pb2 as messages_pb
from chat.message.v1.message_pb2 import Message
from services.message.previews import fetch
from tests.integration.message.world import Feed, World, open_world
from tests.site import Names, Site, open_site, page, titled

RICH = page(
    '<meta property="og:title" content="Words"><meta property="og:description" content="about words">'
    '<meta property="og:site_name" content="Site"><meta property="og:image" content="https://site.example/i.png">'
)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site({"/rich": RICH, "/plain": titled("plain")}) as site:
        yield site


@pytest.fixture
async def world(tmp_path: Path, database_url: str, site: Site, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """It looks at the site and nowhere else."""
    here = partial(fetch.Fetcher, resolve=Names(), allow=lambda found: found == ["127.0.0.1"], ports={site.port})
    monkeypatch.setattr(fetch, "Fetcher", here)
    async with open_world(tmp_path, database_url, previews=True) as world:
        yield world


async def shown(feed: Feed) -> Message:
    """The next message-updated."""
    while (change := await feed.change()).type != "message-updated":
        pass
    return change.data.message


async def test_a_message_is_followed_by_what_it_links_to(world: World, site: Site, anna: str, bela: str) -> None:
    group = (await world.create(anna, bela)).id
    async with world.subscribe(bela) as feed:
        await feed.ready()
        text = f"see {site.at('/rich')}, {site.at('/plain')} and {site.at('/none')}"
        sent = await world.send(anna, group, text)
        updated = await shown(feed)
    assert not sent.previews
    rich, plain = updated.previews
    assert (rich.url, rich.title, rich.description) == (site.at("/rich"), "Words", "about words")
    assert (rich.site_name, rich.image_url) == ("Site", "https://site.example/i.png")
    assert (plain.url, plain.title) == (site.at("/plain"), "plain")
    assert (updated.text, updated.version, updated.etag == sent.etag) == (text, 1, False)
    stored = await world.ask(world.messages.GetMessage, messages_pb.GetMessageRequest(id=sent.id), bela)
    assert stored.message == updated


async def test_an_edit_is_looked_at_anew(world: World, site: Site, anna: str) -> None:
    group = (await world.create(anna)).id
    async with world.subscribe(anna) as feed:
        await feed.ready()
        sent = await world.send(anna, group, site.at("/rich"))
        assert [preview.title for preview in (await shown(feed)).previews] == ["Words"]
        edit = messages_pb.EditMessageRequest(id=sent.id, text=site.at("/plain"), etag=sent.etag)
        edited = (await world.ask(world.messages.EditMessage, edit, anna)).message
        assert not edited.previews
        assert (await shown(feed)) == edited
        assert [preview.title for preview in (await shown(feed)).previews] == ["plain"]


async def test_a_message_that_is_gone_is_not_touched(world: World, site: Site, anna: str) -> None:
    """The page is slower than the deletion."""
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slow(send: object) -> None:
        asked.set()
        await answer.wait()
        await send(RICH)  # type: ignore[operator]

    site.answers["/slow"] = slow
    group = (await world.create(anna)).id
    async with world.subscribe(anna) as feed:
        await feed.ready()
        sent = await world.send(anna, group, site.at("/slow"))
        await asked.wait()
        await world.ask(world.messages.DeleteMessage, messages_pb.DeleteMessageRequest(id=sent.id), anna)
        answer.set()
        last = await world.send(anna, group, site.at("/plain"))
        assert (await shown(feed)).id == last.id
    stored = await world.ask(world.messages.GetMessage, messages_pb.GetMessageRequest(id=sent.id), anna)
    assert (bool(stored.message.deleted_at.seconds), list(stored.message.previews)) == (True, [])


async def test_no_page_is_looked_at_where_nobody_asked_for_it(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is what an installation does when nothing is set."""
    monkeypatch.setattr(fetch, "Fetcher", None)
    async with open_world(tmp_path, database_url) as world:
        anna = world.users.add("anna")
        group = (await world.create(anna)).id
        assert (await world.send(anna, group, "http://site.example/")).seq == 1
        assert not world.mesh.settings.previews
