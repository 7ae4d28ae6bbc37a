"""Who is writing: told to the other members as it happens, and kept for as long as it lasts."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from chat.message.v1 import feed_service_pb2 as pb
from services.message.calls import Relayed
from services.message.command import Origin
from services.message.conversations.domain import not_found
from services.message.feed.domain import CONVERSATION_REMOVED, MESSAGE_NEW, STOP_TYPING, TYPING, Change
from services.message.feed.hub import Hub
from services.message.feed.wire import typing_body
from services.message.journal import Outcome

TYPING_S: Final = 6.0
MAX_TYPING: Final = 10_000
"""Writers in this process; of more the first ones are told to have stopped."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where somebody writes."""

    user_id: str
    conversation_id: str
    thread_root: str


class Typing:
    """Announces typing, and that it is over: after a while without a word, or when it cannot go on.

    `clock` tells the time, aware and in UTC. All last equally long, so they end in the order of their last words, and
    one timer does for all.
    """

    def __init__(self, hub: Hub, clock: Callable[[], datetime], *, max_typing: int = MAX_TYPING) -> None:
        self._hub = hub
        self._clock = clock
        self._max = max_typing
        self._typing: OrderedDict[_Place, tuple[datetime, Origin]] = OrderedDict()
        """When each ends, and in which call it was said."""
        self._by_user: defaultdict[str, set[_Place]] = defaultdict(set)
        self._timer: asyncio.TimerHandle | None = None
        hub.observe(self)

    @property
    def relayed(self) -> Mapping[str, Relayed]:
        """The methods that Relay streams carry too, by name. Their callers are attached, so the hub knows them."""
        return {
            "StartTyping": Relayed(pb.StartTypingRequest, self._start, lambda _: pb.StartTypingResponse()),
            "StopTyping": Relayed(pb.StopTypingRequest, self._stop, lambda _: pb.StopTypingResponse()),
        }

    def start(self, conversation_id: str, thread_root: str, origin: Origin) -> None:
        """Says that the actor, a member, is writing."""
        now = self._clock()
        ends = now + timedelta(seconds=TYPING_S)
        place = _Place(origin.actor_id, conversation_id, thread_root)
        self._typing.pop(place, None)
        self._typing[place] = ends, origin
        self._by_user[place.user_id].add(place)
        self._announce(TYPING, place, origin, now, ends)
        if len(self._typing) > self._max:
            self._end(next(iter(self._typing)), now)
        self._wait()

    def stop(self, conversation_id: str, thread_root: str, origin: Origin) -> None:
        """Says that the actor, a member, stopped."""
        place = _Place(origin.actor_id, conversation_id, thread_root)
        self._forget(place)
        self._announce(STOP_TYPING, place, origin, self._clock(), None)

    def committed(self, outcome: Outcome) -> None:
        """Who has sent what they wrote, or is not in the conversation any more, has stopped."""
        if not self._typing:
            return
        for change in outcome.changes:
            if change.type == MESSAGE_NEW and change.message is not None:
                message = change.message
                self._over({_Place(message.sender_id, change.conversation_id, message.thread_root)})
            elif change.type == CONVERSATION_REMOVED:
                written = self._by_user.get(change.user_id, set())
                self._over({place for place in written if place.conversation_id == change.conversation_id})

    def gone(self, user_id: str) -> None:
        """Whoever has no session any more has stopped."""
        self._over(self._by_user.get(user_id, set()))

    def expire(self) -> None:
        """Tells who has not said a word for a while."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._clock()
        while self._typing and next(iter(self._typing.values()))[0] <= now:
            self._end(next(iter(self._typing)), now)
        self._wait()

    def _over(self, places: set[_Place]) -> None:
        now = self._clock()
        for place in places & self._typing.keys():
            self._end(place, now)

    def _end(self, place: _Place, now: datetime) -> None:
        _, origin = self._typing[place]
        self._forget(place)
        self._announce(STOP_TYPING, place, origin, now, None)

    def _forget(self, place: _Place) -> None:
        if self._typing.pop(place, None) is not None:
            self._by_user[place.user_id].remove(place)
            if not self._by_user[place.user_id]:
                del self._by_user[place.user_id]

    def _wait(self) -> None:
        """Comes back when the first one ends, or would have: each word more leaves the timer as it is."""
        if self._timer is None and self._typing:
            left = next(iter(self._typing.values()))[0] - self._clock()
            self._timer = asyncio.get_running_loop().call_later(left.total_seconds(), self.expire)

    def _announce(self, kind: str, place: _Place, origin: Origin, at: datetime, ends: datetime | None) -> None:
        body = typing_body(place.user_id, ends, place.thread_root)
        self._hub.announce(Change(kind, place.conversation_id, origin, at, body=body, except_user_id=place.user_id))

    def _start(self, request: pb.StartTypingRequest, origin: Origin) -> "asyncio.Future[None]":
        self._check(request.conversation_id, origin)
        self.start(request.conversation_id, request.thread_root, origin)
        return _done()

    def _stop(self, request: pb.StopTypingRequest, origin: Origin) -> "asyncio.Future[None]":
        self._check(request.conversation_id, origin)
        self.stop(request.conversation_id, request.thread_root, origin)
        return _done()

    def _check(self, conversation_id: str, origin: Origin) -> None:
        if not self._hub.is_member(origin.actor_id, conversation_id):
            raise not_found()


def _done() -> "asyncio.Future[None]":
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future
