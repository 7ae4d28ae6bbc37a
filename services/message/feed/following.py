"""One Follow stream: another instance of this service hears of what is committed here."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from functools import partial
from typing import Final

from chat.message.v1 import feed_service_pb2 as pb
from mesh.call.faults import unexpected
from mesh.errors import Error, draining
from services.message.command import Origin
from services.message.feed.domain import Attach, Place
from services.message.feed.hub import Delivery, Hub
from services.message.feed.mailbox import Mailbox
from services.message.feed.relay import EVENT_BYTES, MAX_FRAME_BYTES, MAX_WAITING, MAX_WAITING_BYTES
from services.message.writer import Writer

MOVED_BYTES: Final = 90
"""About what it takes to tell of a membership."""


class FollowStream:
    """Memberships of everybody, and all changes for the users that the other end has joined."""

    hears_peers = False

    def __init__(self, hub: Hub, writer: Writer, instance_id: str) -> None:
        self._hub, self._writer, self._instance_id = hub, writer, instance_id
        self._outgoing: Mailbox[pb.Followed] = Mailbox(MAX_WAITING, MAX_WAITING_BYTES)
        self._wanted: set[str] = set()
        self._joined: set[str] = set()

    async def serve(self, frames: AsyncIterable[pb.FollowRequest]) -> AsyncIterator[pb.FollowResponse]:
        """The frames towards the other end, until either ends."""
        self._hub.follow(self)
        reader = asyncio.create_task(self._read(frames), name="follow reader")
        try:
            yield pb.FollowResponse(instance_id=self._instance_id)
            while items := await self._outgoing.take(MAX_FRAME_BYTES):
                yield pb.FollowResponse(items=items)
        finally:
            self._outgoing.close()
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            self._hub.unfollow(self)
            for user_id in self._joined:
                self._hub.leave(self, user_id)

    def drain(self) -> None:
        """Ends the stream with Unavailable (DRAINING), once what it owes is on its way."""
        self._outgoing.close(draining())

    def deliver(self, delivery: Delivery) -> None:
        self._outgoing.put(pb.Followed(event=delivery.event()), delivery.size + EVENT_BYTES)

    def moved(self, user_id: str, conversation_id: str, user_pos: int, *, is_member: bool) -> None:
        moved = pb.MemberMoved(user_id=user_id, conversation_id=conversation_id, user_pos=user_pos, is_member=is_member)
        self._outgoing.put(pb.Followed(moved=moved), MOVED_BYTES)

    async def _read(self, frames: AsyncIterable[pb.FollowRequest]) -> None:
        async for frame in frames:
            for user in frame.joined:
                self._join(user.user_id, user.workspace_id)
            for user_id in frame.left:
                self._wanted.discard(user_id)
                if user_id in self._joined:
                    self._joined.remove(user_id)
                    self._hub.leave(self, user_id)
        self._outgoing.close()

    def _join(self, user_id: str, workspace_id: str) -> None:
        self._wanted.add(user_id)
        try:
            future = self._writer.submit(Attach(Origin(user_id, workspace_id), partial(self._opened, user_id)))
        except Error as error:
            self._outgoing.close(error)
        else:
            future.add_done_callback(self._submitted)

    def _opened(self, user_id: str, place: Place) -> None:
        if user_id in self._wanted and user_id not in self._joined and self._outgoing.is_open:
            self._joined.add(user_id)
            self._hub.join(self, user_id, place.positions, as_of=place.user_pos)
        self._outgoing.put(pb.Followed(joined_id=user_id), len(user_id))

    def _submitted(self, future: "asyncio.Future[Place]") -> None:
        error = future.exception()
        if error is not None:
            self._outgoing.close(error if isinstance(error, Error) else unexpected(error, method="Follow"))
