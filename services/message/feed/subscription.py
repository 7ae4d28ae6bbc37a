"""A user's own feed, from the place where it was opened: what keeps the changes that are not read yet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from services.message.command import Origin
from services.message.feed.domain import (
    CONVERSATION_ADDED,
    CONVERSATION_REMOVED,
    DELIVERED_UPDATED,
    PREFERENCES_UPDATED,
    UNREAD_UPDATED,
    Attach,
    Place,
)
from services.message.feed.hub import Delivery, Hub
from services.message.feed.mailbox import Mailbox
from services.message.writer import Writer

MAX_WAITING = 1_000
MAX_WAITING_BYTES = 4 << 20
MAX_DIRTY = 10_000


_LISTED = (CONVERSATION_ADDED, CONVERSATION_REMOVED, UNREAD_UPDATED, DELIVERED_UPDATED, PREFERENCES_UPDATED)
"""Changes of one's own log that a list of conversations shows."""


class Subscriber(Protocol):
    """Takes what the hub delivers, and keeps what its stream is to tell in a mailbox."""

    mailbox: Mailbox[Any]

    def deliver(self, delivery: Delivery) -> None: ...


class Changes:
    """Keeps every change."""

    def __init__(self) -> None:
        self.mailbox: Mailbox[Any] = Mailbox(MAX_WAITING, MAX_WAITING_BYTES)

    def deliver(self, delivery: Delivery) -> None:
        self.mailbox.put(delivery.change, delivery.size)


class Conversations:
    """Keeps which conversations have changed, each once however often, with the last place in its log."""

    def __init__(self) -> None:
        self.mailbox: Mailbox[str] = Mailbox(MAX_DIRTY, MAX_WAITING_BYTES)
        self._positions: dict[str, int] = {}

    def deliver(self, delivery: Delivery) -> None:
        change = delivery.change
        if not change.pos and change.type not in _LISTED:
            return  # Typing, receipts of others, and what is one's own but in no list of conversations.
        if change.conversation_id not in self._positions:
            self.mailbox.put(change.conversation_id, len(change.conversation_id))
        self._positions[change.conversation_id] = max(change.pos, self._positions.get(change.conversation_id, 0))

    def changed(self) -> dict[str, int]:
        """By id, where each that has changed since the last time stands, as far as the changes told."""
        self.mailbox.empty()
        changed, self._positions = self._positions, {}
        return changed


@asynccontextmanager
async def subscribed(hub: Hub, writer: Writer, origin: Origin, subscriber: Subscriber) -> AsyncIterator[Place]:
    """Where the actor's logs stand; the subscriber gets every change after that place."""
    joined = False

    def opened(heads: Place) -> None:
        nonlocal joined
        if subscriber.mailbox.is_open:
            hub.join(subscriber, origin.actor_id, heads.positions)
            joined = True

    try:
        heads: Place = await writer.submit(Attach(origin, opened))
        yield heads
    finally:
        subscriber.mailbox.close()
        if joined:
            hub.leave(subscriber, origin.actor_id)
