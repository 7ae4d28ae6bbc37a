"""Socket.IO at /ws: who connects is attached to the relay, told what it missed, and fed with what happens.

Client events are RPCs whose contract names a `socket_event`; there is no code for any one of them here. A few have no
RPC of their own: what concerns the socket itself, and who it wants to hear of (facade/presence).
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import socketio
import structlog
from starlette.types import Scope
from uuid_utils import uuid7

from chat.message.v1.feed_service_pb2 import Attached
from facade.auth import Auth, Tickets, shown_token
from facade.calls import Calls
from facade.door import Door
from facade.engine.packets import event_frame
from facade.engine.server import Server
from facade.engine.socket import MAX_QUEUED, Socket
from facade.fanout import Fanout
from facade.leases import Leases
from facade.limits import Edge
from facade.presence.events import EVENTS as PRESENCE_EVENTS
from facade.presence.presence import Presence
from facade.problems import as_dict, known
from facade.relays import Relays
from facade.resume import Place, Resumer, recall, resumed
from facade.session import Session
from mesh.background import background
from mesh.call import context as request_context
from mesh.call.context import RequestContext
from mesh.call.correlation import accept
from mesh.call.spans import socket_span
from mesh.errors import Cancelled, Error, Exhausted, Unauthenticated, Unavailable
from mesh.identity.revocations import Revocations
from mesh.moment import moment_text
from mesh.telemetry.metrics import Metrics
from mesh.telemetry.tracing import trace_id

log = structlog.get_logger(__name__)

MAX_PACKET_BYTES = 128 * 1024
PING_INTERVAL_S, PING_TIMEOUT_S = 20, 10
MAX_PER_USER = 100
"""Sockets that one user may have open at this process."""
RECONNECT_AFTER_MS = 200, 1_000
"""The least and the most that a client is asked to wait before it connects elsewhere."""
DRAIN_PAUSE_S, DRAIN_S = 0.1, 15.0
"""Between two sockets, and for all of them."""
ANSWERS_S = 5.0
"""How long a socket that is to be closed is kept open for what it waits for."""
FEATURE_LEVEL = 1


class Sockets:
    """All sockets of this process."""

    def __init__(
        self,
        calls: Calls,
        resumer: Resumer,
        fanout: Fanout,
        metrics: Metrics,
        *,
        edge: Edge,
        address_of: Callable[[Scope], str],
        tickets: Tickets,
        revocations: Revocations,
    ) -> None:
        self.relays: Relays  # Set before the first socket connects: they need the fan-out, which is ours.
        self.presence: Presence  # Likewise.
        self._calls, self._resumer, self._fanout, self._metrics = calls, resumer, fanout, metrics
        self._edge, self._address_of, self._tickets = edge, address_of, tickets
        self._sessions: dict[str, Session] = {}
        self._by_user = Counter[str]()
        self.server = Server(
            self,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            max_http_buffer_size=MAX_PACKET_BYTES,
        )
        self._spawn = self.server.spawn
        self._log = log.bind()  # What is not bound is bound anew for each word.
        self.door = Door(lambda: len(self.server.eio.sockets) - len(self._sessions))
        self._leases = Leases(revocations, self._end_soon, self._renew_soon, after=self.server.wheel.after)
        metrics.socket_events.announce((*calls.events, *PRESENCE_EVENTS))
        self.server.on("connect", self._connect)
        self.server.on("disconnect", self._disconnect)

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        correlation_id, address = _correlation_id(auth), self._address_of(environ["asgi.scope"])
        request_context.bind(RequestContext(str(uuid7()), correlation_id, address=address))
        with socket_span("connect"):
            try:
                await self._edge.admit(shown_token(auth), address)
                async with self.door.turn():
                    await self._open(sid, auth, address)
            except Exception as error:
                problem = self._problem(error, "connect", correlation_id)
                raise socketio.exceptions.ConnectionRefusedError(problem["detail"], problem) from None

    async def _open(self, sid: str, auth: Any, address: str) -> None:
        shown = Auth.read(auth)
        token = await self._tickets.token(shown)
        session = self._session(sid, address)
        greeting: list[Attached] = []

        def on_attached(attached: Attached) -> None:
            if greeting:  # The stream was opened again: tell the session what passed meanwhile.
                self._leases.take(session, attached)
                self._again(session, attached)
            else:
                greeting.append(attached)
                session.session_id, session.workspace_id = attached.session_id, attached.workspace_id
                self._fanout.join(session, attached)

        def on_lost(error: Error) -> None:
            self._end_soon(session, error)

        session.attachment = await self.relays.attach(token, on_attached, on_lost, address=address)
        if session.socket.closed:
            self._forget(session)
            raise Cancelled("CANCELLED", "The client went away.")
        if self._by_user[session.user_id] >= MAX_PER_USER:
            self._forget(session)
            raise Exhausted("TOO_MANY_SOCKETS", f"You have {MAX_PER_USER} sockets open here: close one first.")
        self._sessions[sid] = session
        self._by_user[session.user_id] += 1
        self._metrics.sockets.set(len(self._sessions))
        # CONNECT is queued before these tasks get their turn, since nothing waits in between.
        self._spawn(self._welcome(session, greeting[0], shown.place))
        self._leases.take(session, greeting[0])
        self.presence.online(session)

    def _session(self, sid: str, address: str) -> Session:
        eio_sid = self.server.manager.eio_sid_from_sid(sid, "/")
        return Session(sid, self.server.eio.sockets[eio_sid], self._overflow, self._missed, address=address)

    def _overflow(self, session: Session) -> None:
        error = Exhausted("SLOW_CONSUMER", "This socket was read too slowly. Connect again and resume.")
        self._spawn(self._cut(session, "slow-consumer", error))

    def _missed(self, session: Session) -> None:
        error = Unavailable("UNAVAILABLE", "Something was lost on its way. Connect again and resume.")
        self._spawn(self._cut(session, "resume-failed", error))

    async def _welcome(self, session: Session, attached: Attached, place: Place | None) -> None:
        hello = {
            "session_id": attached.session_id,
            "user_id": attached.user_id,
            "server_time": moment_text(datetime.now(UTC)),
            "heartbeat_s": PING_INTERVAL_S + PING_TIMEOUT_S,
            "limits": {"max_packet_bytes": MAX_PACKET_BYTES, "max_queued": MAX_QUEUED},
            "feature_level": FEATURE_LEVEL,
            "expires_in": attached.expires_in,
            "user_pos": attached.user_pos,
            "positions": dict(attached.positions),
        }
        session.write(event_frame("hello", hello))
        if place is None:
            session.release(attached.user_pos, dict(attached.positions))
        else:
            await self._resume(session, place, Place(attached.user_pos, dict(attached.positions)))

    async def _resume(self, session: Session, place: Place, heads: Place) -> None:
        frames = recall(self._fanout.ring, session.user_id, place, heads)
        if frames is None:
            await self._replay(session, place)
            return
        for frame in frames:
            await session.tell(frame)
        session.write(event_frame("resumed", resumed(len(frames), heads)))
        session.release(heads.user_pos, heads.positions)

    def _again(self, session: Session, attached: Attached) -> None:
        if session.held is not None:  # Half-way through a replay, what it holds belongs to no place: begin anew.
            error = Unavailable("UNAVAILABLE", "The message service went away. Connect again and resume.")
            self._spawn(self._cut(session, "resume-failed", error))
            return
        place = Place(*self._fanout.place(session))
        session.hold()
        self._fanout.join(session, attached)
        self._spawn(self._replay(session, place))

    async def _replay(self, session: Session, place: Place) -> None:
        assert session.attachment is not None
        try:
            outcome = await self._resumer.replay(session.attachment.token, place, self._fanout.frame, session.tell)
        except Exception as error:
            await self._cut(session, "resume-failed", error)
            return
        if session.socket.owner is None:
            return  # It went away meanwhile: the logs that it followed are given up.
        if outcome.event == "resumed":
            self._fanout.reach(session, outcome.user_pos, outcome.positions)
        session.write(event_frame(outcome.event, outcome.data))
        session.release(outcome.user_pos, outcome.positions)

    async def event(self, socket: Socket, name: str, arguments: list[Any]) -> dict[str, Any]:
        """What a client is answered that sent an event."""
        session = socket.owner if isinstance(socket.owner, Session) else None
        meta = arguments[1] if len(arguments) > 1 and isinstance(arguments[1], dict) else {}
        correlation_id = _correlation_id(meta)
        address = session.address if session is not None else ""
        request_context.bind(RequestContext(str(uuid7()), correlation_id, address=address))
        with socket_span(name, str(meta.get("traceparent", ""))):
            code = "OK"
            answer: dict[str, Any] = {"ok": True, "correlation_id": correlation_id, "trace_id": trace_id()}
            try:
                if session is None or session.attachment is None:
                    raise Unauthenticated("NOT_ATTACHED", "This socket is not connected any more.")
                await self._edge.admit(session.attachment.token, address)
                if name == "auth-refresh":
                    answer["data"] = await self._refresh(session, arguments)
                elif name in PRESENCE_EVENTS:
                    asked = arguments[0] if arguments else None
                    answer["data"] = await self.presence.answer(
                        name, session, asked, token=session.attachment.token, correlation_id=correlation_id
                    )
                else:
                    made = await self._calls.make(
                        self.relays, session.attachment, name, arguments[0] if arguments else {}, correlation_id
                    )
                    answer.update(made)
            except Exception as error:
                problem = self._problem(error, name, correlation_id)
                code = problem["code"]
                answer = {"ok": False, "problem": problem, "correlation_id": correlation_id, "trace_id": trace_id()}
            self._metrics.socket_events(name, code).inc()
            self._log.debug("event", name=name[:40], code=code)
            return answer

    async def _refresh(self, session: Session, arguments: list[Any]) -> dict[str, Any]:
        token = await self._tickets.token(Auth.read(arguments[0] if arguments else None))
        return {"expires_in": (await self._go_on(session, token)).expires_in}

    async def _go_on(self, session: Session, token: str) -> Attached:
        assert session.attachment is not None
        attached = await self.relays.refresh(session.attachment, token)
        self._leases.take(session, attached)
        return attached

    def _renew_soon(self, session: Session) -> None:
        self._spawn(self._renew(session))

    async def _renew(self, session: Session) -> None:
        assert session.attachment is not None
        try:
            await self._go_on(session, session.attachment.token)
        except Error as error:
            if error.retryable:
                self._leases.ask_again(session)
            else:
                await self._end(session, error)

    async def _disconnect(self, sid: str, _reason: str = "") -> None:
        session = self._sessions.pop(sid, None)
        self._metrics.sockets.set(len(self._sessions))
        if session is not None:
            session.socket.owner = None
            self._by_user[session.user_id] -= 1
            if not self._by_user[session.user_id]:
                del self._by_user[session.user_id]
            self._forget(session)

    def _forget(self, session: Session) -> None:
        self._leases.give_up(session)
        self._fanout.leave(session)
        self.presence.offline(session)
        if session.attachment is not None:
            self.relays.detach(session.attachment)

    async def _cut(self, session: Session, event: str, error: Exception) -> None:
        """Ends a connection. Clients connect again by themselves, and resume from their place."""
        if not session.ending:
            session.ending = True
            session.say_last(event, self._problem(error, event, ""))
            await session.close()

    def _end_soon(self, session: Session, error: Error) -> None:
        self._spawn(self._end(session, error))

    async def _end(self, session: Session, error: Error) -> None:
        """Ends a session for good: clients do not connect again before they have another token."""
        if not session.ending:
            session.ending = True
            event = "session-revoked" if error.reason == "SESSION_REVOKED" else "session-lost"
            session.say_last(event, self._problem(error, event, ""))
            await self.server.disconnect(session.sid)
            await session.close()

    def _problem(self, error: Exception, instance: str, correlation_id: str) -> dict[str, Any]:
        found = known(error)
        return as_dict(
            found,
            request_id=request_context.current().request_id,
            trace_id=trace_id(),
            instance=instance,
            correlation_id=correlation_id,
        )

    async def drain(self) -> None:
        """Tells every client that this server goes away, and closes the sockets: one after the other, so that they do
        not come to another server all at once.
        """
        self.door.shut()
        sessions = list(self._sessions.values())
        pause_s = min(DRAIN_PAUSE_S, DRAIN_S / max(1, len(sessions)))
        started = time.monotonic()
        async with asyncio.TaskGroup() as dismissals:
            for number, session in enumerate(sessions):
                await asyncio.sleep(max(0.0, started + number * pause_s - time.monotonic()))
                dismissals.create_task(self._dismiss(session))
        await self.server.cancel()

    async def _dismiss(self, session: Session) -> None:
        """Closes a socket, once it has the answers that it waits for."""
        if not session.ending:
            session.ending = True
            wait_ms = random.randint(*RECONNECT_AFTER_MS)  # noqa: S311
            session.say_last("server-draining", {"reconnect_after_ms": wait_ms})
            with suppress(TimeoutError):
                async with asyncio.timeout(ANSWERS_S):
                    await session.socket.answered()
            await session.close()


@asynccontextmanager
async def running(sockets: Sockets) -> AsyncIterator[Sockets]:
    """Owns what runs beside the sockets; drains them at the end."""
    async with background(sockets.server.wheel.run(), "socket wheel"):
        try:
            yield sockets
        finally:
            await sockets.drain()


def _correlation_id(said: Any) -> str:
    offered = said.get("correlation_id") if isinstance(said, dict) else None
    return accept(offered if isinstance(offered, str) else None)
