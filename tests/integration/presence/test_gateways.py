"""The streams of gateways: what they announce, and what they are told."""

import pytest

from chat.presence.v1 import presence_pb2 as presences
from chat.presence.v1 import presence_service_pb2 as pb
from mesh.errors import Invalid
from tests.integration.presence.world import World

ONLINE, OFFLINE = presences.PRESENCE_STATE_ONLINE, presences.PRESENCE_STATE_OFFLINE


def watched(world: World, user_id: str, workspace_id: str = "") -> pb.WatchedUser:
    return pb.WatchedUser(workspace_id=workspace_id or world.users[user_id], user_id=user_id)


async def test_a_gateway_is_told_of_whom_it_watches(world: World) -> None:
    """How they are, then when they come online through another gateway, then when they have left."""
    anna = world.user()
    async with world.gateway() as here, world.gateway() as there:
        await here.write(watch=[watched(world, anna)])
        first = await here.delta(anna)
        assert (first.workspace_id, first.presence.state, first.came_online) == (world.users[anna], OFFLINE, False)
        await there.write(connected=[world.lease(anna)])
        second = await here.delta(anna)
        assert (second.presence.state, second.own.devices, second.came_online) == (ONLINE, 1, True)
        await there.write(closed=[world.lease(anna)])
        while (last := await here.delta(anna)).presence.state != OFFLINE:
            assert not last.came_online
        assert last.presence.HasField("last_seen")


async def test_what_is_renewed_brings_nobody_online(world: World) -> None:
    """As after the stream was opened again."""
    anna = world.user()
    async with world.gateway() as gateway:
        await gateway.write(renewed=[world.lease(anna)], watch=[watched(world, anna)])
        delta = await gateway.delta(anna)
        while delta.presence.state != ONLINE:
            delta = await gateway.delta(anna)
        assert not delta.came_online


async def test_nothing_is_told_across_workspaces(world: World) -> None:
    """Nor of who is not watched any more."""
    anna, bela = world.user(), world.user()
    async with world.gateway() as gateway:
        await gateway.write(watch=[watched(world, anna, "elsewhere"), watched(world, anna), watched(world, bela)])
        await gateway.write(unwatch=[watched(world, anna)], connected=[world.lease(anna), world.lease(bela)])
        told: list[pb.PresenceDelta] = []
        while not any(delta.presence.user_id == bela and delta.presence.state == ONLINE for delta in told):
            told += (await gateway.frame()).deltas
        assert {(d.workspace_id, d.presence.state) for d in told if d.presence.user_id == anna} <= {
            ("elsewhere", OFFLINE)
        }


async def test_devices_outlive_the_stream_of_their_gateway(world: World) -> None:
    """It may come back."""
    anna = world.user()
    async with world.gateway() as gateway:
        await gateway.write(connected=[world.lease(anna)])
        await world.until(anna, anna, ONLINE)
    assert (await world.see(anna)).state == ONLINE


@pytest.mark.parametrize(
    "frame",
    [
        pb.HeartbeatRequest(),
        pb.HeartbeatRequest(gateway_id="g", connected=[pb.DeviceLease(workspace_id="w", user_id="nobody")]),
    ],
    ids=["no name", "no user"],
)
async def test_a_frame_that_breaks_a_rule_ends_the_stream(world: World, frame: pb.HeartbeatRequest) -> None:
    """It is a process of ours that is wrong."""
    async with world.gateway() as gateway:
        await gateway._call.write(frame)
        with pytest.raises(Invalid):
            await gateway.end()
