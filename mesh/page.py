"""Pages of long lists: where one starts, what it holds, and the cursors that lead on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from chat.common.v1.page_pb2 import Page
from mesh.cursor import CursorCodec, Value

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
MAX_BYTES = 2 << 20
"""A page ends early rather than grow beyond this: half of what one gRPC message may hold."""

T = TypeVar("T")
M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Place:
    """Between two items of a list: read on after the one with this key, or back before it."""

    key: tuple[Any, ...]
    back: bool


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """Items in the order of the list, and whether there are others before and after them."""

    items: Sequence[T]
    has_prev: bool
    has_next: bool


def limit_of(asked: int, most: int = MAX_LIMIT) -> int:
    """The page size for the one asked for: 0 is the default, the nearest allowed otherwise."""
    return min(asked or DEFAULT_LIMIT, most)


def fit(items: Sequence[M], *, from_end: bool, max_bytes: int = MAX_BYTES) -> Sequence[M]:
    """As many items as fit, at least one; the last ones when `from_end`."""
    size, kept = 0, 0
    for item in reversed(items) if from_end else items:
        size += item.ByteSize()
        if kept and size > max_bytes:
            break
        kept += 1
    return items[len(items) - kept :] if from_end else items[:kept]


def cut(found: Slice[Any], protos: Sequence[M], place: Place | None) -> Slice[M]:
    """What is shown of a slice that was read at `place`: as many of its items, as the contract shows them, as fit.

    Those that do not fit are the next ones in the direction it was read in.
    """
    back = place is not None and place.back
    items = fit(protos, from_end=back)
    short = len(items) < len(protos)
    return Slice(items, found.has_prev or (short and back), found.has_next or (short and not back))


class Cursors(Generic[T]):
    """The cursors of one list, whose items are told apart by `key`."""

    def __init__(self, codec: CursorCodec, scope: str, key: Callable[[T], tuple[Value, ...]]) -> None:
        self._codec = codec
        self._scope = scope
        self._key = key

    def place(self, cursor: str) -> Place | None:
        """Where a cursor leads; None for none. Raises Invalid (CURSOR_INVALID, CURSOR_MISMATCH)."""
        if not cursor:
            return None
        back, *key = self._codec.decode(self._scope, cursor)
        return Place(tuple(key), bool(back))

    def page(self, found: Slice[T], limit: int) -> Page:
        """What a list answers beside its items."""
        if not found.items:
            return Page(limit=limit)
        return Page(
            prev_cursor=self._encode(True, found.items[0]) if found.has_prev else "",
            next_cursor=self._encode(False, found.items[-1]) if found.has_next else "",
            has_more=found.has_next,
            limit=limit,
        )

    def _encode(self, back: bool, item: T) -> str:
        return self._codec.encode(self._scope, (int(back), *self._key(item)))
