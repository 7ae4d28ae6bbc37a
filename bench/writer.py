"""How many messages a second one writer puts on disk, by how many wait for it at once."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry
from uuid_utils.compat import uuid7

from bench import TEXT
from bench.clock import Stopwatch
from bench.folder import on_disk
from bench.table import Table
from mesh.audit.log import open_trail
from mesh.database import open_database, sqlite_url
from mesh.identity.principal import DEFAULT_WORKSPACE
from mesh.telemetry.metrics import Metrics
from services.message.command import Origin
from services.message.conversations.domain import CreateConversation, Kind
from services.message.journal_sql import SqlJournal
from services.message.messages.domain import SendMessage, fingerprint
from services.message.service import MIGRATIONS
from services.message.tables import audit, audit_head
from services.message.writer import Writer

WAITING = {1: 500, 10: 2000, 100: 5000}
"""How many messages are written, by how many wait."""


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
async def open_room(folder: Path, registry: CollectorRegistry) -> AsyncIterator[Room]:
    async with open_database(sqlite_url(folder / "message.db"), MIGRATIONS) as database:
        trail = open_trail("message", audit, audit_head, bytes(32))
        journal = SqlJournal(database, lambda: datetime.now(UTC), trail)
        async with Writer(journal, lambda command, outcome: None, Metrics(registry)) as writer:
            room = Room(writer)
            await room.create()
            yield room


async def measure(room: Room, registry: CollectorRegistry, waiting: int, count: int) -> Sequence[str]:
    def commits() -> float:
        return registry.get_sample_value("chat_commit_batch_size_count") or 0

    await room.send(count=waiting, waiting=waiting)  # Statements are compiled once.
    before, watch = commits(), Stopwatch()
    await room.send(count, waiting)
    wall_s, cpu_s = watch.wall_s(), watch.cpu_s()
    batch = count / (commits() - before)
    return f"{waiting} waiting", f"{count / wall_s:.0f}", f"{batch:.1f}", f"{cpu_s / count * 1e6:.0f}"


def sync_row(folder: Path, count: int = 100) -> Sequence[str]:
    """What the disk alone allows: 4 KiB appended and synced, one after the other."""
    with (folder / "sync").open("wb", buffering=0) as file:
        watch = Stopwatch()
        for _ in range(count):
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
        return (
            "a bare write and sync of 4 KiB",
            f"{count / watch.wall_s():.0f}",
            "",
            f"{watch.cpu_s() / count * 1e6:.0f}",
        )


async def table() -> Table:
    found = Table(
        "Persisted messages, one writer",
        ("", "messages/s", "a commit", "µs CPU each"),
        "SQLite on disk, WAL, synchronous=FULL: a message counts when its transaction is synced. No calls, no readers.",
    )
    registry = CollectorRegistry()
    with on_disk() as folder:
        async with open_room(folder, registry) as room:
            for waiting, count in WAITING.items():
                found.rows.append(await measure(room, registry, waiting, count))
        found.rows.append(sync_row(folder))
    return found
