"""Rules of pins. No I/O, no wire format."""

from dataclasses import dataclass
from datetime import datetime

from mesh.errors import WrongState
from services.message.command import Command
from services.message.messages.domain import Message

MAX_PINS = 100
"""Of a conversation."""


@dataclass(frozen=True, slots=True)
class PinMessage(Command):
    message_id: str


@dataclass(frozen=True, slots=True)
class UnpinMessage(Command):
    message_id: str


@dataclass(frozen=True, slots=True)
class Pin:
    """A pinned message as it is now."""

    message: Message
    pinned_by: str
    pinned_at: datetime


def check_room(pinned: int) -> None:
    """Raises WrongState (QUOTA_REACHED)."""
    if pinned >= MAX_PINS:
        raise WrongState("QUOTA_REACHED", f"{MAX_PINS} messages are pinned here. Take one away first.")
