"""The other instances of this service, each of which is followed: what they commit is told to the streams open here.

Streams of gateways hear of it from the instances themselves; here they need only the memberships, by which it is
decided what they get. A gap is never silent: what did not come is found by comparing places, and read from the store.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, TypeVar

import grpc
import structlog

from chat.message.v1 import feed_service_pb2 as pb
from chat.message.v1.feed_service_pb2_grpc import FeedServiceStub
from mesh.background import background
from mesh.call.channel import stream
from mesh.call.instances import Addresses, Instances, may_be_several
from mesh.call.status import from_rpc_error
from mesh.events.backoff import Backoff
from mesh.identity.principal import Principal
from mesh.waiting import wait
from services.message.feed.domain import Place
from services.message.feed.hub import Hub
from services.message.feed.store import FeedStore
from services.message.feed.subscription import Subscriber

JOIN_S: Final = 2.0
"""How long a stream that opens waits for an instance to tell it everything; after that, places are compared."""
COMPARE_S: Final = 5.0
GRACE_S: Final = 0.5
"""How long what is on its way may take."""
REREAD_S: Final = 30.0
"""How often memberships are read while an instance cannot be followed."""
AT_ONCE: Final = 500
"""Users, or logs, in one query."""

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True)
class _Peer:
    """An instance that is followed now."""

    waiting: list[pb.FollowRequest] = field(default_factory=list)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    joined: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    """By user, done when the instance tells everything of them."""

    def say(self, request: pb.FollowRequest) -> None:
        self.waiting.append(request)
        self.wake.set()

    def join(self, users: Sequence[pb.FollowedUser]) -> None:
        loop = asyncio.get_running_loop()
        self.joined |= {user.user_id: loop.create_future() for user in users}
        self.say(pb.FollowRequest(joined=users))

    def leave(self, user_id: str) -> None:
        if (joined := self.joined.pop(user_id, None)) is not None:
            joined.cancel()
        self.say(pb.FollowRequest(left=[user_id]))


class Peers:
    """`instance_id` is how this instance is known to others, and knows itself among them."""

    def __init__(
        self,
        instances: Instances,
        hub: Hub,
        store: FeedStore,
        *,
        instance_id: str,
        compare_s: float = COMPARE_S,
        grace_s: float = GRACE_S,
        backoff: Backoff | None = None,
    ) -> None:
        self._instances, self._hub, self._store = instances, hub, store
        self.instance_id = instance_id
        self._compare_s, self._grace_s = compare_s, grace_s
        self._backoff = backoff or Backoff(base_s=0.1, cap_s=3.0)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._peers: dict[str, _Peer] = {}
        self._is_self: set[str] = set()
        self._streams: dict[Subscriber, str] = {}
        """All that are open here, and whose they are."""
        self._users = Counter[str]()
        self._workspaces: dict[str, str] = {}
        self._lost = asyncio.Event()

    @property
    def are_all_followed(self) -> bool:
        return self._tasks.keys() <= self._peers.keys() | self._is_self

    @asynccontextmanager
    async def carried(self, principal: Principal, subscriber: Subscriber) -> AsyncIterator[None]:
        """While it is open, all instances that can be reached tell of everything that they commit for somebody."""
        user_id = self._streams[subscriber] = principal.user_id
        self._users[user_id] += 1
        if self._users[user_id] == 1:
            self._workspaces[user_id] = principal.workspace_id
            for peer in self._peers.values():
                peer.join([_followed(user_id, principal.workspace_id)])
        try:
            await self._joined(user_id)
            yield
        finally:
            del self._streams[subscriber]
            self._users[user_id] -= 1
            if not self._users[user_id]:
                del self._users[user_id], self._workspaces[user_id]
                for peer in self._peers.values():
                    peer.leave(user_id)

    async def _joined(self, user_id: str) -> None:
        joined = [peer.joined[user_id] for peer in self._peers.values() if user_id in peer.joined]
        if joined and not all(future.done() for future in joined):
            await asyncio.wait(joined, timeout=JOIN_S)

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Follows all others until the context is left. One that knows itself to be alone does nothing."""
        if not may_be_several(self._instances.target):
            yield
            return
        async with background(self._run(), "peers"):
            yield

    async def _run(self) -> None:
        async with background(self._compare_again(), "places"), background(self._reread_again(), "memberships"):
            try:
                async for addresses in self._instances.watch():
                    self._turn_to(addresses)
                await asyncio.Event().wait()
            finally:
                for task in self._tasks.values():
                    task.cancel()
                await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _turn_to(self, addresses: Addresses) -> None:
        for address in addresses:
            if address not in self._tasks:
                task = self._tasks[address] = asyncio.create_task(self._follow(address), name=f"peer {address}")
                task.add_done_callback(_ended)
        for address in self._tasks.keys() - set(addresses):
            self._tasks.pop(address).cancel()
            self._is_self.discard(address)

    async def _follow(self, address: str) -> None:
        channel, failures = self._instances.open(address), 0
        try:
            while address not in self._is_self:
                await channel.channel_ready()
                try:
                    async with stream(FeedServiceStub(channel).Follow()) as call:
                        await self._serve(address, call)
                        failures = 0
                except grpc.aio.AioRpcError as error:
                    log.info("an instance is not followed", address=address, reason=from_rpc_error(error).reason)
                finally:
                    self._lose(address)
                failures += 1
                await asyncio.sleep(self._backoff.delay_s(failures))
        finally:
            await channel.close()

    async def _serve(self, address: str, call: Any) -> None:
        frames = aiter(call)
        first = await anext(frames, pb.FollowResponse())
        if first.instance_id == self.instance_id:
            self._is_self.add(address)
            return
        peer = self._peers[address] = _Peer()
        peer.join([_followed(user_id, workspace_id) for user_id, workspace_id in self._workspaces.items()])
        async with background(_write(peer, call), "follow writer"), background(self._reread(), "memberships"):
            async for frame in frames:
                for item in frame.items:
                    self._take(peer, item)

    def _take(self, peer: _Peer, item: pb.Followed) -> None:
        kind = item.WhichOneof("kind")
        if kind == "event":
            self._hub.tell(item.event)
        elif kind == "moved":
            moved = item.moved
            self._hub.move(moved.user_id, moved.conversation_id, moved.user_pos, is_member=moved.is_member)
        elif (joined := peer.joined.get(item.joined_id)) is not None and not joined.done():
            joined.set_result(None)

    def _lose(self, address: str) -> None:
        peer = self._peers.pop(address, None)
        if peer is not None:
            for joined in peer.joined.values():
                joined.cancel()
            self._lost.set()

    async def _reread(self) -> None:
        """Memberships may have changed where nobody told us."""
        for part in _parts(self._hub.users()):
            for user_id, (as_of, conversation_ids) in (await self._store.memberships(part)).items():
                self._hub.reread(user_id, conversation_ids, as_of)

    async def _reread_again(self) -> None:
        while True:
            await asyncio.sleep(REREAD_S)
            if not self.are_all_followed:
                await _tried(self._reread())

    async def _compare_again(self) -> None:
        while True:
            await wait(self._lost, self._compare_s)
            self._lost.clear()
            await _tried(self.compare())

    async def compare(self) -> None:
        """Has streams read what was committed and did not come, after it had a while to."""
        positions, users = _least(self._begun())
        found: dict[str, int] = {}
        for part in _parts(positions.items()):
            found |= (await self._store.further(dict(part), {}))[0]
        for part in _parts(users.items()):
            found |= (await self._store.further({}, dict(part)))[1]
        if not found:
            return
        await asyncio.sleep(self._grace_s)
        for subscriber, user_id in self._begun():
            there = {id_: found[id_] for id_ in subscriber.reached.positions.keys() & found.keys()}
            subscriber.stand(Place(found.get(user_id, 0), there))

    def _begun(self) -> list[tuple[Subscriber, str]]:
        return [(subscriber, user_id) for subscriber, user_id in self._streams.items() if subscriber.reached.is_begun]


def _least(streams: Sequence[tuple[Subscriber, str]]) -> tuple[dict[str, int], dict[str, int]]:
    """How far the stream has come that has come least, by conversation and by user."""
    positions: dict[str, int] = {}
    users: dict[str, int] = {}
    for subscriber, user_id in streams:
        reached = subscriber.reached
        users[user_id] = min(reached.user_pos, users.get(user_id, reached.user_pos))
        for id_, pos in reached.positions.items():
            positions[id_] = min(pos, positions.get(id_, pos))
    return positions, users


def _parts(items: Iterable[T]) -> Iterator[list[T]]:
    """So many at a time as go into one query."""
    rest = iter(items)
    while part := list(islice(rest, AT_ONCE)):
        yield part


async def _write(peer: _Peer, call: Any) -> None:
    while True:
        await peer.wake.wait()
        peer.wake.clear()
        while peer.waiting:
            await call.write(peer.waiting.pop(0))


async def _tried(work: Any) -> None:
    try:
        await work
    except Exception as error:
        log.warning("instances are not compared", exc_info=error)


def _followed(user_id: str, workspace_id: str) -> pb.FollowedUser:
    return pb.FollowedUser(user_id=user_id, workspace_id=workspace_id)


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("a peer failed", exc_info=error)
