"""One Relay stream: the sessions of many users, their calls in batches, and the changes that concern them."""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from google.protobuf.message import Message

from chat.message.v1 import feed_service_pb2 as pb
from mesh.call import context as request_context
from mesh.call.context import RequestContext
from mesh.call.faults import unexpected
from mesh.call.status import to_status
from mesh.errors import Error, Exhausted, Forbidden, Invalid, Unauthenticated, Unavailable, draining
from mesh.identity.principal import Principal
from mesh.identity.verifier import Verifier
from mesh.limits.limits import Limits, unlimited
from services.message.command import Origin
from services.message.feed.domain import Attach, Place
from services.message.feed.hub import Delivery, Hub
from services.message.feed.mailbox import Mailbox
from services.message.feed.relay_calls import RelayCalls
from services.message.feed.relay_limits import RelayLimits
from services.message.profiles import Profiles
from services.message.writer import Writer

MAX_FRAME_BYTES = 256 << 10
MAX_WAITING = 20_000
MAX_WAITING_BYTES = 4 << 20
MAX_SESSIONS = 100_000
EVENT_BYTES = 90
"""Of an event beside its change."""

Outgoing = pb.RelayReply | pb.RelayEvent


@dataclass(frozen=True, slots=True)
class Live:
    """What the streams of one process share. `clock` tells the time of day in seconds, as tokens do."""

    calls: RelayCalls
    hub: Hub
    writer: Writer
    profiles: Profiles
    verifier: Verifier
    clock: Callable[[], float] = time.time
    limits: Limits = field(default_factory=unlimited)


@dataclass(slots=True, eq=False)
class _Session:
    principal: Principal
    token: str
    address: str = ""
    joined: bool = False
    """Whether the hub counts it."""
    expiry: asyncio.TimerHandle | None = None
    unwatch: Callable[[], None] = lambda: None
    """No longer waits for the end of the session."""


class RelayStream:
    """Entries are taken in their order. What accumulates while a frame is being written leaves in the next one."""

    hears_peers = False

    def __init__(self, live: Live) -> None:
        self._live = live
        self._opener = request_context.current()
        self._limits = RelayLimits(live.limits, is_mesh=self._opener.is_mesh)
        self._sessions: dict[int, _Session] = {}
        self._outgoing: Mailbox[Outgoing] = Mailbox(MAX_WAITING, MAX_WAITING_BYTES)
        self._unanswered = 0
        self._end: Error | None = None

    def deliver(self, delivery: Delivery) -> None:
        self._outgoing.put(delivery.event(), delivery.size + EVENT_BYTES)

    async def serve(self, frames: AsyncIterable[pb.RelayRequest]) -> AsyncIterator[pb.RelayResponse]:
        """The frames towards the gateway, until it has no more entries and each is answered."""
        self._reader = asyncio.create_task(self._read(frames), name="relay reader")
        try:
            while items := await self._outgoing.take(MAX_FRAME_BYTES):
                for frame in _frames(items):
                    yield frame
            await self._reader
        finally:
            self._outgoing.close()
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
            for session in self._sessions.values():
                self._forget(session)

    def drain(self) -> None:
        """Takes no more entries, answers those taken, then ends the stream with Unavailable (DRAINING)."""
        self._end = draining()
        self._reader.cancel()

    async def _read(self, frames: AsyncIterable[pb.RelayRequest]) -> None:
        self._unanswered += 1
        try:
            async for frame in frames:
                requests = [self._request(entry) for entry in frame.entries]
                principals = await self._verify(frame)
                refusals = await self._limits.take(
                    frame, requests, principals, speaker_of=self._speaker, address_of=self._address
                )
                for entry, request, refused in zip(frame.entries, requests, refusals, strict=True):
                    self._take(entry, request, principals, refused)
        finally:
            self._answered()

    def _request(self, entry: pb.RelayEntry) -> Message | None:
        return self._live.calls.request(entry.call) if entry.HasField("call") else None

    async def _verify(self, frame: pb.RelayRequest) -> dict[str, Principal | Error]:
        """By token, whom the frame wants to attach. Their profiles are known when it returns."""
        principals: dict[str, Principal | Error] = {}
        for token in {entry.attach.token for entry in frame.entries if entry.HasField("attach")}:
            try:
                principals[token] = await self._live.verifier.verify(token)
            except Error as error:
                principals[token] = error
        await self._load(principals)
        return principals

    async def _load(self, principals: dict[str, Principal | Error]) -> None:
        proven = [(token, principal) for token, principal in principals.items() if isinstance(principal, Principal)]
        speakers = {principal.workspace_id: (token, principal) for token, principal in proven}
        for workspace_id, (token, speaker) in speakers.items():
            bound = request_context.bind(RequestContext(principal=speaker, token=token, is_counted=True))
            await self._live.profiles.load([p.user_id for _, p in proven if p.workspace_id == workspace_id])
            request_context.unbind(bound)

    def _speaker(self, number: int) -> Principal | None:
        session = self._sessions.get(number)
        return session.principal if session is not None else None

    def _address(self, attach: pb.Attach) -> str:
        """Where the client of a session is. Strangers can only speak for themselves."""
        return attach.address if self._opener.is_mesh else self._opener.address

    def _take(
        self,
        entry: pb.RelayEntry,
        request: Message | None,
        principals: dict[str, Principal | Error],
        refused: Exhausted | None,
    ) -> None:
        kind = entry.WhichOneof("kind")
        try:
            if refused is not None:
                raise refused
            if kind == "call":
                self._call(entry, request)
            elif kind == "attach":
                self._attach(entry, principals[entry.attach.token])
            elif kind == "detach":
                if session := self._sessions.pop(entry.session, None):
                    self._forget(session)
                self._reply(pb.RelayReply(id=entry.id, response=b""))
            else:
                raise Invalid("INVALID_REQUEST", "The entry is of no known kind.")
        except Error as error:
            self._refuse(entry.id, error)

    def _call(self, entry: pb.RelayEntry, request: Message | None) -> None:
        session = self._sessions.get(entry.session)
        if session is None:
            raise Unauthenticated("NOT_ATTACHED", "The session is not attached.")
        if session.principal.expires_at <= self._live.clock():
            self._leave(session)
            raise Unauthenticated("TOKEN_EXPIRED", "The access token has ended. Attach with a fresh one.")
        self._live.verifier.revocations.check(session.principal.session_id)
        self._unanswered += 1
        answer = partial(self._answer, entry.id)
        self._live.calls.start(entry.call, request, session.principal, session.token, session.address, answer)

    def _answer(self, entry_id: int, result: bytes | Error) -> None:
        if isinstance(result, Error):
            self._refuse(entry_id, result)
        else:
            self._reply(pb.RelayReply(id=entry_id, response=result))
        self._answered()

    def _attach(self, entry: pb.RelayEntry, principal: Principal | Error) -> None:
        if isinstance(principal, Error):
            raise principal
        self._live.verifier.revocations.check(principal.session_id)  # It may have ended since the token was proven.
        session = self._sessions.get(entry.session)
        if session is None:
            if len(self._sessions) >= MAX_SESSIONS:
                raise Unavailable("OVERLOADED", "The stream carries too many sessions. Open another one.")
            session = self._sessions[entry.session] = _Session(principal, entry.attach.token)
        elif session.principal.user_id != principal.user_id:
            raise Forbidden("USER_MISMATCH", "The session belongs to another user.")
        session.principal, session.token, session.address = principal, entry.attach.token, self._address(entry.attach)
        self._expire_later(session)
        self._leave_with(session)
        opened = partial(self._opened, entry.id, entry.session, session)
        attached = self._live.writer.submit(Attach(Origin(principal.user_id, principal.workspace_id), opened))
        self._unanswered += 1
        attached.add_done_callback(partial(self._attached, entry.id))

    def _opened(self, entry_id: int, number: int, session: _Session, place: Place) -> None:
        # The reply goes out from here, where it stands between the changes before and after the place it tells.
        principal = session.principal
        left_s = principal.expires_at - self._live.clock()
        wanted = self._sessions.get(number) is session and self._outgoing.is_open and left_s > 0
        wanted = wanted and principal.session_id not in self._live.verifier.revocations
        if wanted and not session.joined:
            self._live.hub.join(self, principal.user_id, place.positions, as_of=place.user_pos)
            session.joined = True
        attached = pb.Attached(
            user_id=principal.user_id,
            session_id=principal.session_id,
            expires_in=max(0, int(left_s)),
            user_pos=place.user_pos,
            positions=place.positions,
            workspace_id=principal.workspace_id,
        )
        self._reply(pb.RelayReply(id=entry_id, attached=attached))

    def _attached(self, entry_id: int, attached: "asyncio.Future[Place]") -> None:
        error = attached.exception()
        if error is None:
            self._answered()
        else:
            self._answer(entry_id, error if isinstance(error, Error) else unexpected(error, method="Attach"))

    def _expire_later(self, session: _Session) -> None:
        if session.expiry is not None:
            session.expiry.cancel()
        left_s = session.principal.expires_at - self._live.clock()
        session.expiry = asyncio.get_running_loop().call_later(left_s, self._leave, session)

    def _leave_with(self, session: _Session) -> None:
        """Ends the live flow at once when the session ends that its token belongs to."""
        session.unwatch()
        session.unwatch = self._live.verifier.revocations.on_revoked(
            session.principal.session_id, partial(self._leave, session)
        )

    def _leave(self, session: _Session) -> None:
        if session.joined:
            session.joined = False
            self._live.hub.leave(self, session.principal.user_id)

    def _forget(self, session: _Session) -> None:
        if session.expiry is not None:
            session.expiry.cancel()
        session.unwatch()
        self._leave(session)

    def _refuse(self, entry_id: int, error: Error) -> None:
        self._reply(pb.RelayReply(id=entry_id, error=to_status(error)))

    def _reply(self, reply: pb.RelayReply) -> None:
        self._outgoing.put(reply, reply.ByteSize())

    def _answered(self) -> None:
        self._unanswered -= 1
        if not self._unanswered:
            self._outgoing.close(self._end)


def _frames(items: Sequence[Outgoing]) -> list[pb.RelayResponse]:
    """Items as frames. Replies of a frame are read before its events: what tells where a session stands never
    shares one with events that came before it.
    """
    frames = [pb.RelayResponse()]
    for item in items:
        if isinstance(item, pb.RelayEvent):
            frames[-1].events.append(item)
            continue
        if item.HasField("attached") and frames[-1].events:
            frames.append(pb.RelayResponse())
        frames[-1].replies.append(item)
    return frames
