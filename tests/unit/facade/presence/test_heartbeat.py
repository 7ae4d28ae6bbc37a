"""The stream to the presence service, against a service of a few lines."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from prometheus_client import CollectorRegistry

from chat.presence.v1 import presence_service_pb2 as pb
from chat.presence.v1.presence_service_pb2_grpc import (
    PresenceServiceServicer,
    add_PresenceServiceServicer_to_server,
)
from facade.presence.audience import User
from facade.presence.heartbeat import Heartbeat
from mesh.background import background
from mesh.call.channel import MeshChannel
from mesh.call.inprocess import InProcessServer
from mesh.telemetry.metrics import Metrics

ANNA, BELA = "anna", "bela"
FIELDS = ("connected", "renewed", "closed")


class Service(PresenceServiceServicer):
    """Keeps what it is told; says what it is given to say, and ends a stream when that is None."""

    def __init__(self) -> None:
        self.frames: list[pb.HeartbeatRequest] = []
        self.changed = asyncio.Event()
        self.says: asyncio.Queue[pb.HeartbeatResponse | None] = asyncio.Queue()
        self.ended = 0

    async def Heartbeat(self, request_iterator: Any, context: object) -> AsyncIterator[pb.HeartbeatResponse]:
        reader = asyncio.create_task(self._read(request_iterator))
        try:
            yield pb.HeartbeatResponse()
            while (frame := await self.says.get()) is not None:
                yield frame
        finally:
            reader.cancel()

    async def _read(self, frames: Any) -> None:
        async for frame in frames:
            self.frames.append(frame)
            self.changed.set()
        self.ended += 1
        self.says.put_nowait(None)

    def told(self, field: str) -> list[str]:
        """The sockets, or users, that were named in a field so far."""
        name = "socket_id" if field in FIELDS else "user_id"
        return [getattr(item, name) for frame in self.frames for item in getattr(frame, field)]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


class Socket:
    is_congested = False
    session_id, workspace_id = "session", "acme"

    def __init__(self, user_id: str, sid: str) -> None:
        self.user_id, self.sid = user_id, sid

    def write(self, frame: bytes) -> None: ...


class Harness:
    def __init__(self, service: Service, channel: Any, renew_s: float) -> None:
        self.service = service
        self.watched: list[User] = []
        self.heard: list[str] = []
        self.heartbeat = Heartbeat(channel, "gateway", lambda: self.watched, self._hear, renew_s=renew_s)

    def _hear(self, deltas: Sequence[pb.PresenceDelta]) -> None:
        self.heard += [delta.presence.user_id for delta in deltas]
        self.service.changed.set()


@asynccontextmanager
async def running(*, renew_s: float = 60) -> AsyncIterator[Harness]:
    service, server = Service(), InProcessServer(())  # type: ignore[abstract]
    add_PresenceServiceServicer_to_server(service, server)  # type: ignore[arg-type]
    harness = Harness(service, MeshChannel(server.channel(), Metrics(CollectorRegistry())), renew_s)
    async with background(harness.heartbeat.run(), "heartbeat"):
        yield harness
    await server.stop(1)


async def test_a_socket_is_named_when_it_connects_and_when_it_ends() -> None:
    """The first frame names the gateway."""
    async with running() as harness:
        heartbeat, service = harness.heartbeat, harness.service
        first, second = Socket(ANNA, "s1"), Socket(BELA, "s2")
        heartbeat.online(first)
        heartbeat.online(second)
        await service.until(lambda: sorted(service.told("connected")) == ["s1", "s2"])
        assert service.frames[0].gateway_id == "gateway"
        heartbeat.offline(first)
        heartbeat.offline(first)
        await service.until(lambda: service.told("closed") == ["s1"])
        assert (heartbeat.holds(first), heartbeat.holds(second)) == (False, True)


async def test_a_socket_that_ends_before_it_was_named_never_was() -> None:
    """Nobody hears of it."""
    async with running() as harness:
        heartbeat, service = harness.heartbeat, harness.service
        heartbeat.online(Socket(ANNA, "s1"))
        heartbeat.offline(Socket(ANNA, "s1"))
        heartbeat.online(Socket(ANNA, "s2"))
        await service.until(lambda: service.told("connected") == ["s2"])
        assert service.told("closed") == []


async def test_all_devices_are_named_again_and_again() -> None:
    """So that their leases go on."""
    async with running(renew_s=0.01) as harness:
        harness.heartbeat.online(Socket(ANNA, "s1"))
        await harness.service.until(lambda: harness.service.told("renewed").count("s1") >= 3)


async def test_the_service_asks_for_all_devices() -> None:
    """When it has lost them."""
    async with running() as harness:
        heartbeat, service = harness.heartbeat, harness.service
        for number in range(2500):
            heartbeat.online(Socket(ANNA, f"s{number}"))
        await service.until(lambda: len(service.told("connected")) == 2500)
        service.says.put_nowait(pb.HeartbeatResponse(reannounce=True))
        await service.until(lambda: len(service.told("renewed")) == 2500)
        assert max(len(frame.renewed) for frame in service.frames) <= 1000


async def test_a_new_stream_begins_with_all_devices_and_all_who_are_watched() -> None:
    """Those that connected meanwhile are new; those that ended meanwhile are closed."""
    async with running() as harness:
        heartbeat, service = harness.heartbeat, harness.service
        heartbeat.online(Socket(ANNA, "s1"))
        heartbeat.online(Socket(ANNA, "s2"))
        await service.until(lambda: len(service.told("connected")) == 2)
        harness.watched = [("acme", BELA)]
        service.frames.clear()
        service.says.put_nowait(None)
        await service.until(lambda: bool(service.frames))
        heartbeat.offline(Socket(ANNA, "s1"))
        heartbeat.online(Socket(ANNA, "s3"))
        await service.until(lambda: service.told("connected") == ["s3"] and service.told("closed") == ["s1"])
        assert "s2" in service.told("renewed")
        assert service.told("watch") == [BELA]
        assert service.frames[0].gateway_id == "gateway"


async def test_interest_and_what_comes_of_it() -> None:
    """Changes of interest go one way, changes of users the other."""
    async with running() as harness:
        heartbeat, service = harness.heartbeat, harness.service
        await service.until(lambda: bool(service.frames))
        heartbeat.interest(("acme", ANNA), True)
        await service.until(lambda: service.told("watch") == [ANNA])
        heartbeat.interest(("acme", ANNA), False)
        await service.until(lambda: service.told("unwatch") == [ANNA])
        delta = pb.PresenceDelta()
        delta.presence.user_id = ANNA
        service.says.put_nowait(pb.HeartbeatResponse(deltas=[delta]))
        await service.until(lambda: harness.heard == [ANNA])


async def test_a_device_that_is_left_alone_is_told_of_at_once() -> None:
    """And so is one that is used again; what is as it was is not."""
    async with running() as harness:
        heartbeat, service, socket = harness.heartbeat, harness.service, Socket(ANNA, "s1")
        heartbeat.online(socket)
        await service.until(lambda: service.told("connected") == ["s1"])
        heartbeat.mark(socket, away=False)
        heartbeat.mark(socket, away=True)
        await service.until(lambda: service.told("renewed") == ["s1"])
        assert service.frames[-1].renewed[0].away
        heartbeat.mark(Socket(BELA, "gone"), away=True)


async def test_the_end_tells_that_all_devices_are_closed() -> None:
    """And waits for it to be heard."""
    async with running() as harness:
        heartbeat, service = harness.heartbeat, harness.service
        heartbeat.online(Socket(ANNA, "s1"))
        await service.until(lambda: service.told("connected") == ["s1"])
        heartbeat.online(Socket(ANNA, "s2"))
        await heartbeat.leave()
        assert (service.told("closed"), service.told("connected"), service.ended) == (["s1"], ["s1"], 1)
