"""Who is there, as users see each other."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chat.event.v1.user_events_pb2 import UserErased
from chat.presence.v1 import presence_pb2 as presences
from chat.presence.v1 import presence_service_pb2 as pb
from mesh.call.status import from_rpc_error
from mesh.errors import Invalid, NotFound, Unauthenticated, Unavailable
from mesh.events.bus import Event
from tests.integration.presence.world import World

ONLINE, AWAY, BUSY = presences.PRESENCE_STATE_ONLINE, presences.PRESENCE_STATE_AWAY, presences.PRESENCE_STATE_BUSY
OFFLINE, UNKNOWN = presences.PRESENCE_STATE_OFFLINE, presences.PRESENCE_STATE_UNKNOWN


async def say(world: World, user_id: str, **fields: Any) -> presences.Presence:
    request = pb.SetPresenceRequest(**fields)
    return (await world.ask(world.presence.SetPresence, request, user_id)).presence


async def drained(frames: AsyncIterator[Any]) -> None:
    """Reads all that comes."""
    async for _ in frames:
        pass


async def test_a_user_is_online_while_a_device_is_connected(world: World) -> None:
    """Then offline, with when they were last there. Who was never there was never seen."""
    anna, bela = world.user(), world.user()
    assert await world.see(bela, anna) == presences.Presence(user_id=anna, state=OFFLINE)
    async with world.gateway() as gateway:
        await gateway.write(connected=[world.lease(anna), world.lease(anna, "s2")])
        await world.until(bela, anna, ONLINE)
        await gateway.write(closed=[world.lease(anna)], renewed=[world.lease(anna, "s2", away=True)])
        await world.until(bela, anna, AWAY)
        await gateway.write(closed=[world.lease(anna, "s2")])
        await world.until(bela, anna, OFFLINE)
    assert (await world.see(bela, anna)).HasField("last_seen")


async def test_oneself_sees_more_than_others_do(world: World) -> None:
    """How many devices there are, and what one has set."""
    anna, bela = world.user(), world.user()
    async with world.gateway() as gateway:
        await gateway.write(connected=[world.lease(anna), world.lease(anna, "s2")])
        await world.until(bela, anna, ONLINE)
        own = await say(world, anna, status=presences.PRESENCE_STATUS_INVISIBLE, message="hiding")
        assert own == await world.see(anna) == await world.see(anna, anna)
        assert (own.state, own.devices, own.message) == (ONLINE, 2, "hiding")
        assert own.status == presences.PRESENCE_STATUS_INVISIBLE
        hidden = await world.see(bela, anna)
    assert (hidden.state, hidden.devices, hidden.message, hidden.status) == (OFFLINE, 0, "", 0)


async def test_what_a_user_says_is_shown_until_it_is_replaced(world: World) -> None:
    """It outlives the devices."""
    anna, bela = world.user(), world.user()
    until = Timestamp()
    until.FromDatetime((datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0))
    await say(world, anna, status=presences.PRESENCE_STATUS_BUSY, message="meeting", emoji="📅", expires_at=until)
    seen = await world.see(bela, anna)
    assert (seen.state, seen.message, seen.emoji, seen.expires_at) == (OFFLINE, "meeting", "📅", until)
    async with world.gateway() as gateway:
        await gateway.write(connected=[world.lease(anna)])
        await world.until(bela, anna, BUSY)
        await say(world, anna)
        assert await world.see(bela, anna) == presences.Presence(user_id=anna, state=ONLINE)


async def test_what_cannot_be_said_is_refused(world: World) -> None:
    """And nothing is kept of it."""
    anna, past = world.user(), Timestamp(seconds=1)
    for wrong in ({"message": "x" * 141}, {"emoji": "a b"}, {"expires_at": past}, {"status": 17}):
        with pytest.raises(Invalid) as refused:
            await say(world, anna, **wrong)
        assert [violation.field for violation in refused.value.violations] == [*wrong]
    assert (await world.see(anna)).message == ""


async def test_several_users_are_told_in_the_order_asked_for(world: World) -> None:
    """Each once; those of other workspaces as if they did not exist."""
    anna, bela, stranger = world.user(), world.user(), world.user("elsewhere")
    async with world.gateway() as gateway:
        await gateway.write(connected=[world.lease(user_id) for user_id in (anna, bela, stranger)])
        await world.until(anna, bela, ONLINE)
        request = pb.BatchGetPresencesRequest(ids=[bela, stranger, anna, bela])
        found = (await world.ask(world.presence.BatchGetPresences, request, anna)).items
        assert [(item.user_id, item.state) for item in found] == [(bela, ONLINE), (stranger, OFFLINE), (anna, ONLINE)]
        assert found[1] == presences.Presence(user_id=stranger, state=OFFLINE)
        await say(world, stranger, message="not for you")
        assert await world.see(anna, stranger) == presences.Presence(user_id=stranger, state=OFFLINE)


async def test_members_who_are_there_are_found_page_by_page(world: World) -> None:
    """For who is a member."""
    members = [world.user() for _ in range(5)]
    world.groups.members["00000000-0000-0000-0000-000000000001"] = members
    group, outsider = "00000000-0000-0000-0000-000000000001", world.user()
    async with world.gateway() as gateway:
        await gateway.write(connected=[world.lease(members[1]), world.lease(members[4])])
        await world.until(members[0], members[4], ONLINE)
        request = pb.ListConversationPresencesRequest(conversation_id=group, limit=3)
        first = await world.ask(world.presence.ListConversationPresences, request, members[0])
        request.cursor = first.page.next_cursor
        second = await world.ask(world.presence.ListConversationPresences, request, members[0])
    assert [[item.user_id for item in page.items] for page in (first, second)] == [[members[1]], [members[4]]]
    assert [page.page.has_more for page in (first, second)] == [True, False]
    with pytest.raises(NotFound):
        await world.ask(world.presence.ListConversationPresences, request, outsider)


async def test_who_watches_is_told_of_each_change(world: World) -> None:
    """First how everybody is; of others what they see of them, of oneself all."""
    anna, bela, stranger = world.user(), world.user(), world.user("elsewhere")
    call = world.presence.WatchPresences(
        pb.WatchPresencesRequest(ids=[anna, bela, stranger]), metadata=world.metadata(anna)
    )
    frames = aiter(call)
    assert [item.state for item in (await anext(frames)).items] == [OFFLINE, OFFLINE, OFFLINE]
    async with world.gateway() as gateway:
        await gateway.write(connected=[world.lease(bela), world.lease(anna), world.lease(stranger)])
        told: dict[str, presences.Presence] = {}
        while len(told) < 2:
            told |= {item.user_id: item for item in (await anext(frames)).items}
    assert {user_id: (item.state, item.devices) for user_id, item in told.items()} == {
        anna: (ONLINE, 1),
        bela: (ONLINE, 0),
    }
    call.cancel()


async def test_a_stream_ends_with_its_session(world: World) -> None:
    """And when its process does."""
    anna = world.user()

    async def ends(call: Any) -> Exception:
        frames = aiter(call)
        await anext(frames)
        world.mesh.verifier.revocations.add([(f"session of {anna}", 2e9)])
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await drained(frames)
        return from_rpc_error(ended.value)

    request = pb.WatchPresencesRequest(ids=[anna])
    error = await ends(world.presence.WatchPresences(request, metadata=world.metadata(anna)))
    assert isinstance(error, Unauthenticated)
    assert error.reason == "SESSION_REVOKED"


async def test_a_stream_ends_with_its_token(world: World) -> None:
    """The client has a fresh one by then."""
    anna = world.user()
    call = world.presence.WatchPresences(
        pb.WatchPresencesRequest(ids=[anna]), metadata=world.metadata(anna, lifetime_s=1.5)
    )
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await drained(aiter(call))
    assert from_rpc_error(ended.value).reason == "TOKEN_EXPIRED"


async def test_all_streams_end_before_the_process_does(world: World) -> None:
    """So that their clients go on elsewhere."""
    anna = world.user()
    call = world.presence.WatchPresences(pb.WatchPresencesRequest(ids=[anna]), metadata=world.metadata(anna))
    frames = aiter(call)
    await anext(frames)
    async with world.gateway() as gateway:
        await gateway.write(connected=[world.lease(anna)])
        await world.until(anna, anna, ONLINE)
        for drain in world.drains:
            drain()
        with pytest.raises(Unavailable, match="DRAINING"):
            await gateway.end()
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await drained(frames)
    assert from_rpc_error(ended.value).reason == "DRAINING"


async def test_nothing_is_kept_of_an_erased_user(world: World) -> None:
    """As the user service tells."""
    anna, bela = world.user(), world.user()
    await say(world, anna, message="still here")
    assert (await world.see(bela, anna)).message == "still here"
    headers = {"ce_type": "user.erased", "ce_id": "1"}
    event = Event("chat.user.events", anna, headers, UserErased(user_id=anna).SerializeToString())
    await world.mesh.bus.publish([event])
    assert (await world.see(bela, anna)).message == ""
