"""TransferService: everything out, and what is of another system in."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chat.message.v1 import conversation_service_pb2 as conversations_pb
from chat.message.v1 import message_service_pb2 as messages_pb
from chat.message.v1 import transfer_service_pb2 as pb
from chat.message.v1.conversation_pb2 import MEMBER_ROLE_ADMIN
from mesh.call.status import from_rpc_error
from mesh.errors import Conflict, Error, Forbidden, Invalid, NotFound
from services.message.transfer import servicer
from tests.integration.message.test_feed import remove
from tests.integration.message.world import World

LONG_AGO = datetime(2019, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def admin(world: World) -> str:
    user_id = world.users.add("admin")
    world.users.admins.add(user_id)
    return user_id


def message(
    external_id: str, sender_id: str, text: str = "old", at: datetime = LONG_AGO, **fields: Any
) -> pb.ImportMessagesRequest:
    created_at = Timestamp()
    created_at.FromDatetime(at)
    item = pb.ImportedMessage(external_id=external_id, sender_id=sender_id, text=text, created_at=created_at, **fields)
    return pb.ImportMessagesRequest(message=item)


def target(conversation_id: str) -> pb.ImportMessagesRequest:
    return pb.ImportMessagesRequest(target=pb.ImportTarget(conversation_id=conversation_id))


async def bring(world: World, user_id: str, *frames: pb.ImportMessagesRequest) -> pb.ImportMessagesResponse:
    async def requests() -> AsyncIterator[pb.ImportMessagesRequest]:
        for frame in frames:
            yield frame

    try:
        response: pb.ImportMessagesResponse = await world.transfer.ImportMessages(
            requests(), metadata=world.metadata(user_id)
        )
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
    return response


async def export(
    world: World, user_id: str, conversation_id: str, after: int = 0
) -> list[pb.ExportConversationResponse]:
    request = pb.ExportConversationRequest(conversation_id=conversation_id, after_seq=after)
    call = world.transfer.ExportConversation(request, metadata=world.metadata(user_id))
    try:
        return [item async for item in call]
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error


async def test_messages_come_in_with_their_senders_and_times(world: World, anna: str, bela: str, admin: str) -> None:
    """Numbered like all others, told like all others; who writes them need not be in the conversation."""
    group = await world.create(anna)
    await world.send(anna, group.id, "before")
    async with world.subscribe(anna) as feed:
        await feed.ready()
        frames = [message("1", anna, "one"), message("2", bela, "**two**", format=2)]
        done = await bring(world, admin, target(group.id), *frames)
        told = await feed.changes(2)
    assert (done.written, done.skipped, done.last_seq) == (2, 0, 3)
    listed = await world.ask(
        world.messages.ListMessages, messages_pb.ListMessagesRequest(conversation_id=group.id), anna
    )
    _, one, two = listed.items
    assert [(m.seq, m.sender.username, m.text) for m in (one, two)] == [(2, "anna", "one"), (3, "bela", "**two**")]
    assert one.created_at.ToDatetime(UTC) == LONG_AGO
    assert "<strong>two</strong>" in two.html
    assert [(c.type, c.pos, c.actor_id, c.data.message.id) for c in told] == [
        ("message-new", 3, admin, one.id),
        ("message-new", 4, admin, two.id),
    ]


async def test_an_import_can_be_sent_again(
    world: World, anna: str, admin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there already is passed over, in any batch; and twice the same id in one is one message."""
    monkeypatch.setattr(servicer, "PAGE", 2)
    group = await world.create(anna)
    frames = [message(str(number), anna, f"text {number}") for number in range(5)]
    first = await bring(world, admin, target(group.id), *frames[:3], frames[0])
    again = await bring(world, admin, target(group.id), *frames)
    nothing = await bring(world, admin, target(group.id))
    assert [(r.written, r.skipped, r.last_seq) for r in (first, again, nothing)] == [(3, 1, 3), (2, 3, 5), (0, 0, 5)]


async def test_an_id_means_one_message(world: World, anna: str, bela: str, admin: str) -> None:
    """Of its sender; the batch with another content is not written at all."""
    group = await world.create(anna)
    await bring(world, admin, target(group.id), message("1", anna), message("1", bela))
    for frame in (message("1", anna, "other"), message("1", anna, at=LONG_AGO + timedelta(seconds=1))):
        with pytest.raises(Conflict, match="IMPORT_CONFLICT") as caught:
            await bring(world, admin, target(group.id), message("2", anna), frame)
        assert caught.value.metadata["external_id"] == "1"
    assert (await bring(world, admin, target(group.id))).last_seq == 2


async def test_what_is_imported_is_of_this_workspace(world: World, anna: str, admin: str) -> None:
    """The conversation, and who is said to have written."""
    elsewhere = world.users.add("else", "elsewhere")
    group, foreign = await world.create(anna), await world.create(elsewhere)
    with pytest.raises(NotFound, match="CONVERSATION_NOT_FOUND"):
        await bring(world, admin, target(foreign.id), message("1", anna))
    with pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await bring(world, admin, target(group.id), message("1", elsewhere))
    with pytest.raises(Forbidden, match="PERMISSION_DENIED"):
        await bring(world, anna, target(group.id), message("1", anna))


async def test_frames_of_an_import(world: World, anna: str, admin: str) -> None:
    """First where to, then messages that were written."""
    group = await world.create(anna)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    for frames in (
        [],
        [message("1", anna)],
        [target(group.id), target(group.id)],
        [target("no uuid")],
        [target(group.id), message("no/id", anna)],
        [target(group.id), message("1", anna, "")],
        [target(group.id), message("1", anna, at=tomorrow)],
    ):
        with pytest.raises(Invalid, match="INVALID_REQUEST"):
            await bring(world, admin, *frames)
    assert (await bring(world, admin, target(group.id))).last_seq == 0


async def test_everything_in_a_conversation_goes_out(
    world: World, anna: str, bela: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Itself, its members, its messages in order, and that this was all; each with the place that it is as of."""
    monkeypatch.setattr(servicer, "PAGE", 2)
    group = await world.create(anna, bela, name="exported")
    for number in range(5):
        await world.send(bela, group.id, str(number))
    items = await export(world, anna, group.id)
    kinds = [item.WhichOneof("item") for item in items]
    assert kinds == ["conversation", *["member"] * 2, *["message"] * 5, "end"]
    assert {item.pos for item in items} == {6}
    assert (items[0].conversation.name, items[0].conversation.HasField("my")) == ("exported", False)
    assert [item.member.user.username for item in items[1:3]] == ["anna", "bela"]
    assert [(item.message.seq, item.message.text) for item in items[3:8]] == [(n + 1, str(n)) for n in range(5)]
    assert items[-1].end.messages == 5


async def test_an_export_that_broke_goes_on(world: World, anna: str) -> None:
    """With messages only."""
    group = await world.create(anna)
    for number in range(4):
        await world.send(anna, group.id, str(number))
    *messages, end = await export(world, anna, group.id, after=2)
    assert ([item.message.seq for item in messages], end.end.messages) == ([3, 4], 2)
    (end,) = await export(world, anna, group.id, after=99)
    assert end.end.messages == 0


async def test_only_who_manages_a_conversation_takes_it_out(world: World, anna: str, bela: str, cleo: str) -> None:
    """To who is not in it, it is not there."""
    group = await world.create(anna, bela)
    refused: list[tuple[str, type[Error], str]] = [
        (bela, Forbidden, "ROLE_TOO_LOW"),
        (cleo, NotFound, "CONVERSATION_NOT_FOUND"),
    ]
    for user_id, kind, reason in refused:
        with pytest.raises(kind, match=reason):
            await export(world, user_id, group.id)


async def test_who_is_removed_meanwhile_gets_no_further_page(
    world: World, anna: str, bela: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right to it is looked at again with each."""
    monkeypatch.setattr(servicer, "PAGE", 1)
    group = await world.create(anna, bela)
    role = conversations_pb.UpdateMemberRequest(conversation_id=group.id, user_id=bela, role=MEMBER_ROLE_ADMIN)
    await world.ask(world.conversations.UpdateMember, role, anna)
    await asyncio.gather(*[world.send(anna, group.id, "x" * 10_000) for _ in range(60)])
    request = pb.ExportConversationRequest(conversation_id=group.id)
    call = world.transfer.ExportConversation(request, metadata=world.metadata(bela))
    await call.read()
    await remove(world, anna, group.id, bela)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await to_the_end(call)
    assert from_rpc_error(caught.value).reason == "CONVERSATION_NOT_FOUND"


async def to_the_end(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass
