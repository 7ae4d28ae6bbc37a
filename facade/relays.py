"""The streams to all instances of the message service, as one: whichever commits something, every socket hears of it.

A session is attached at every instance, so interest is everywhere. A call goes to the instance that owns its
conversation, which is where most calls about it meet in one transaction; any other would do as well.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import structlog

from chat.message.v1 import feed_service_pb2 as pb
from facade.relay import Broken, Relay, Seat
from mesh.background import background
from mesh.call.instances import Addresses, Instances
from mesh.errors import Error, Unavailable
from mesh.rendezvous import ranked

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Attachment:
    """A user's session at all instances.

    `on_attached` hears of the first one that has taken it, and of the first after a time without any; `on_lost` hears
    that one has refused it for good.
    """

    token: str
    address: str
    on_attached: Callable[[pb.Attached], None]
    on_lost: Callable[[Error], None]
    user_id: str = ""
    """Known once it is attached."""
    seats: dict[Relay, Seat] = field(default_factory=dict)
    is_told: bool = False
    """Whether `on_attached` has heard of an attachment that still holds at some instance."""

    @property
    def is_attached(self) -> bool:
        return any(seat.attached for seat in self.seats.values())


@dataclass(slots=True, eq=False)
class _Way:
    """An instance, and what keeps its stream open."""

    relay: Relay
    task: asyncio.Task[None]


class Listener(Protocol):
    """Who is told what happens."""

    def take(self, events: Sequence[pb.RelayEvent]) -> None:
        """Changes, in the order in which one instance has committed them."""
        ...

    def stand(self, attached: pb.Attached) -> None:
        """Where the logs of a user stood when an instance took a session of theirs: it tells what it commits since."""
        ...

    def turn(self, instances: int) -> None:
        """An instance has come or gone. Now there are so many, whether they can be reached or not."""
        ...


class Relays:
    """All instances, and all sessions at each of them."""

    def __init__(self, instances: Instances, listener: Listener) -> None:
        self._instances = instances
        self._listener = listener
        self._ways: dict[str, _Way] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._attachments: dict[Attachment, None] = {}

    async def attach(
        self,
        token: str,
        on_attached: Callable[[pb.Attached], None],
        on_lost: Callable[[Error], None],
        *,
        address: str,
    ) -> Attachment:
        """Opens a session for the user of `token`, who is at `address`: at one instance now, at the others soon.

        `on_attached` runs before any event after it is handed on.
        """
        attachment = Attachment(token, address, on_attached, on_lost)
        await self._attach_somewhere(attachment)
        self._attachments[attachment] = None
        for way in self._ways.values():
            if way.relay not in attachment.seats:
                self._follow(attachment, way.relay)
        return attachment

    async def refresh(self, attachment: Attachment, token: str) -> pb.Attached:
        """Goes on with a fresh token of the same user. Raises what the service says to it."""
        first = self._way_of(attachment, attachment.token)
        attached = await first.refresh(attachment.seats[first], token)
        attachment.token = token
        for relay, seat in attachment.seats.items():
            if relay is not first:
                seat.token = token
                relay.renew(seat)
        return attached

    def detach(self, attachment: Attachment) -> None:
        self._attachments.pop(attachment, None)
        for relay, seat in attachment.seats.items():
            relay.detach(seat)

    async def call(
        self,
        attachment: Attachment,
        method: str,
        request: bytes,
        *,
        key: str,
        repeatable: bool,
        correlation_id: str,
        traceparent: str,
    ) -> bytes:
        """Makes a unary call as the user of `attachment`, where `key` is owned; the serialized response.

        A call whose stream broke is made once more elsewhere, if nothing of it was sent or it is `repeatable`.
        """
        relay = self._way_of(attachment, key)
        about = {"correlation_id": correlation_id, "traceparent": traceparent}
        try:
            return await relay.call(attachment.seats[relay], method, request, **about)
        except Broken as error:
            if error.sent and not repeatable:
                raise
            other = self._way_of(attachment, key, but=relay)
            if other is relay:
                raise
        return await other.call(attachment.seats[other], method, request, **about)

    async def run(self) -> None:
        """Keeps a stream to each instance until it is cancelled."""
        try:
            async for addresses in self._instances.watch():
                self._turn_to(addresses)
            await asyncio.Event().wait()
        finally:
            tasks = [*[way.task for way in self._ways.values()], *self._leaving]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _turn_to(self, addresses: Addresses) -> None:
        for address in addresses:
            if address not in self._ways:
                self._ways[address] = self._opened(address)
        for address in self._ways.keys() - set(addresses):
            self._leave(self._ways.pop(address))

    def _opened(self, address: str) -> _Way:
        channel = self._instances.open(address)
        relay = Relay(channel, self._listener.take, partial(self._turned, address))

        async def run() -> None:
            try:
                await relay.run()
            finally:
                await channel.close()

        way = _Way(relay, asyncio.create_task(run(), name=f"relay {address}"))
        way.task.add_done_callback(partial(_ended, address))
        for attachment in self._attachments:
            self._follow(attachment, relay)
        return way

    def _leave(self, way: _Way) -> None:
        """Nothing new goes there; what is on its way is waited for."""

        async def leave() -> None:
            try:
                await way.relay.settled()
            finally:
                for attachment in self._attachments:
                    attachment.seats.pop(way.relay, None)
                way.task.cancel()
                await asyncio.gather(way.task, return_exceptions=True)

        task = asyncio.create_task(leave(), name="relay that is left")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _attach_somewhere(self, attachment: Attachment) -> None:
        refused: Unavailable = Broken(sent=False)
        for relay in self._in_order(attachment.token):
            try:
                seat = await relay.attach(
                    attachment.token,
                    partial(self._attached, attachment),
                    partial(self._lost, attachment),
                    address=attachment.address,
                )
            except Unavailable as error:
                refused = error
            else:
                attachment.seats[relay] = seat
                return
        raise refused

    def _follow(self, attachment: Attachment, relay: Relay) -> None:
        attachment.seats[relay] = relay.follow(
            attachment.token,
            partial(self._attached, attachment),
            partial(self._lost, attachment),
            address=attachment.address,
        )

    def _attached(self, attachment: Attachment, attached: pb.Attached) -> None:
        if not attachment.is_told:
            attachment.is_told, attachment.user_id = True, attached.user_id
            attachment.on_attached(attached)
        self._listener.stand(attached)

    def _lost(self, attachment: Attachment, error: Error) -> None:
        if attachment in self._attachments:
            attachment.on_lost(error)

    def _turned(self, address: str) -> None:
        way = self._ways.get(address)
        log.info("an instance has come or gone", address=address, whole=way is not None and way.relay.is_whole)
        for attachment in self._attachments:
            if attachment.is_told and not attachment.is_attached:
                attachment.is_told = False
        self._listener.turn(len(self._ways))

    def _in_order(self, key: str) -> Sequence[Relay]:
        """Those to try, the owner of `key` among the best first."""
        open_ = {address: way.relay for address, way in self._ways.items() if way.relay.is_open}
        if len(open_) < 2:
            return list(open_.values())
        names = ranked(key, open_)
        return sorted((open_[name] for name in names), key=lambda relay: not relay.is_whole)

    def _way_of(self, attachment: Attachment, key: str, but: Relay | None = None) -> Relay:
        """The best instance that has taken the session, or any at all for it to say why not; `but` is the last choice.

        Raises Broken when there is none.
        """
        if len(attachment.seats) == 1:
            return next(iter(attachment.seats))
        for relay in self._in_order(key):
            seat = attachment.seats.get(relay)
            if seat is not None and seat.attached and relay is not but:
                return relay
        if but is not None:
            return but
        raise Broken(sent=False)


def _ended(address: str, task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("a relay failed", address=address, exc_info=error)


@asynccontextmanager
async def open_relays(instances: Instances, listener: Listener) -> AsyncIterator[Relays]:
    """Relays whose streams are kept open until the block is left."""
    relays = Relays(instances, listener)
    async with background(relays.run(), "relays"):
        yield relays
