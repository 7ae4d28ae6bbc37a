"""DraftService, as its clients see it."""

import pytest

from chat.message.v1 import draft_service_pb2 as pb
from mesh.errors import NotFound
from tests.integration.message.world import World


async def test_a_draft_is_the_same_on_all_devices(world: World, anna: str, bela: str) -> None:
    """Whoever else is in the conversation hears nothing of it."""
    group = await world.create(anna, bela)
    where = {"conversation_id": group.id}
    async with world.subscribe(anna) as device, world.subscribe(bela) as other:
        await device.ready()
        await other.ready()
        saved = (await world.ask(world.drafts.SaveDraft, pb.SaveDraftRequest(text="begun", **where), anna)).draft
        await world.ask(world.drafts.DeleteDraft, pb.DeleteDraftRequest(**where), anna)
        await world.send(anna, group.id)
        kept, gone = await device.changes(2)
        assert (await other.change()).type == "message-new"
    assert (kept.type, kept.data.draft) == ("draft-updated", saved)
    assert (gone.data.draft.conversation_id, gone.data.draft.text) == (group.id, "")
    assert (await world.ask(world.drafts.GetDraft, pb.GetDraftRequest(**where), anna)).draft.text == ""


async def test_a_sent_message_forgets_no_draft(world: World, anna: str) -> None:
    """It may be another one that was sent: a client forgets its draft itself."""
    group = await world.create(anna)
    await world.ask(world.drafts.SaveDraft, pb.SaveDraftRequest(conversation_id=group.id, text="begun"), anna)
    await world.send(anna, group.id, "something else")
    got = await world.ask(world.drafts.GetDraft, pb.GetDraftRequest(conversation_id=group.id), anna)
    assert got.draft.text == "begun"


async def test_drafts_are_listed_by_pages(world: World, anna: str, bela: str) -> None:
    """The latest first, each once."""
    groups = [await world.create(anna) for _ in range(3)]
    for group in groups:
        await world.ask(world.drafts.SaveDraft, pb.SaveDraftRequest(conversation_id=group.id, text="x"), anna)
    first = await world.ask(world.drafts.ListDrafts, pb.ListDraftsRequest(limit=2), anna)
    more = pb.ListDraftsRequest(limit=2, cursor=first.page.next_cursor)
    second = await world.ask(world.drafts.ListDrafts, more, anna)
    listed = [draft.conversation_id for page in (first, second) for draft in page.items]
    assert listed == [group.id for group in reversed(groups)]
    assert (first.page.has_more, second.page.has_more) == (True, False)
    with pytest.raises(NotFound, match="CONVERSATION_NOT_FOUND"):
        await world.ask(world.drafts.GetDraft, pb.GetDraftRequest(conversation_id=groups[0].id), bela)
