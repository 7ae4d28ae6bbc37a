"""The message service as the model test lives in it: opened on a database, crashed, and opened on what is left."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import httpx2
from fastapi import FastAPI
from google.protobuf.message import Message
from sqlalchemy import create_engine, inspect, text

from facade.problems import exception_handlers
from facade.rest import routes
from mesh.database import open_database, sqlite_url
from mesh.events.bus import Event
from mesh.events.bus_local import LocalBus
from services.message.service import MIGRATIONS
from services.message.tables import audit, audit_head
from tests.contract.databases import POSTGRES, new_schema
from tests.e2e.doors import METHODS, Door, GrpcDoor, RestDoor
from tests.integration.facade.conftest import WithIds
from tests.integration.message.world import Users, open_world

TOPIC = "chat.message.events"
REST, GRPC = "rest", "grpc"


class Ground(Protocol):
    """Where databases come from."""

    def new(self) -> str:
        """The URL of one with the schema and nothing in it. What was made before may be gone."""
        ...

    def crashed(self, url: str) -> str:
        """The URL of what a process that is killed now would leave behind."""
        ...


class SqliteFiles:
    """Copies of one file, made in memory where the system can: what a disk does to them is tried elsewhere."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, count()
        self.template = folder / "template.db"
        asyncio.run(_migrate(sqlite_url(self.template)))

    def new(self) -> str:
        for old in self._folder.glob("[0-9]*"):
            old.unlink()
        return sqlite_url(Path(shutil.copy(self.template, self._next())))

    def crashed(self, url: str) -> str:
        """What is committed is in the copy, whatever is being written meanwhile: recovery comes to the same."""
        left = self._next()
        source, target = sqlite3.connect(url.removeprefix("sqlite:///")), sqlite3.connect(left)
        source.backup(target)
        source.close()
        target.close()
        return sqlite_url(left)

    def _next(self) -> Path:
        return self._folder / f"{next(self._numbers)}.db"


class PostgresSchema:
    """One schema that is emptied. Its server outlives every crash, and what reached it is there."""

    def __init__(self, url: str) -> None:
        self._url = url
        asyncio.run(_migrate(url))

    def new(self) -> str:
        engine = create_engine(self._url)
        with engine.begin() as connection:
            kept = {"alembic_version", audit.name, audit_head.name}  # What the schema itself begins with.
            names = ", ".join(set(inspect(connection).get_table_names()) - kept)
            connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        engine.dispose()
        return self._url

    def crashed(self, url: str) -> str:
        return url


@contextmanager
def ground(kind: str, folder: Path) -> Iterator[Ground]:
    if kind == "sqlite":
        yield SqliteFiles(folder)
    else:
        with new_schema(POSTGRES) as url:
            yield PostgresSchema(url)


class House:
    """`ask` makes a call as a user; `published` is what the bus was told, by conversation, through all crashes."""

    def __init__(self, ground: Ground, surface: str) -> None:
        self._ground, self._surface = ground, surface
        self._stack = AsyncExitStack()
        self._url = ground.new()
        self.users = Users()  # type: ignore[abstract]
        self.published: dict[str, list[int]] = {}
        self.door: Door

    async def open(self) -> None:
        bus = LocalBus(_no_dead_letters)
        await self._stack.enter_async_context(bus.consume("model", [TOPIC], self._hear))
        folder = Path(self._url.removeprefix("sqlite:///")).parent if "sqlite" in self._url else Path()
        self._world = await self._stack.enter_async_context(open_world(folder, self._url, users=self.users, bus=bus))
        self.token = lru_cache(None)(self._world.token)
        channel = self._world.mesh.channel("message")
        self.door = GrpcDoor(lambda _: channel)
        if self._surface == REST:
            served = [method for name, method in METHODS.items() if name.startswith("message.")]
            app = FastAPI(
                routes=routes(served, lambda _: channel), exception_handlers=exception_handlers(), openapi_url=None
            )
            transport = httpx2.ASGITransport(app=WithIds(app))
            client = httpx2.AsyncClient(transport=transport, base_url="http://test")
            self.door = RestDoor(await self._stack.enter_async_context(client))

    async def ask(self, user_id: str, method: str, request: Message) -> Any:
        return await self.door.call(f"message.v1.{method}", request, self.token(user_id))

    async def crash(self, under_way: list["asyncio.Task[Any]"]) -> None:
        """Ends everything as it is, answers of what is under way included, and opens what is left."""
        was, self._url = self._url, self._ground.crashed(self._url)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        published = {id_: list(seen) for id_, seen in self.published.items()}
        await self.close()
        if self._url != was:  # What was told after that moment belongs to a process that is no more.
            self.published = published
        await self.open()

    async def close(self) -> None:
        await self._stack.aclose()

    async def _hear(self, event: Event) -> None:
        log, _, pos = event.headers["ce_id"].rpartition(":")
        if log == event.key:  # Of the conversation, not of somebody in it.
            self.published.setdefault(log, []).append(int(pos))


async def _migrate(url: str) -> None:
    async with open_database(url, MIGRATIONS):
        pass


async def _no_dead_letters(event: object) -> None:
    raise AssertionError(f"a dead letter: {event}")
