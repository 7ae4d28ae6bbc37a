"""Relay streams: sessions, calls in batches, and the changes of whoever is attached."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from chat.mesh.v1 import options_pb2
from chat.message.v1 import conversation_service_pb2 as conversations_pb
from chat.message.v1 import draft_service_pb2 as drafts_pb
from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1 import message_service_pb2 as messages_pb
from chat.message.v1 import reaction_service_pb2 as reactions_pb
from chat.message.v1 import reading_service_pb2 as reading_pb
from mesh.call.status import from_rpc_error, from_status
from services.message.feed import relay
from tests.integration.message.gateway import CORRELATION, SEND, Gateway
from tests.integration.message.world import World

CONVERSATIONS, FEED = "/chat.message.v1.ConversationService", "/chat.message.v1.FeedService"
MESSAGES = "/chat.message.v1.MessageService"


@pytest.fixture
async def gateway(world: World) -> AsyncIterator[Gateway]:
    call = world.feed.Relay()

    async def open_(requests: AsyncIterator[pb.RelayRequest]) -> AsyncIterator[pb.RelayResponse]:
        async def write() -> None:
            async for request in requests:
                await call.write(request)
            await call.done_writing()

        writer = asyncio.create_task(write())
        try:
            async for frame in call:
                yield frame
        finally:
            writer.cancel()
            call.cancel()

    gateway = Gateway(open_)
    yield gateway
    await gateway.close()


async def attach(gateway: Gateway, world: World, session: int, user_id: str) -> pb.Attached:
    (reply,) = await gateway.ask(gateway.attach(session, world.token(user_id)))
    assert reply.HasField("attached"), reply
    return reply.attached


async def test_an_attached_session_is_told_where_it_stands(
    world: World, gateway: Gateway, anna: str, bela: str
) -> None:
    """Its logs, whose they are and how long the token lasts."""
    group = await world.create(anna, bela)
    attached = await attach(gateway, world, 1, bela)
    assert (attached.user_id, attached.session_id) == (bela, f"session of {bela}")
    assert (attached.user_pos, dict(attached.positions)) == (1, {group.id: 1})
    assert 590 <= attached.expires_in <= 600


async def test_calls_are_answered_as_on_their_own(world: World, gateway: Gateway, anna: str, bela: str) -> None:
    """Every relayed method, with its effect, its profile and its correlation id."""
    group = await world.create(anna, bela)
    await attach(gateway, world, 1, anna)
    sent = await gateway.response(
        gateway.message(1, group.id, "hi", client_msg_id="k"), messages_pb.SendMessageResponse
    )
    assert (sent.message.seq, sent.message.sender.username, sent.replayed) == (1, "anna", False)
    repeat = gateway.message(1, group.id, "hi", client_msg_id="k")
    assert (await gateway.response(repeat, messages_pb.SendMessageResponse)).replayed
    edit = gateway.call(1, f"{MESSAGES}/EditMessage", messages_pb.EditMessageRequest(id=sent.message.id, text="new"))
    assert (await gateway.response(edit, messages_pb.EditMessageResponse)).message.text == "new"
    delete = gateway.call(1, f"{MESSAGES}/DeleteMessage", messages_pb.DeleteMessageRequest(id=sent.message.id))
    assert (await gateway.response(delete, messages_pb.DeleteMessageResponse)).message.deleted_by == anna
    mark = gateway.call(
        1, f"{CONVERSATIONS}/MarkRead", conversations_pb.MarkReadRequest(conversation_id=group.id, seq=1)
    )
    assert (await gateway.response(mark, conversations_pb.MarkReadResponse)).last_read_seq == 1
    event = await gateway.event()
    assert (event.change.type, event.change.correlation_id) == ("message-new", CORRELATION)
    assert event.change.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert [e[0] for e in await gateway.told(3)] == ["message-updated", "message-deleted", "unread-updated"]


async def test_every_relayed_method_is_there(world: World, gateway: Gateway, anna: str) -> None:
    """Exactly those whose contract says so."""
    await attach(gateway, world, 1, anna)
    for file in (messages_pb, conversations_pb, pb, reactions_pb, reading_pb, drafts_pb):
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                relayed = method.GetOptions().Extensions[options_pb2.policy].relayed
                reason = await gateway.reason(gateway.call(1, f"/{service.full_name}/{method.name}", b"\xff"))
                assert reason == ("INVALID_REQUEST" if relayed else "UNIMPLEMENTED"), method.full_name


async def test_calls_pass_the_same_gate(world: World, gateway: Gateway, anna: str, bela: str) -> None:
    """Rules of the contract and of the service hold; the stream goes on."""
    group = await world.create(anna)
    await attach(gateway, world, 1, bela)
    assert await gateway.reason(gateway.message(1, group.id)) == "CONVERSATION_NOT_FOUND"
    assert await gateway.reason(gateway.message(1, "no uuid")) == "INVALID_REQUEST"
    assert await gateway.reason(gateway.message(1, group.id, "")) == "INVALID_REQUEST"
    assert await gateway.reason(gateway.call(1, "/nothing", b"")) == "UNIMPLEMENTED"
    (reply,) = await gateway.ask(pb.RelayEntry(id=1000, session=1))
    assert from_status(reply.error).reason == "INVALID_REQUEST"


async def test_a_session_has_to_be_attached(world: World, gateway: Gateway, anna: str) -> None:
    """By a good token, and until it is detached; to detach what is not attached does no harm."""
    group = await world.create(anna)
    assert await gateway.reason(gateway.message(1, group.id)) == "NOT_ATTACHED"
    assert await gateway.reason(gateway.attach(1, "rubbish")) == "TOKEN_INVALID"
    assert await gateway.reason(gateway.message(1, group.id)) == "NOT_ATTACHED"
    await attach(gateway, world, 1, anna)
    await gateway.ask(gateway.detach(1), gateway.detach(2))
    assert await gateway.reason(gateway.message(1, group.id)) == "NOT_ATTACHED"
    await world.send(anna, group.id)
    await attach(gateway, world, 1, anna)
    assert gateway.events == []


async def test_a_session_goes_on_with_a_fresh_token_of_its_user(
    world: World, gateway: Gateway, anna: str, bela: str
) -> None:
    """Not with somebody else's; and it counts once."""
    group = await world.create(anna)
    await attach(gateway, world, 1, anna)
    await attach(gateway, world, 1, anna)
    assert await gateway.reason(gateway.attach(1, world.token(bela))) == "USER_MISMATCH"
    await gateway.ask(gateway.message(1, group.id))
    await gateway.ask(gateway.detach(1))
    await world.send(anna, group.id)
    await attach(gateway, world, 2, bela)
    assert [e.change.pos for e in gateway.events] == [2]


async def test_entries_may_follow_their_attachment_at_once(world: World, gateway: Gateway, anna: str) -> None:
    """In one frame; the reply to the attachment tells the place before them, and their events follow it."""
    group = await world.create(anna)
    entry, message = gateway.attach(1, world.token(anna)), gateway.message(1, group.id)
    attached, sent = await gateway.ask(entry, message)
    assert dict(attached.attached.positions) == {group.id: 1}
    assert messages_pb.SendMessageResponse.FromString(sent.response).message.sender.username == "anna"
    assert await gateway.told(1) == [("message-new", 2, "", "")]


async def test_a_change_comes_once_for_all_members_of_a_stream(
    world: World, gateway: Gateway, anna: str, bela: str, cleo: str
) -> None:
    """And nothing of conversations that nobody here is in."""
    group = await world.create(anna, bela)
    foreign = await world.create(cleo)
    for session, user_id in enumerate((anna, anna, bela)):
        await attach(gateway, world, session, user_id)
    await world.send(cleo, foreign.id)
    await world.send(anna, group.id)
    await gateway.ask(gateway.detach(0))
    assert await gateway.told(1) == [("message-new", 2, "", "")]
    assert gateway.events == []


async def test_membership_is_told_so_that_nobody_gets_too_much_or_too_little(
    world: World, gateway: Gateway, anna: str, bela: str
) -> None:
    """Who joins gets it by name before the others' events reach them; who is removed is left out of it."""
    await attach(gateway, world, 1, anna)
    await attach(gateway, world, 2, bela)
    group = await world.create(anna)
    add = conversations_pb.AddMembersRequest(conversation_id=group.id, user_ids=[bela])
    await world.ask(world.conversations.AddMembers, add, anna)
    remove = conversations_pb.RemoveMemberRequest(conversation_id=group.id, user_id=bela)
    await world.ask(world.conversations.RemoveMember, remove, anna)
    await world.send(anna, group.id)
    assert await gateway.told(8) == [
        ("conversation-created", 1, anna, ""),
        ("conversation-added", 0, anna, ""),
        ("member-added", 2, "", ""),
        ("member-added", 2, bela, ""),
        ("conversation-added", 0, bela, ""),
        ("member-removed", 3, "", bela),
        ("conversation-removed", 0, bela, ""),
        ("message-new", 4, "", ""),
    ]


async def test_typing_and_receipts_leave_their_user_out(world: World, gateway: Gateway, anna: str, bela: str) -> None:
    """Strangers' typing is refused."""
    group = await world.create(anna, bela)
    await world.send(bela, group.id)
    foreign = await world.create(bela)
    await attach(gateway, world, 1, anna)
    await attach(gateway, world, 2, bela)
    start, stop = (
        gateway.call(1, f"{FEED}/StartTyping", pb.StartTypingRequest(conversation_id=group.id)),
        gateway.call(1, f"{FEED}/StopTyping", pb.StopTypingRequest(conversation_id=group.id)),
    )
    read = conversations_pb.MarkReadRequest(conversation_id=group.id, seq=1)
    await gateway.ask(start, stop, gateway.call(1, f"{CONVERSATIONS}/MarkRead", read))
    assert await gateway.told(4) == [
        ("typing", 0, "", anna),
        ("stop-typing", 0, "", anna),
        ("unread-updated", 0, anna, ""),
        ("receipt-read", 0, "", anna),
    ]
    for method, kind in (("StartTyping", pb.StartTypingRequest), ("StopTyping", pb.StopTypingRequest)):
        stranger = gateway.call(1, f"{FEED}/{method}", kind(conversation_id=foreign.id))
        assert await gateway.reason(stranger) == "CONVERSATION_NOT_FOUND"


async def test_many_calls_of_one_frame_are_answered_together(world: World, gateway: Gateway, anna: str) -> None:
    """In their order; replies and events leave in few frames."""
    group = await world.create(anna)
    await attach(gateway, world, 1, anna)
    before = len(gateway.frames)
    replies = await gateway.ask(*[gateway.message(1, group.id, str(i)) for i in range(200)])
    numbers = [messages_pb.SendMessageResponse.FromString(reply.response).message.seq for reply in replies]
    assert numbers == list(range(1, 201))
    assert [pos for _, pos, *_ in await gateway.told(200)] == list(range(2, 202))
    assert len(gateway.frames) - before < 20


async def test_frames_are_bounded(world: World, gateway: Gateway, anna: str) -> None:
    """What does not fit leaves in the next one."""
    group = await world.create(anna)
    await attach(gateway, world, 1, anna)
    await gateway.ask(*[gateway.message(1, group.id, "x" * 10_000) for _ in range(60)])
    await gateway.told(60)
    assert max(frame.ByteSize() for frame in gateway.frames) <= relay.MAX_FRAME_BYTES + 2_000


async def test_a_stream_that_is_finished_ends_after_the_last_answer(world: World, gateway: Gateway, anna: str) -> None:
    """Nothing that was taken is left without one."""
    group = await world.create(anna)
    entries = [gateway.attach(1, world.token(anna)), *[gateway.message(1, group.id) for _ in range(5)]]
    gateway.send(*entries)
    gateway.finish()
    while await gateway.read():
        pass
    assert {entry.id for entry in entries} <= gateway.replies.keys()


async def test_a_stream_ends_when_the_process_drains(world: World, gateway: Gateway, anna: str) -> None:
    """The gateway goes elsewhere."""
    await attach(gateway, world, 1, anna)
    for drain in world.drains:
        drain()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await gateway.read()
    assert from_rpc_error(caught.value).reason == "DRAINING"


async def test_attached_profiles_are_asked_for_in_one_call(world: World, gateway: Gateway) -> None:
    """However many sessions a frame attaches; none is asked for again by their messages."""
    users = [world.users.add(f"user{i}") for i in range(20)]
    entries = [gateway.attach(i, world.token(user_id)) for i, user_id in enumerate(users)]
    await gateway.ask(*entries)
    assert world.users.calls == 1
    group = await world.create(users[0])
    calls = world.users.calls
    await gateway.ask(*[gateway.message(0, group.id) for _ in range(10)])
    assert world.users.calls == calls


@pytest.mark.parametrize("broken", [b"", b"\x0a\x03abc"])
async def test_requests_that_say_nothing_are_refused(world: World, gateway: Gateway, anna: str, broken: bytes) -> None:
    """An empty one breaks the rules of the contract, rubbish is not even one."""
    await attach(gateway, world, 1, anna)
    assert await gateway.reason(gateway.call(1, SEND, broken)) == "INVALID_REQUEST"
