"""The latest frames of each log, for sockets that come back soon: a storm of them need not reach the store."""

from collections import OrderedDict, deque
from typing import Final

MAX_FRAMES: Final = 100
"""Of one log."""
MAX_BYTES: Final = 16 << 20
"""Of all logs. Those that were quiet for longest go first."""


class Log:
    """Frames in the order of their numbers, without a gap up to `last`."""

    __slots__ = ("frames", "last", "size")

    def __init__(self, number: int) -> None:
        self.frames: deque[bytes] = deque()
        self.last = number
        self.size = 0

    def add(self, frame: bytes) -> None:
        self.frames.append(frame)
        self.last += 1
        self.size += len(frame)

    def drop(self) -> int:
        """Forgets the oldest frame; its size."""
        size = len(self.frames.popleft())
        self.size -= size
        return size


class Ring:
    """Keeps frames by log and number."""

    def __init__(self, *, max_frames: int = MAX_FRAMES, max_bytes: int = MAX_BYTES) -> None:
        self._max_frames, self._max_bytes = max_frames, max_bytes
        self._logs: OrderedDict[str, Log] = OrderedDict()
        self._size = 0

    def add(self, log: str, number: int, frame: bytes) -> None:
        """Keeps the frame of a change. What was kept before a gap is of no use any more."""
        kept = self._logs.get(log)
        if kept is None or kept.last != number - 1:
            self.forget(log)
            kept = self._logs[log] = Log(number - 1)
        kept.add(frame)
        self._size += len(frame)
        self._logs.move_to_end(log)
        if len(kept.frames) > self._max_frames:
            self._size -= kept.drop()
        while self._size > self._max_bytes:
            self.forget(next(iter(self._logs)))

    def forget(self, log: str) -> None:
        """What comes next is not told by frames that are kept."""
        kept = self._logs.pop(log, None)
        if kept is not None:
            self._size -= kept.size

    def between(self, log: str, after: int, upto: int) -> list[bytes] | None:
        """The frames after one number up to another; None when not all of them are here."""
        if after == upto:
            return []
        kept = self._logs.get(log)
        if kept is None or not after < upto <= kept.last:
            return None
        first = kept.last - len(kept.frames)
        return None if after < first else list(kept.frames)[after - first : upto - first]
