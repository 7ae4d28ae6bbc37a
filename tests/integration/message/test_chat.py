"""Chat: one stream that tells and takes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import grpc
import pytest

from chat.message.v1 import conversation_service_pb2 as conversations_pb
from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1 import message_service_pb2 as messages_pb
from chat.message.v1 import reaction_service_pb2 as reactions_pb
from chat.message.v1 import reading_service_pb2 as reading_pb
from chat.message.v1.change_pb2 import Change
from mesh.call.status import from_rpc_error, from_status
from mesh.errors import Invalid, Unavailable
from services.message.feed import chat
from tests.integration.message.world import World


class Chat:
    """The client's end of a stream. What it is told is sorted into changes and answers."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._ids = count(1)
        self.changes: list[Change] = []
        self.answers: dict[int, pb.ChatAnswer] = {}

    async def write(self, **frame: Any) -> int:
        id_ = next(self._ids)
        await self._call.write(pb.ChatRequest(id=id_, **frame))
        return id_

    async def done(self) -> None:
        await self._call.done_writing()

    async def read(self) -> pb.ChatResponse | None:
        """The next frame, None at the end."""
        async with asyncio.timeout(5):
            try:
                frame = await self._call.read()
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error) from error
        if frame is grpc.aio.EOF:
            return None
        if frame.HasField("change"):
            self.changes.append(frame.change)
        if frame.HasField("answer"):
            self.answers[frame.answer.id] = frame.answer
        return frame  # type: ignore[no-any-return]

    async def ready(self) -> pb.Ready:
        frame = await self.read()
        assert frame is not None
        return frame.ready

    async def ask(self, **call: Any) -> pb.ChatAnswer:
        id_ = await self.write(**call)
        while id_ not in self.answers:
            assert await self.read() is not None
        return self.answers[id_]

    async def reason(self, **call: Any) -> str:
        return from_status((await self.ask(**call)).error).reason


@asynccontextmanager
async def chatting(world: World, user_id: str, **place: Any) -> AsyncIterator[Chat]:
    """A stream that is open."""
    call = world.feed.Chat(metadata=world.metadata(user_id))
    stream = Chat(call)
    await stream.write(open=pb.SubscribeRequest(**place))
    await stream.ready()
    try:
        yield stream
    finally:
        call.cancel()


async def test_it_tells_what_was_missed_then_what_happens(world: World, anna: str, bela: str) -> None:
    """As a feed does, from the place asked for."""
    group = await world.create(anna, bela)
    await world.send(anna, group.id, "missed")
    async with chatting(world, bela, user_pos=1, positions={group.id: 1}) as stream:
        await world.send(anna, group.id, "live")
        while len(stream.changes) < 2:
            await stream.read()
    assert [(c.type, c.pos, c.data.message.text) for c in stream.changes] == [
        ("message-new", 2, "missed"),
        ("message-new", 3, "live"),
    ]


async def test_every_call_is_answered_by_its_number(world: World, anna: str, bela: str) -> None:
    """With the answer of the call of its own, and its effect is told to all who are there."""
    group = await world.create(anna, bela)
    async with chatting(world, anna) as stream, world.subscribe(bela) as feed:
        await feed.ready()
        send = messages_pb.SendMessageRequest(conversation_id=group.id, text="hi", client_msg_id="k")
        sent = (await stream.ask(send=send)).sent
        assert (sent.message.seq, sent.message.sender.username, sent.replayed) == (1, "anna", False)
        assert (await stream.ask(send=send)).sent.replayed
        id_ = sent.message.id
        edited = await stream.ask(edit=messages_pb.EditMessageRequest(id=id_, text="new"))
        assert edited.edited.message.text == "new"
        reaction = {"message_id": id_, "emoji": "👍"}
        assert (await stream.ask(react=reactions_pb.AddReactionRequest(**reaction))).HasField("reacted")
        assert (await stream.ask(unreact=reactions_pb.RemoveReactionRequest(**reaction))).HasField("unreacted")
        mark: dict[str, Any] = {"conversation_id": group.id, "seq": 1}
        delivered = await stream.ask(mark_delivered=reading_pb.MarkDeliveredRequest(**mark))
        assert delivered.marked_delivered.last_delivered_seq == 1
        read = await stream.ask(mark_read=conversations_pb.MarkReadRequest(**mark))
        assert read.marked_read.last_read_seq == 1
        where = {"conversation_id": group.id}
        assert (await stream.ask(typing=pb.StartTypingRequest(**where))).HasField("typing")
        assert (await stream.ask(stop_typing=pb.StopTypingRequest(**where))).HasField("stopped_typing")
        deleted = await stream.ask(delete=messages_pb.DeleteMessageRequest(id=id_))
        assert deleted.deleted.message.deleted_by == anna
        told = [change.type for change in await feed.changes(9)]
    assert told == [
        *("message-new", "message-updated", "reaction-added", "reaction-removed", "receipt-delivered", "receipt-read"),
        *("typing", "stop-typing", "message-deleted"),
    ]


async def test_calls_are_carried_out_in_their_order(world: World, anna: str) -> None:
    """However many are on their way."""
    group = await world.create(anna)
    async with chatting(world, anna) as stream:
        for number in range(40):
            await stream.write(send=messages_pb.SendMessageRequest(conversation_id=group.id, text=str(number)))
        while len(stream.answers) < 40:
            await stream.read()
    texts = [answer.sent.message.text for _, answer in sorted(stream.answers.items())]
    seqs = [answer.sent.message.seq for _, answer in sorted(stream.answers.items())]
    assert (texts, seqs) == ([str(number) for number in range(40)], list(range(1, 41)))


async def test_a_refused_call_does_not_end_the_stream(world: World, anna: str, bela: str) -> None:
    """It passes the gate of a call of its own, and says why not as that would."""
    foreign = await world.create(bela)
    async with chatting(world, anna) as stream:
        send = messages_pb.SendMessageRequest(conversation_id=foreign.id, text="hi")
        assert await stream.reason(send=send) == "CONVERSATION_NOT_FOUND"
        send = messages_pb.SendMessageRequest(conversation_id="no uuid", text="hi")
        assert await stream.reason(send=send) == "INVALID_REQUEST"
        typing = pb.StartTypingRequest(conversation_id=foreign.id)
        assert await stream.reason(typing=typing) == "CONVERSATION_NOT_FOUND"
        assert await stream.reason(open=pb.SubscribeRequest()) == "INVALID_REQUEST"
        own = await world.create(anna)
        send = messages_pb.SendMessageRequest(conversation_id=own.id, text="hi")
        assert (await stream.ask(send=send)).HasField("sent")


@pytest.mark.parametrize(
    "frame",
    [
        {},
        {"typing": pb.StartTypingRequest(conversation_id="x")},
        {"open": pb.SubscribeRequest(user_pos=-1)},
        {"open": pb.SubscribeRequest(positions={"no uuid": 1})},
        None,
    ],
)
async def test_the_first_frame_opens_it(world: World, anna: str, frame: dict[str, Any] | None) -> None:
    """Anything else is refused, and so is nothing."""
    call = world.feed.Chat(metadata=world.metadata(anna))
    stream = Chat(call)
    if frame is not None:
        await stream.write(**frame)
    await stream.done()
    with pytest.raises(Invalid, match="INVALID_REQUEST"):
        await stream.read()


async def test_a_stream_that_is_not_opened_ends(world: World, anna: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while."""
    monkeypatch.setattr(chat, "OPEN_S", 0.01)
    stream = Chat(world.feed.Chat(metadata=world.metadata(anna)))
    with pytest.raises(Exception, match="DEADLINE_EXCEEDED"):
        await stream.read()


async def test_it_ends_when_the_caller_has_no_more_to_say(world: World, anna: str) -> None:
    """After the last answer."""
    group = await world.create(anna)
    async with chatting(world, anna) as stream:
        await stream.write(send=messages_pb.SendMessageRequest(conversation_id=group.id, text="last"))
        await stream.done()
        while await stream.read() is not None:
            pass
    assert [answer.sent.message.text for answer in stream.answers.values()] == ["last"]
    assert [change.type for change in stream.changes] == ["message-new"]


async def test_it_ends_when_the_process_drains(world: World, anna: str) -> None:
    """So that the client goes on elsewhere."""
    async with chatting(world, anna) as stream:
        for drain in world.drains:
            drain()
        with pytest.raises(Unavailable, match="DRAINING"):
            await stream.read()
