"""What a message costs through the facade, and by a direct call of the same servicer, which does without a facade."""

import asyncio
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import grpc

from bench import TEXT
from bench.clock import Stopwatch
from bench.fill import is_quick
from bench.peers.compare import WARM_S, per_message_us, spread
from bench.peers.divided import Divided, divided
from bench.peers.goals import Row
from bench.peers.load import crowd
from bench.peers.process import cpu_seconds, settled_cpu_seconds
from bench.peers.target import Room
from chat.message.v1.message_service_pb2 import SendMessageRequest
from chat.message.v1.message_service_pb2_grpc import MessageServiceStub

ROOMS, RATE, SECONDS = 50, 200.0, 10.0
"""Rooms of one member: nothing but the way of a message is measured."""


def proxied() -> Sequence[Row]:
    with divided() as ours:
        rooms = ours.target.rooms(ROOMS, 1)
        with crowd(ours.target, rooms) as load:
            load.connect()
            load.talk(RATE, WARM_S)
            asyncio.run(_called_us(ours, rooms, WARM_S))
            ways = [lambda: per_message_us(load.talk(RATE, _seconds())), lambda: _direct_us(ours, rooms)]
            same = [ways[0]() / ways[0]() for _ in range(1 if is_quick() else 3)]
            found: tuple[list[float], list[float]] = ([], [])
            for order in ((0, 1), (1, 0)) * (1 if is_quick() else 2):
                for way in order:
                    found[way].append(ways[way]())
    ratio = median(mine / other for mine, other in zip(*found, strict=True))
    what = "CPU per message, socket, facade and services: caller and services by unary gRPC"
    return [Row("g", what, f"{median(found[0]):.0f} µs", f"{median(found[1]):.0f} µs", ratio, spread(same))]


def _direct_us(ours: Divided, rooms: Sequence[Room]) -> float:
    return asyncio.run(_called_us(ours, rooms, _seconds()))


async def _called_us(ours: Divided, rooms: Sequence[Room], seconds: float) -> float:
    """CPU of the services and of this process, which calls at the same rate, whether earlier calls are done or not."""
    count = int(RATE * seconds)
    async with grpc.aio.insecure_channel(f"ipv4:{ours.grpc}") as channel, asyncio.TaskGroup() as group:
        before, watch, start = cpu_seconds([ours.services]), Stopwatch(), time.monotonic()
        stub = MessageServiceStub(channel)
        calls = []
        for turn in range(count):
            await asyncio.sleep(start + turn / RATE - time.monotonic())
            calls.append(group.create_task(_send(stub, rooms[turn % len(rooms)])))
        await asyncio.gather(*calls)
        own = watch.cpu_s()
    return (own + settled_cpu_seconds([ours.services]) - before) / count * 1e6


async def _send(stub: Any, room: Room) -> None:
    request = SendMessageRequest(conversation_id=room.id, text=TEXT)
    await stub.SendMessage(request, metadata=(("authorization", f"Bearer {room.tokens[0]}"),), timeout=30)


def _seconds() -> float:
    return 3 if is_quick() else SECONDS
