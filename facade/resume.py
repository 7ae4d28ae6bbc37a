"""What a socket missed: read from the message service by its place, page by page, up to a bound."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc

from chat.message.v1.change_pb2 import Change
from chat.message.v1.feed_service_pb2 import SyncRequest
from chat.message.v1.feed_service_pb2_grpc import FeedServiceStub
from facade.ring import Ring
from mesh.call.status import from_rpc_error
from mesh.errors import Invalid, Violation

MAX_REPLAYED = 1000
MAX_REPLAYED_BYTES = 1 << 20
"""Read from the store for one socket, which may be slow. More are for it to fetch, a page at a time."""
PAGE = 500
SYNC_URL = "/api/messages/sync"
_UUID_LENGTH = 36


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client stands: its own log, and by conversation."""

    user_pos: int
    positions: dict[str, int]

    @classmethod
    def read(cls, value: Any) -> "Place":
        """Reads `{user_pos, positions}`. Raises Invalid (INVALID_REQUEST)."""
        fields = value if isinstance(value, dict) else {"user_pos": -1}
        user_pos, positions = fields.get("user_pos", 0), fields.get("positions", {})
        if (
            not _is_position(user_pos)
            or not isinstance(positions, dict)
            or not all(len(key) == _UUID_LENGTH and _is_position(pos) for key, pos in positions.items())
        ):
            violation = Violation("/resume", "resume.shape", "must be {user_pos, positions: {conversation_id: pos}}")
            raise Invalid("INVALID_REQUEST", "`resume` is not a place.", violations=[violation])
        return cls(user_pos, positions)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a resume ended: the event to send, and the place up to which changes were replayed."""

    event: str
    data: dict[str, Any]
    user_pos: int
    positions: dict[str, int]


def recall(ring: Ring, user_id: str, place: Place, heads: Place) -> list[bytes] | None:
    """The frames of all changes of a user after `place` up to `heads`, conversations first.

    None when that is for the store to say: some are not kept, or they are too many, or it may have joined or left
    conversations since.
    """
    frames: list[bytes] = []
    for id_, head in heads.positions.items():
        pos = place.positions.get(id_)
        if pos is None and 0 < place.user_pos < heads.user_pos:
            return None
        missed = ring.between(id_, head if pos is None else pos, head)
        if missed is None:
            return None
        frames += missed
    own = ring.between(user_id, place.user_pos or heads.user_pos, heads.user_pos)
    return None if own is None or len(frames) + len(own) > MAX_REPLAYED else frames + own


class Resumer:
    """Replays what was missed from the store."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = FeedServiceStub(channel)

    async def replay(
        self, token: str, place: Place, frame: Callable[[Change], bytes], tell: Callable[[bytes], Awaitable[None]]
    ) -> Outcome:
        """Tells all changes after `place`, or none of what would be too many: then `resync-required` says so."""
        changes: list[Change] = []
        size = 0
        user_pos, positions, more = place.user_pos, place.positions, True
        while more:
            try:
                page = await self._stub.Sync(
                    SyncRequest(user_pos=user_pos, positions=positions, limit=PAGE),
                    metadata=(("authorization", f"Bearer {token}"),),
                    wait_for_ready=True,  # The service may have come back a moment ago, on another connection.
                )
            except grpc.aio.AioRpcError as caught:
                error = from_rpc_error(caught)
                if error.reason != "POSITION_AHEAD":
                    raise error from None
                return _resync(error.reason, place)
            changes += page.events
            user_pos, positions, more = page.user_pos, dict(page.positions), page.has_more
            size += page.ByteSize()
            if len(changes) > MAX_REPLAYED or size > MAX_REPLAYED_BYTES:
                return _resync("TOO_MUCH_MISSED", place)
        for change in changes:
            await tell(frame(change))
        return Outcome("resumed", resumed(len(changes), Place(user_pos, positions)), user_pos, positions)


def resumed(replayed: int, place: Place) -> dict[str, Any]:
    """What a client is told that has everything up to `place` now."""
    return {"replayed": replayed, "user_pos": place.user_pos, "positions": place.positions}


def _resync(reason: str, place: Place) -> Outcome:
    data = {"reason": reason, "sync_url": SYNC_URL}
    return Outcome("resync-required", data, place.user_pos, place.positions)


def _is_position(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
