"""How many messages a second one writer puts on disk, by how many wait for it at once, and beside a bare driver."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from uuid_utils import uuid7

from bench import TEXT
from bench.clock import Stopwatch
from bench.fill import databases
from bench.table import Table
from mesh.audit.log import open_trail
from mesh.database import open_database
from mesh.identity.principal import DEFAULT_WORKSPACE
from mesh.sql.engines import open_engine
from mesh.telemetry.metrics import Metrics
from services.message.command import Origin
from services.message.conversations.domain import CreateConversation, Kind
from services.message.journal_sql import SqlJournal
from services.message.messages.domain import SendMessage, fingerprint
from services.message.service import MIGRATIONS
from services.message.tables import audit, audit_head
from services.message.writer import Writer

WAITING = {1: 500, 10: 2000, 100: 5000, 500: 20_000}
"""How many messages are written, by how many wait."""


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    rate: float
    batch: str
    cpu_us: float

    def cells(self, bare: "Row | None") -> Sequence[str]:
        times = f"{self.rate / bare.rate:.1f}" if bare else ""
        return self.name, f"{self.rate:.0f}", self.batch, f"{self.cpu_us:.0f}", times


class Room:
    """One conversation of one user, written to without anything in front of the writer."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._id, self._origin = str(uuid7()), Origin(str(uuid7()), DEFAULT_WORKSPACE)
        self.last_seq = 0

    async def create(self) -> None:
        await self._writer.submit(CreateConversation(self._origin, self._id, Kind.GROUP, "bench", "", ()))

    async def send(self, count: int, waiting: int) -> None:
        """Writes `count` messages, `waiting` of them at any time. Raises AssertionError unless numbers are 1, 2, …"""
        parts = await asyncio.gather(*[self._send_in_turn(count // waiting) for _ in range(waiting)])
        expected = list(range(self.last_seq + 1, self.last_seq + count + 1))
        assert sorted(seq for part in parts for seq in part) == expected, "a message is missing or doubled"
        self.last_seq += count

    async def _send_in_turn(self, count: int) -> list[int]:
        return [(await self._writer.submit(self._message())).message.seq for _ in range(count)]

    def _message(self) -> SendMessage:
        return SendMessage(
            origin=self._origin,
            id=str(uuid7()),
            conversation_id=self._id,
            client_msg_id=str(uuid7()),
            text=TEXT,
            reply_to="",
            metadata={},
            fingerprint=fingerprint(TEXT, "", {}),
        )


@asynccontextmanager
async def open_room(url: str, registry: CollectorRegistry) -> AsyncIterator[Room]:
    async with open_database(url, MIGRATIONS) as database:
        trail = open_trail("message", audit, audit_head, bytes(32))
        journal = SqlJournal(database, lambda: datetime.now(UTC), trail)
        async with Writer(journal, lambda command, outcome: None, Metrics(registry)) as writer:
            room = Room(writer)
            await room.create()
            yield room


async def measure(room: Room, registry: CollectorRegistry, kind: str, waiting: int, count: int) -> Row:
    def commits() -> float:
        return registry.get_sample_value("chat_commit_batch_size_count") or 0

    await room.send(count=waiting, waiting=waiting)  # Statements are compiled once.
    before, watch = commits(), Stopwatch()
    await room.send(count, waiting)
    rate, cpu_s = count / watch.wall_s(), watch.cpu_s()
    batch = count / (commits() - before)
    return Row(f"{kind}, {waiting} waiting", rate, f"{batch:.1f}", cpu_s / count * 1e6)


def bare(url: str, kind: str, count: int = 500) -> Row:
    """One commit a message by the driver alone: a table, an index, and the durability of the store; nothing asked."""
    engine = open_engine(url, "")
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        mark = "?" if kind == "SQLite" else "%s"
        insert = f"INSERT INTO bare VALUES ({', '.join([mark] * 5)})"
        driver.execute("CREATE TABLE bare (id TEXT PRIMARY KEY, room TEXT, sender TEXT, seq INTEGER, text TEXT)")
        driver.execute("CREATE UNIQUE INDEX bare_seq ON bare (room, seq)")
        driver.commit()
        watch = Stopwatch()
        for seq in range(count):
            driver.execute(insert, (str(uuid7()), "room", "sender", seq, TEXT))
            driver.commit()
        rate, cpu_us = count / watch.wall_s(), watch.cpu_s() / count * 1e6
    engine.dispose()
    return Row(f"{kind}, a bare driver, a commit each", rate, "1.0", cpu_us)


def sync_row(folder: Path, count: int = 100) -> Row:
    """What the disk alone allows: 4 KiB appended and synced, one after the other."""
    with (folder / "sync").open("wb", buffering=0) as file:
        watch = Stopwatch()
        for _ in range(count):
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
        return Row("a bare write and sync of 4 KiB", count / watch.wall_s(), "", watch.cpu_s() / count * 1e6)


async def table() -> Table:
    found = Table(
        "Persisted messages, one writer",
        ("", "messages/s", "a commit", "µs CPU each", "times bare"),
        "A message counts when its transaction is synced: SQLite on disk, WAL, synchronous=FULL; PostgreSQL where\n"
        "CHAT_TEST_POSTGRES_URL names one. No calls, no readers. `times bare` is how many messages are written in the\n"
        "time that the driver alone takes for one, with a commit each, in one thread, into a table with two indexes.\n"
        "CPU is that of this process.",
    )
    with databases() as kinds:
        for kind, (url, _) in kinds.items():
            registry = CollectorRegistry()
            alone = await asyncio.to_thread(bare, url, kind)
            found.rows.append(alone.cells(alone))
            async with open_room(url, registry) as room:
                for waiting, count in WAITING.items():
                    found.rows.append((await measure(room, registry, kind, waiting, count)).cells(alone))
        found.rows.append(sync_row(kinds["SQLite"][1]).cells(None))
    return found
