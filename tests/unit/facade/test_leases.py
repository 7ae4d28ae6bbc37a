"""How long sockets may go on, by a clock of the test's own."""

from typing import Any

import pytest

from chat.message.v1.feed_service_pb2 import Attached
from facade.leases import Leases
from facade.relay import Attachment
from facade.session import Session
from mesh.errors import Error
from mesh.identity.revocations import Revocations

NOW = 1_000_000.0


class Queue:
    """What a socket would send."""

    def __init__(self) -> None:
        self.packets: list[str] = []

    def qsize(self) -> int:
        return 0

    def put_nowait(self, packet: Any) -> None:
        self.packets.append(packet.data)


class Socket:
    def __init__(self) -> None:
        self.queue = Queue()


class World:
    """Leases of sockets, and what became of them."""

    def __init__(self) -> None:
        self.now = NOW
        self.revocations = Revocations(lambda: self.now)
        self.ended: list[tuple[Session, str]] = []
        self.renewed: list[Session] = []
        self.leases = Leases(self.revocations, self._end, self.renewed.append, clock=lambda: self.now)

    def _end(self, session: Session, error: Error) -> None:
        self.ended.append((session, error.reason))

    def session(self, token: str = "t", session_id: str = "s", expires_in: int = 600) -> Session:
        session = Session("sid", Socket(), lambda _: None, address="")
        session.attachment = Attachment(1, token, "", lambda _: None, lambda _: None)
        self.leases.take(session, Attached(session_id=session_id, expires_in=expires_in))
        return session


@pytest.fixture
def world() -> World:
    return World()


def said(session: Session) -> list[str]:
    return [str(packet) for packet in session.socket.queue.packets]


def test_a_client_is_asked_for_a_fresh_token_once(world: World) -> None:
    """A minute ahead, with the seconds that are left."""
    session = world.session()
    world.now += 539
    world.leases.look([session])
    assert said(session) == []
    world.now += 2
    world.leases.look([session])
    world.leases.look([session])
    assert said(session) == ['2["auth-expiring",{"expires_in":59}]']
    assert world.ended == []


def test_who_brings_a_fresh_token_goes_on(world: World) -> None:
    """And is asked again when that one is about to end."""
    session = world.session(expires_in=30)
    world.leases.look([session])
    world.leases.take(session, Attached(session_id="s", expires_in=600))
    world.now += 100
    world.leases.look([session])
    world.now += 460
    world.leases.look([session])
    assert len(said(session)) == 2
    assert world.ended == []


def test_a_socket_ends_with_its_token(world: World) -> None:
    """To the second."""
    session = world.session(expires_in=10)
    world.now += 10
    world.leases.look([session])
    assert world.ended == [(session, "TOKEN_EXPIRED")]


def test_an_api_key_is_asked_about_again_by_the_server(world: World) -> None:
    """Its program has nothing fresher to bring; a key that does end soon is not asked about all the time."""
    session = world.session(token="ck_x", expires_in=50)
    world.leases.look([session])
    world.leases.take(session, Attached(session_id="s", expires_in=50))
    world.leases.look([session])
    assert (world.renewed, said(session)) == ([session], [])


def test_a_socket_ends_with_its_session(world: World) -> None:
    """At once, and no other one."""
    session, _ = world.session(session_id="s"), world.session(session_id="other")
    world.revocations.add([("s", NOW + 600)])
    assert world.ended == [(session, "SESSION_REVOKED")]


def test_a_session_that_ended_before_is_no_better(world: World) -> None:
    """The news of its end may have come first."""
    world.revocations.add([("s", NOW + 600)])
    session = world.session(session_id="s")
    assert world.ended == [(session, "SESSION_REVOKED")]


def test_from_a_refresh_on_the_new_session_counts(world: World) -> None:
    """The end of the one before is no matter any more."""
    session = world.session(session_id="s")
    world.leases.take(session, Attached(session_id="new", expires_in=600))
    world.revocations.add([("s", NOW + 600)])
    assert world.ended == []
    world.revocations.add([("new", NOW + 600)])
    assert world.ended == [(session, "SESSION_REVOKED")]


def test_a_socket_that_is_gone_is_not_watched(world: World) -> None:
    """Nor kept in memory."""
    session = world.session(session_id="s")
    world.leases.give_up(session)
    world.revocations.add([("s", NOW + 600)])
    assert world.ended == []
