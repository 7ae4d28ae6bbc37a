"""Who is there: the leases of devices, what users say about themselves, and what others see of both.

Moments are milliseconds since the epoch; 0 is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from mesh.errors import Invalid, Violation

LEASE_MS: Final = 45_000
"""How long a device is connected after it was last heard of. With a sweep and a tick it stays below a minute."""
GRACE_MS: Final = 2_000
"""How long one that was closed still counts: who reloads a page was never away."""
SEEN_MS: Final = 30 * 24 * 3_600_000
"""How long it is known when somebody was last there."""
CUSTOM_MS: Final = 365 * 24 * 3_600_000
"""How long what a user says holds, unless it is said again."""


class State(IntEnum):
    """As the contract numbers them."""

    ONLINE = 1
    AWAY = 2
    BUSY = 3
    OFFLINE = 4
    UNKNOWN = 5


class Status(IntEnum):
    """As the contract numbers them."""

    AVAILABLE = 1
    AWAY = 2
    BUSY = 3
    INVISIBLE = 4


CONNECTED: Final = frozenset({State.ONLINE, State.AWAY, State.BUSY})


@dataclass(frozen=True, slots=True)
class User:
    """Somebody in a workspace. The same id in another workspace is somebody else."""

    workspace_id: str
    id: str


@dataclass(frozen=True, slots=True)
class Lease:
    """One socket of a user, as a gateway names it."""

    user: User
    device_id: str
    socket_id: str
    gateway_id: str
    is_away: bool = False

    @property
    def field(self) -> str:
        """Tells the devices of a user apart."""
        return f"{self.device_id}:{self.socket_id}"


@dataclass(frozen=True, slots=True)
class Device:
    """A lease as it is kept: until when it holds, and when it was last heard of."""

    until_ms: int
    seen_ms: int
    is_away: bool = False
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Custom:
    """What a user says about themselves. `hidden_ms` is since when they are invisible."""

    status: Status
    message: str = ""
    emoji: str = ""
    expires_ms: int = 0
    hidden_ms: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return self.status == Status.AVAILABLE and not self.message and not self.emoji


EMPTY: Final = Custom(Status.AVAILABLE)


@dataclass(frozen=True, slots=True)
class Record:
    """All that is kept of a user."""

    devices: Sequence[Device] = ()
    custom: Custom | None = None
    seen_ms: int = 0


@dataclass(frozen=True, slots=True)
class Presence:
    """A user as somebody sees them. `devices` and `status` are those of one's own."""

    user_id: str
    state: State
    seen_ms: int = 0
    message: str = ""
    emoji: str = ""
    expires_ms: int = 0
    devices: int = 0
    status: Status | None = None


def unknown(user_id: str) -> Presence:
    """Somebody of whom nothing can be told now."""
    return Presence(user_id, State.UNKNOWN)


def seen_by_others(user_id: str, record: Record, now_ms: int) -> Presence:
    """How others see a user: the union of the devices that are connected, under what the user says."""
    custom = _custom(record, now_ms)
    if custom.status == Status.INVISIBLE:
        return Presence(user_id, State.OFFLINE, min(_seen_ms(record, now_ms), custom.hidden_ms))
    state = _state(record, custom, now_ms)
    seen_ms = _seen_ms(record, now_ms) if state == State.OFFLINE else 0
    return Presence(user_id, state, seen_ms, custom.message, custom.emoji, custom.expires_ms)


def seen_by_oneself(user_id: str, record: Record, now_ms: int) -> Presence:
    """The same without hiding anything."""
    custom = _custom(record, now_ms)
    state = _state(record, custom, now_ms)
    return Presence(
        user_id,
        state,
        _seen_ms(record, now_ms) if state == State.OFFLINE else 0,
        custom.message,
        custom.emoji,
        custom.expires_ms,
        devices=sum(device.until_ms > now_ms and not device.is_closed for device in record.devices),
        status=custom.status,
    )


def said(before: Record, custom: Custom, now_ms: int) -> Custom:
    """What is kept of what a user says now. Who was invisible before is so since then.

    Raises Invalid (INVALID_REQUEST) when it would have ended already.
    """
    if custom.expires_ms and custom.expires_ms <= now_ms:
        detail = "This moment must be ahead."
        broken = Violation("expires_at", "timestamp.ahead", detail)
        raise Invalid("INVALID_REQUEST", f"expires_at: {detail}", violations=[broken])
    if custom.status != Status.INVISIBLE:
        return custom
    old = _custom(before, now_ms)
    return replace(custom, hidden_ms=old.hidden_ms if old.status == Status.INVISIBLE else now_ms)


def _custom(record: Record, now_ms: int) -> Custom:
    custom = record.custom
    return EMPTY if custom is None or 0 < custom.expires_ms <= now_ms else custom


def _state(record: Record, custom: Custom, now_ms: int) -> State:
    live = [device for device in record.devices if device.until_ms > now_ms]
    if not live:
        return State.OFFLINE
    if custom.status == Status.BUSY:
        return State.BUSY
    if custom.status == Status.AWAY or all(device.is_away for device in live):
        return State.AWAY
    return State.ONLINE


def _seen_ms(record: Record, now_ms: int) -> int:
    """When the user was last connected: now, for who is."""
    if any(device.until_ms > now_ms for device in record.devices):
        return now_ms
    return max([record.seen_ms, *[device.seen_ms for device in record.devices]])
