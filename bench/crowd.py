"""The load generator, a process of its own: reads a plan from its input, writes one JSON line of figures.

It speaks Socket.IO over bare WebSockets, since a full client costs several times what the server is measured for.
"""

import asyncio
import itertools
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect

from bench import TEXT
from bench.clock import Stopwatch
from bench.machine import cpu_seconds

TIMEOUT_S = 60
EVENT, ACK, PING, PONG = "42", "43", "2", "3"
NEW = f'{EVENT}["message-new",'
HELLO = f'{EVENT}["hello",'


@dataclass(frozen=True, slots=True)
class Plan:
    """`rooms` holds a conversation id and its members' tokens. With `rate` 0 each sends again when acknowledged."""

    url: str
    server_pid: int
    rooms: Sequence[tuple[str, Sequence[str]]]
    each: int
    """Messages that every member sends."""
    rate: float
    """Messages a second of all together, whether the earlier ones were acknowledged or not."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run came to. CPU of the server until it is quiet again, all threads, user and system."""

    sent: int
    delivered: int
    wall_s: float
    server_cpu_s: float
    crowd_cpu_s: float
    ack_p50_ms: float
    ack_p99_ms: float


class Socket:
    """One member of one room: sends, and keeps the number of every message that arrives."""

    def __init__(self, connection: ClientConnection, conversation_id: str) -> None:
        self._connection = connection
        self._conversation_id = conversation_id
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._arrived = asyncio.Event()
        self.ready = asyncio.Event()
        self.seqs: list[int] = []
        self.latencies: list[float] = []

    async def receive(self) -> None:
        """Takes what the server sends, until it is cancelled."""
        async for frame in self._connection:
            assert isinstance(frame, str)
            if frame.startswith(NEW):
                change = orjson.loads(frame[len(EVENT) :])[1]
                assert change["conversation_id"] == self._conversation_id
                self.seqs.append(change["seq"])
                self._arrived.set()
            elif frame.startswith(ACK):
                number, _, answer = frame[len(ACK) :].partition("[")
                self._waiting.pop(int(number)).set_result(orjson.loads("[" + answer)[0])
            elif frame == PING:
                await self._connection.send(PONG)
            elif frame.startswith(HELLO):
                self.ready.set()

    async def close(self) -> None:
        await self._connection.close()

    async def send(self) -> int:
        """The number that the message was given."""
        number = next(self._numbers)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        body = orjson.dumps(["send-message", {"conversation_id": self._conversation_id, "text": TEXT}]).decode()
        sent = time.perf_counter()
        await self._connection.send(f"{EVENT}{number}{body}")
        answer = await future
        self.latencies.append(time.perf_counter() - sent)
        assert answer["ok"], answer
        seq: int = answer["data"]["seq"]
        return seq

    async def send_in_turn(self, count: int) -> list[int]:
        return [await self.send() for _ in range(count)]

    async def send_paced(self, count: int, *, first_s: float, interval_s: float) -> list[int]:
        start = time.perf_counter() + first_s
        sends = []
        async with asyncio.TaskGroup() as group:
            for turn in range(count):
                await asyncio.sleep(start + turn * interval_s - time.perf_counter())
                sends.append(group.create_task(self.send()))
        return [send.result() for send in sends]

    async def has(self, last_seq: int) -> None:
        """Waits until the message with this number has arrived."""
        while not self.seqs or self.seqs[-1] < last_seq:
            self._arrived.clear()
            await self._arrived.wait()


Room = list[Socket]


async def open_socket(url: str, conversation_id: str, token: str, group: asyncio.TaskGroup) -> Socket:
    address = url.replace("http", "ws", 1) + "/ws/?EIO=4&transport=websocket"
    connection = await connect(address, compression=None, ping_interval=None)
    await connection.recv()
    await connection.send("40" + json.dumps({"token": token}))
    socket = Socket(connection, conversation_id)
    group.create_task(socket.receive())
    await socket.ready.wait()
    return socket


async def talk(rooms: Sequence[Room], each: int, rate: float) -> list[list[int]]:
    """Everybody sends `each` messages. By room, the numbers that the senders were told, once all were delivered."""
    sockets = [socket for room in rooms for socket in room]
    interval_s = len(sockets) / rate if rate else 0
    sends = [
        socket.send_paced(each, first_s=interval_s * turn / len(sockets), interval_s=interval_s)
        if rate
        else socket.send_in_turn(each)
        for turn, socket in enumerate(sockets)
    ]
    answers = iter(await asyncio.gather(*sends))
    told = [sorted(seq for _ in room for seq in next(answers)) for room in rooms]
    for room, seqs in zip(rooms, told, strict=True):
        for socket in room:
            await socket.has(seqs[-1])
    return told


def check(room: Room, seqs: Sequence[int]) -> None:
    """Raises AssertionError unless the numbers have no gap, and every member got each of them once and in order."""
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "a number is missing or doubled"
    for socket in room:
        assert socket.seqs == seqs, "a message was not delivered, or twice, or out of order"


async def quiet(pid: int) -> float:
    """The CPU seconds of a process once it does nothing more."""
    before = -1.0
    while (now := cpu_seconds(pid)) != before:
        before = now
        await asyncio.sleep(0.2)
    return now


async def measure(rooms: Sequence[Room], plan: Plan) -> Figures:
    await talk(rooms, 5, 0)
    sockets = [socket for room in rooms for socket in room]
    for socket in sockets:
        socket.seqs, socket.latencies = [], []
    server_s = await quiet(plan.server_pid)
    watch = Stopwatch()
    told = await talk(rooms, plan.each, plan.rate)
    wall_s, crowd_s = watch.wall_s(), watch.cpu_s()
    server_s = await quiet(plan.server_pid) - server_s
    for room, seqs in zip(rooms, told, strict=True):
        check(room, seqs)
    latencies = statistics.quantiles([s * 1000 for socket in sockets for s in socket.latencies], n=100)
    return Figures(
        sent=sum(len(seqs) for seqs in told),
        delivered=sum(len(socket.seqs) for socket in sockets),
        wall_s=wall_s,
        server_cpu_s=server_s,
        crowd_cpu_s=crowd_s,
        ack_p50_ms=latencies[49],
        ack_p99_ms=latencies[98],
    )


async def run(plan: Plan) -> Figures:
    async with asyncio.timeout(TIMEOUT_S), asyncio.TaskGroup() as group:
        rooms = [
            [await open_socket(plan.url, conversation_id, token, group) for token in tokens]
            for conversation_id, tokens in plan.rooms
        ]
        figures = await measure(rooms, plan)
        for room in rooms:
            for socket in room:
                await socket.close()
    return figures


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(run(Plan(**json.load(sys.stdin)))))))
