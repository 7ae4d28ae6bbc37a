"""Dead letters of the local bus: a file of JSON lines, since nothing else would remember them."""

import asyncio
import base64
import json
import os
from dataclasses import asdict
from pathlib import Path

from mesh.events.bus import Event


class DeadLetterFile:
    """Appends events to `path`, which its owner alone may read: the values hold what people wrote.

    Each line begins with its line break: one that a crash cut short spoils no other, and its event comes again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def append(self, event: Event) -> None:
        """The event is on disk when this returns."""
        await asyncio.to_thread(self._append, _to_line(event))

    async def read(self) -> list[Event]:
        """All dead letters, oldest first."""
        return await asyncio.to_thread(self._read)

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> list[Event]:
        if not self._path.exists():
            return []
        lines = self._path.read_bytes().split(b"\n")
        return [event for line in lines if (event := _from_line(line)) is not None]


def _to_line(event: Event) -> bytes:
    fields = {**asdict(event), "headers": dict(event.headers), "value": base64.b64encode(event.value).decode()}
    return b"\n" + json.dumps(fields).encode()


def _from_line(line: bytes) -> Event | None:
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return Event(**{**fields, "value": base64.b64decode(fields["value"])})
