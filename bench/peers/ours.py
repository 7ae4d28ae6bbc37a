"""Ours: `chat serve` as it is by default, but for rate limits and the traces that it keeps to be shown in development,
with users enough.
"""

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key
from sqlalchemy import Engine, String, cast, func, literal, select

from bench.fill import Columns, Number, copies, numbered, numbered_id, open_beside
from bench.folder import on_disk
from bench.peers.postgres import open_postgres
from bench.peers.process import cores, pinned
from bench.peers.target import Room, Target
from mesh.database import sqlite_url
from mesh.identity import tokens
from mesh.identity.principal import Principal
from mesh.sealing import Sealer, installation_secret
from mesh.settings import Settings
from services.user.seed import SEEDS
from services.user.tables import signing_keys, users
from tests.e2e.conftest import Server, start
from tests.ports import reserve_address

PEOPLE = 12_000
"""Users that are there from the start: rows that are copied, since a password takes long to hash on purpose."""
KIND = 9
DAY_S = 24 * 3600
AT_ONCE = 100
"""Members that a conversation may begin with."""
MORE_AT_ONCE = 1000


class People:
    """Users without log-in: their tokens are signed with the key that the server uses."""

    def __init__(self, settings: Settings) -> None:
        engine = open_beside(settings.sql_url or sqlite_url(settings.data / "user.db"))
        self._copy_users(engine)
        self._key, self._kid = self._signing_key(engine, settings)
        engine.dispose()
        self._next = count(1)

    def new(self) -> tuple[str, str]:
        """Somebody who was not there before: id and token."""
        number = next(self._next)
        assert number <= PEOPLE, "too many people are asked for"
        user_id, now = numbered(KIND, number), int(time.time())
        principal = Principal(user_id, f"session-{number}", "user", now + DAY_S)
        return user_id, tokens.sign(principal, issued_at=now, token_id=str(number), key=self._key, kid=self._kid)

    @staticmethod
    def _copy_users(engine: Engine) -> None:
        def name(number: Number) -> Any:
            return literal("bench") + func.substr(cast(number + 10**12, String), 2)

        columns: Columns = {
            "id": lambda i: numbered_id(KIND, i),
            "username": name,
            "email": lambda i: name(i) + "@example.com",
            "email_key": lambda i: name(i) + "@example.com",
        }
        with engine.begin() as connection:
            copies(connection, users, users.c.id == SEEDS["bob"].id, PEOPLE, columns)

    @staticmethod
    def _signing_key(engine: Engine, settings: Settings) -> tuple[Ed25519PrivateKey, str]:
        with engine.connect() as connection:
            row = connection.execute(select(signing_keys)).one()
        plain = Sealer(installation_secret(settings), "signing keys").open(row.private, row.kid)
        key = load_der_private_key(plain, password=None)
        assert isinstance(key, Ed25519PrivateKey)
        return key, row.kid


class Ours:
    """A running server, and who talks there."""

    def __init__(self, data: Path, databases: Mapping[str, str]) -> None:
        ports = {name: reserve_address() for name in ("CHAT_HTTP", "CHAT_GRPC", "CHAT_ADMIN")}
        self._data, self._settings = data, {**ports, **databases, "OTEL_TRACES_SAMPLER": "always_off"}
        self.server = self._start()
        self.people = People(Settings(data=data, sql_url=databases.get("CHAT_SQL_URL", "")))

    def _start(self) -> Server:
        with pinned(cores()[0]):
            return start(self._data, **self._settings)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.server.stop(how)

    def target(self, name: str, database_pids: Sequence[int] = ()) -> Target:
        url = self.server.http.replace("http", "ws", 1) + "/ws/?EIO=4&transport=websocket"
        target = Target(
            name, "chat", url, [self.server.process.pid, *database_pids], make_rooms(self.server.http, self.people)
        )

        def restart() -> None:
            self.stop(signal.SIGKILL)
            self.server = self._start()
            target.roots[0] = self.server.process.pid

        target.restart = restart
        return target


@contextmanager
def on_sqlite() -> Iterator[Target]:
    with on_disk() as folder:
        ours = Ours(folder / "data", {})
        try:
            yield ours.target("ours on SQLite")
        finally:
            ours.stop()


@contextmanager
def on_postgres() -> Iterator[Target]:
    with on_disk() as folder, open_postgres() as postgres:
        databases = {"CHAT_SQL_URL": postgres.create("users"), "CHAT_MESSAGES_URL": postgres.create("messages")}
        ours = Ours(folder / "data", databases)
        try:
            yield ours.target("ours on PostgreSQL", [postgres.pid])
        finally:
            ours.stop()


def make_rooms(http: str, people: People) -> Callable[[int, int], list[Room]]:
    """Makes groups of people who were in none before, at the facade with this URL."""

    def rooms(count: int, members: int) -> list[Room]:
        with httpx2.Client(base_url=http, timeout=60) as rest:
            return [_room(rest, [people.new() for _ in range(members)]) for _ in range(count)]

    return rooms


def _room(rest: httpx2.Client, members: Sequence[tuple[str, str]]) -> Room:
    ids, shown = zip(*members, strict=True)
    headers = {"Authorization": f"Bearer {shown[0]}"}
    new = {"type": "group", "name": "bench", "member_ids": ids[1:AT_ONCE]}
    room_id = _post(rest, "/api/messages/conversations", new, headers)["id"]
    for first in range(AT_ONCE, len(ids), MORE_AT_ONCE):
        more = {"user_ids": ids[first : first + MORE_AT_ONCE]}
        _post(rest, f"/api/messages/conversations/{room_id}/members", more, headers)
    return Room(room_id, shown)


def _post(rest: httpx2.Client, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
    answer = rest.post(path, json=body, headers=headers)
    answer.raise_for_status()
    return answer.json()
