"""Fills what is missing of the logs that sockets of this process follow: a lost frame is a delay, never a loss.

What comes in the wrong order gets a moment. Then the hole is read from the message service, by the token of somebody
who may read it; sockets for whom that cannot be done are cut, so that their clients resume. Now and then, and whenever
an instance comes or goes, the logs are compared with where they stand.
"""

import asyncio
from collections.abc import Collection, Iterable
from itertools import islice

import grpc
import structlog

from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1.feed_service_pb2_grpc import FeedServiceStub
from facade.fanout import Fanout, Receiver
from facade.order import Order, event_of
from mesh.background import background
from mesh.call import context as request_context
from mesh.call.context import RequestContext
from mesh.call.status import answer_of, from_rpc_error
from mesh.errors import Error
from mesh.events.backoff import Backoff
from mesh.waiting import wait

WAIT_S = 0.15
"""How long a hole may close by itself."""
COMPARE_S = 5.0
COMPARE_ALONE_S = 60.0
"""With one instance, whose stream keeps the order, only a fault can lose anything."""
COMPARED_AT_ONCE = 1_000
PAGE = 500
MAX_FILLED = 1_000
"""Changes of one log. Who missed more reads it anew."""
MAX_ASKED = 3
"""Members by whose rights a hole is tried to be read."""
AT_ONCE = 8

log = structlog.get_logger(__name__)


class Holes:
    """What the relays tell goes through here to the fan-out, which is told what is in order only."""

    def __init__(
        self,
        order: Order,
        fanout: Fanout,
        channel: grpc.aio.Channel,
        *,
        wait_s: float = WAIT_S,
        backoff: Backoff | None = None,
    ) -> None:
        self._order, self._fanout = order, fanout
        self._feed = FeedServiceStub(channel)
        self._wait_s = wait_s
        self._backoff = backoff or Backoff(base_s=0.2, cap_s=3.0)
        self._found, self._turned = asyncio.Event(), asyncio.Event()
        self._instances = 1

    def take(self, events: Iterable[pb.RelayEvent]) -> None:
        """Hands on what is in order, and keeps the rest in mind."""
        self._fanout.apply(self._order.take(events))
        self._look()

    def stand(self, attached: pb.Attached) -> None:
        """An instance has said where the logs of a user stand; from there on it tells what it commits."""
        self._order.stands(attached.user_id, attached.user_pos)
        for conversation_id, pos in attached.positions.items():
            self._order.stands(conversation_id, pos)
        self._look()

    def turn(self, instances: int) -> None:
        """An instance has come or gone: what it told last may be lost. Now there are so many."""
        self._instances = instances
        self._turned.set()

    async def run(self) -> None:
        """Looks after the logs until it is cancelled."""
        request_context.bind(RequestContext(is_counted=True))  # Nobody pays for what we have lost.
        async with background(self._compare_again(), "positions"):
            failures = 0
            while True:
                await self._found.wait()
                before = self._order.missing()
                await asyncio.sleep(self._wait_s + (self._backoff.delay_s(failures) if failures else 0))
                self._found.clear()
                failures = 0 if await self._fill(before) else failures + 1
                self._look()

    def _look(self) -> None:
        if self._order.holes:
            self._found.set()

    async def _compare_again(self) -> None:
        while True:
            await wait(self._turned, COMPARE_S if self._instances > 1 else COMPARE_ALONE_S)
            self._turned.clear()
            try:
                await self.compare()
            except grpc.aio.AioRpcError as error:
                log.info("positions were not compared", reason=from_rpc_error(error).reason)
                await asyncio.sleep(1)
                self._turned.set()

    async def compare(self) -> None:
        """Finds out which logs have gone on without us."""
        places = iter(self._order.places())
        while part := dict(islice(places, COMPARED_AT_ONCE)):
            users = {id_: number for id_, number in part.items() if self._order.is_user(id_)}
            positions = {id_: number for id_, number in part.items() if id_ not in users}
            further = await self._feed.ComparePositions(
                pb.ComparePositionsRequest(positions=positions, user_positions=users)
            )
            for id_, number in (*further.positions.items(), *further.user_positions.items()):
                self._order.stands(id_, number)
        self._look()

    async def _fill(self, before: dict[str, tuple[int, int]]) -> bool:
        """Fills the holes that were there before and have not become smaller since. False when that has to wait."""
        stuck = [id_ for id_, (last, _) in self._order.missing().items() if before.get(id_, (None,))[0] == last]
        doors = asyncio.Semaphore(AT_ONCE)

        async def fill(id_: str) -> bool:
            async with doors:
                return await self._fill_one(id_)

        return all(await asyncio.gather(*[fill(id_) for id_ in stuck]))

    async def _fill_one(self, id_: str) -> bool:
        last, upto = self._order.missing().get(id_, (0, 0))
        receivers = self._fanout.receivers_of(id_)
        if upto - last <= MAX_FILLED:
            for receiver in _some(receivers):
                try:
                    await self._read(id_, receiver)
                except Error as error:
                    if error.retryable:
                        log.info("a hole stays for now", log=id_, reason=error.reason)
                        return False
                if id_ not in self._order.holes or self._order.last(id_) > last:
                    return True
        log.warning("a hole cannot be filled", log=id_, after=last, upto=upto, sockets=len(receivers))
        self._order.close(id_)
        for receiver in receivers:
            receiver.miss()
        return True

    async def _read(self, id_: str, receiver: Receiver) -> None:
        """Reads on in a log, by the rights of one who follows it, and hands on what comes. Raises mesh errors."""
        after, is_user = self._order.last(id_), self._order.is_user(id_)
        request = pb.SyncRequest(user_pos=after, limit=PAGE, max_per_conversation=1)
        if not is_user:
            request = pb.SyncRequest(positions={id_: after}, limit=PAGE)
        metadata = (("authorization", f"Bearer {receiver.token}"),)
        page = await answer_of(self._feed.Sync(request, metadata=metadata))
        user_id = receiver.user_id if is_user else ""
        self._fanout.apply(self._order.take([event_of(c, user_id) for c in page.events if bool(c.user_pos) == is_user]))
        if is_user:  # It may have joined conversations, of which we missed more.
            for conversation_id, pos in page.positions.items():
                self._order.stands(conversation_id, pos)


def _some(receivers: Collection[Receiver]) -> list[Receiver]:
    """A few of different users."""
    return list(islice({receiver.user_id: receiver for receiver in receivers}.values(), MAX_ASKED))
