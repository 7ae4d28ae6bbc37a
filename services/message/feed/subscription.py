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
from services.message.feed.reached import Gap, Reached
from services.message.writer import Writer

MAX_WAITING = 1_000
MAX_WAITING_BYTES = 4 << 20
MAX_DIRTY = 10_000
GAP_BYTES = 64

_LISTED = (CONVERSATION_ADDED, CONVERSATION_REMOVED, UNREAD_UPDATED, DELIVERED_UPDATED, PREFERENCES_UPDATED)
"""Changes of one's own log that a list of conversations shows."""


class Subscriber(Protocol):
    """Takes what the hub delivers, and keeps what its stream is to tell in a mailbox."""

    mailbox: Mailbox[Any]
    reached: Reached

    @property
    def hears_peers(self) -> bool: ...

    def deliver(self, delivery: Delivery) -> None: ...

    def stand(self, place: Place) -> None:
        """The user's logs stand there at least; what did not come is to be read."""
        ...


class Changes:
    """Keeps every change, and a gap in place of those that did not come in order."""

    hears_peers = True

    def __init__(self) -> None:
        self.mailbox: Mailbox[Any] = Mailbox(MAX_WAITING, MAX_WAITING_BYTES)
        self.reached = Reached()

    def deliver(self, delivery: Delivery) -> None:
        change = delivery.change
        found = self.reached.take(change, is_addressed=bool(delivery.user_id))
        if isinstance(found, Gap):
            self.mailbox.put(found, GAP_BYTES)
        elif found:
            self.mailbox.put(change, delivery.size)

    def stand(self, place: Place) -> None:
        for gap in self.reached.stand(place):
            self.mailbox.put(gap, GAP_BYTES)


class Conversations:
    """Keeps which conversations have changed, each once however often, with the last place in its log."""

    hears_peers = True

    def __init__(self) -> None:
        self.mailbox: Mailbox[str] = Mailbox(MAX_DIRTY, MAX_WAITING_BYTES)
        self.reached = Reached()
        self._positions: dict[str, int] = {}
        self._gaps: list[Gap] = []

    def deliver(self, delivery: Delivery) -> None:
        change = delivery.change
        found = self.reached.take(change, is_addressed=bool(delivery.user_id))
        if isinstance(found, Gap) and not found.conversation_id:
            self._keep(found)
        elif change.pos or change.type in _LISTED:  # Not typing, receipts of others, and what no list shows.
            self._changed(change.conversation_id, change.pos)

    def stand(self, place: Place) -> None:
        for gap in self.reached.stand(place):
            if gap.conversation_id:
                self._changed(gap.conversation_id, gap.upto)
            else:
                self._keep(gap)

    def changed(self) -> dict[str, int]:
        """By id, where each that has changed since the last time stands, as far as the changes told."""
        self.mailbox.empty()
        changed, self._positions = self._positions, {}
        return changed

    def gaps(self) -> list[Gap]:
        """What of the own log did not come since the last time: it may tell of more conversations."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def _changed(self, conversation_id: str, pos: int) -> None:
        if conversation_id not in self._positions:
            self.mailbox.put(conversation_id, len(conversation_id))
        self._positions[conversation_id] = max(pos, self._positions.get(conversation_id, 0))

    def _keep(self, gap: Gap) -> None:
        self._gaps.append(gap)
        self.mailbox.put("", GAP_BYTES)


@asynccontextmanager
async def subscribed(hub: Hub, writer: Writer, origin: Origin, subscriber: Subscriber) -> AsyncIterator[Place]:
    """Where the actor's logs stand; the subscriber gets every change after that place."""
    joined = False

    def opened(heads: Place) -> None:
        nonlocal joined
        if subscriber.mailbox.is_open:
            subscriber.reached.begin(heads)
            hub.join(subscriber, origin.actor_id, heads.positions, as_of=heads.user_pos)
            joined = True

    try:
        heads: Place = await writer.submit(Attach(origin, opened))
        yield heads
    finally:
        subscriber.mailbox.close()
        if joined:
            hub.leave(subscriber, origin.actor_id)
