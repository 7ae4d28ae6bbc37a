"""One Subscribe stream: a user's own feed, from the place where it was opened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chat.message.v1 import change_pb2 as pb
from services.message.command import Origin
from services.message.feed.domain import Attach, Place
from services.message.feed.hub import Delivery, Hub
from services.message.feed.mailbox import Mailbox
from services.message.writer import Writer

MAX_WAITING = 1_000
MAX_WAITING_BYTES = 4 << 20


class Subscription:
    """Keeps the changes that are not read yet."""

    def __init__(self) -> None:
        self.mailbox: Mailbox[pb.Change] = Mailbox(MAX_WAITING, MAX_WAITING_BYTES)

    def deliver(self, delivery: Delivery) -> None:
        self.mailbox.put(delivery.change, delivery.size)


@asynccontextmanager
async def subscribe(hub: Hub, writer: Writer, origin: Origin) -> AsyncIterator[tuple[Place, Mailbox[pb.Change]]]:
    """Where the actor's logs stand, and a mailbox that gets every change after that place."""
    subscription, joined = Subscription(), False

    def opened(heads: Place) -> None:
        nonlocal joined
        if subscription.mailbox.is_open:
            hub.join(subscription, origin.actor_id, heads.positions)
            joined = True

    try:
        heads: Place = await writer.submit(Attach(origin, opened))
        yield heads, subscription.mailbox
    finally:
        subscription.mailbox.close()
        if joined:
            hub.leave(subscription, origin.actor_id)
