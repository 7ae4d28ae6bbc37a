"""Who is writing: told to the other members as it happens, and kept nowhere."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from chat.message.v1 import feed_service_pb2 as pb
from services.message.calls import Relayed
from services.message.command import Origin
from services.message.conversations.domain import not_found
from services.message.feed.domain import STOP_TYPING, TYPING, Change
from services.message.feed.hub import Hub
from services.message.feed.wire import typing_body

TYPING_S = 6.0


class Typing:
    """Announces typing. `clock` tells the time, aware and in UTC."""

    def __init__(self, hub: Hub, clock: Callable[[], datetime]) -> None:
        self._hub = hub
        self._clock = clock

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
        body = typing_body(origin.actor_id, now + timedelta(seconds=TYPING_S), thread_root)
        self._announce(TYPING, conversation_id, origin, now, body)

    def stop(self, conversation_id: str, thread_root: str, origin: Origin) -> None:
        """Says that the actor, a member, stopped."""
        body = typing_body(origin.actor_id, None, thread_root)
        self._announce(STOP_TYPING, conversation_id, origin, self._clock(), body)

    def _announce(self, kind: str, conversation_id: str, origin: Origin, at: datetime, body: bytes) -> None:
        self._hub.announce(Change(kind, conversation_id, origin, at, body=body, except_user_id=origin.actor_id))

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
