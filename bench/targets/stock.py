"""Stock python-socketio on uvicorn: `python -m bench.targets.stock PORT [DATABASE]`.

With a database (a file of SQLite) a message is committed before it is handed on and acknowledged, each by itself.
"""

import asyncio
import sqlite3
import sys
from collections.abc import Sequence
from typing import Any

import socketio
import uvicorn


class Store:
    """One row and one commit a message, synced."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = wal")
        self._connection.execute("PRAGMA synchronous = full")
        self._connection.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, room TEXT, text TEXT)")
        self._lock = asyncio.Lock()

    async def add(self, room: str, text: str) -> None:
        async with self._lock:
            await asyncio.to_thread(self._connection.execute, "INSERT INTO messages VALUES (NULL, ?, ?)", (room, text))


def serve(port: int, store: Store | None) -> None:
    sio = socketio.AsyncServer(async_mode="asgi")

    async def join(sid: str, room: str) -> str:
        await sio.enter_room(sid, room)
        return "ok"

    async def send(_sid: str, data: dict[str, Any]) -> str:
        if store is not None:
            await store.add(data["room"], data["text"])
        await sio.emit("message", data, room=data["room"])
        return "ok"

    sio.on("join", join)
    sio.on("send", send)
    uvicorn.run(socketio.ASGIApp(sio), host="127.0.0.1", port=port, log_level="warning", access_log=False)


def main(arguments: Sequence[str]) -> None:
    port, *path = arguments
    serve(int(port), Store(path[0]) if path else None)


if __name__ == "__main__":
    main(sys.argv[1:])
