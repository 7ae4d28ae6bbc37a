"""How long sockets may go on, by a clock of the test's own."""

from typing import Any, cast

import pytest

from chat.message.v1.feed_service_pb2 import Attached
from facade.engine import websocket
from facade.engine.wheel import Wheel
from facade.leases import Leases
from facade.relays import Attachment
from facade.session import Session
from mesh.errors import Error
from mesh.identity.revocations import Revocations

NOW = 1_000_000.0


class Socket:
    """Keeps what it would send."""

    closed = False
    is_congested = False
    write_directly = None

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.write = self.frames.append


class World:
    """Leases of sockets, and what became of them."""

    def __init__(self) -> None:
        self.now = NOW
        self.revocations = Revocations(lambda: self.now)
        self.ended: list[tuple[Session, str]] = []
        self.renewed: list[Session] = []
        self.wheel = Wheel(clock=lambda: self.now)
        self.leases = Leases(
            self.revocations, self._end, self.renewed.append, after=self.wheel.after, clock=lambda: self.now
        )

    def at(self, seconds: float) -> None:
        """It is so many seconds after the beginning, and what was due has happened."""
        self.now = NOW + seconds
        self.wheel.turn()

    def _end(self, session: Session, error: Error) -> None:
        self.ended.append((session, error.reason))

    def session(self, token: str = "t", session_id: str = "s", expires_in: int = 600) -> Session:
        session = Session("sid", cast(Any, Socket()), lambda _: None, lambda _: None, address="")
        session.attachment = Attachment(token, "", lambda _: None, lambda _: None)
        self.leases.take(session, Attached(session_id=session_id, expires_in=expires_in))
        return session


@pytest.fixture
def world() -> World:
    return World()


def said(session: Session) -> list[bytes]:
    sent: list[bytes] = cast(Any, session.socket).frames
    return [payload for frames in sent for payload in websocket.payloads(frames)]


def test_a_client_is_asked_for_a_fresh_token_once(world: World) -> None:
    """A minute ahead, with the seconds that are left."""
    session = world.session()
    world.at(539)
    assert said(session) == []
    world.at(541)
    world.at(550)
    assert said(session) == [b'42["auth-expiring",{"expires_in":59}]']
    assert world.ended == []


def test_who_brings_a_fresh_token_goes_on(world: World) -> None:
    """And is asked again when that one is about to end."""
    session = world.session(expires_in=30)
    world.at(1)
    world.leases.take(session, Attached(session_id="s", expires_in=600))
    world.at(100)
    assert len(said(session)) == 1
    world.at(560)
    assert len(said(session)) == 2
    assert world.ended == []


def test_a_socket_ends_with_its_token(world: World) -> None:
    """Within a second."""
    session = world.session(expires_in=10)
    world.at(9)
    assert world.ended == []
    world.at(11)
    assert world.ended == [(session, "TOKEN_EXPIRED")]


def test_a_token_that_is_a_little_fresher_ends_too(world: World) -> None:
    """However often it is shown in its last minute."""
    session = world.session(expires_in=10)
    world.at(1)
    world.leases.take(session, Attached(session_id="s", expires_in=9))
    world.at(11)
    assert (session, "TOKEN_EXPIRED") in world.ended


def test_an_api_key_is_asked_about_again_by_the_server(world: World) -> None:
    """Its program has nothing fresher to bring; a key that does end soon is not asked about all the time."""
    session = world.session(token="ck_x", expires_in=50)
    world.at(1)
    world.leases.take(session, Attached(session_id="s", expires_in=50))
    world.at(2)
    assert (world.renewed, said(session)) == ([session], [])


def test_what_failed_for_a_moment_is_tried_again(world: World) -> None:
    """As long as there is time."""
    session = world.session(token="ck_x", expires_in=50)
    world.at(1)
    world.leases.ask_again(session)
    world.at(4)
    assert world.renewed == [session, session]


def test_a_socket_that_is_closed_is_left_alone(world: World) -> None:
    """Though it is still waited for."""
    session = world.session(expires_in=10)
    session.socket.closed = True
    world.at(20)
    assert (world.ended, said(session)) == ([], [])


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
