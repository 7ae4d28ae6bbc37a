"""Sessions, and how their refresh tokens follow each other.

A session knows the tokens of two generations only:

    current   the newest token that was used (at first: the one that log-in answered)
    next      its successor, which is answered whenever `current` is presented

Presenting `current` answers `next`, as often as it is done: a lost reply locks nobody out, and two refreshes at the
same time get the same token. Presenting `next` makes it `current`. From then on its predecessor is retired, and so
are all before it; presenting one of them means that two parties hold tokens of one session, and ends it.

The successor is derived from the presented token under the session's key, so it can be answered again although only
hashes are kept: whoever reads the database has keys but no token, and a thief of a token has no key. The first half
of a token is the same in its whole family. It finds the session, and is as secret as the rest: a stranger cannot end
a session by making up a token for it.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

REFRESH_LIFETIME = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """An opaque token of two 256-bit secrets. Any text parses: what was never issued has a family that nobody knows."""

    family: str = field(repr=False)
    secret: str = field(repr=False)

    @classmethod
    def parse(cls, token: str) -> "RefreshToken":
        family, _, secret = token.partition(".")
        return cls(family, secret)

    def __str__(self) -> str:
        return f"{self.family}.{self.secret}"

    @property
    def family_hash(self) -> bytes:
        return hashlib.sha256(self.family.encode()).digest()

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(str(self).encode()).digest()

    def successor(self, key: bytes) -> "RefreshToken":
        return RefreshToken(self.family, _text(hmac.digest(key, str(self).encode(), "sha256")))


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in on one device. `expires_at` is when its newest refresh token ends."""

    id: str
    workspace_id: str
    user_id: str
    device: str
    address: str
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    family_hash: bytes
    current_hash: bytes
    next_hash: bytes
    rotation_key: bytes = field(repr=False)
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Renewed:
    """The session goes on, with `successor` as the token to answer."""

    session: Session
    successor: RefreshToken


@dataclass(frozen=True, slots=True)
class Reused:
    """A retired token was presented, and the session has ended by this."""

    session: Session


@dataclass(frozen=True, slots=True)
class Ended:
    """No session goes on by this token: it has ended before, or there never was one."""


Outcome = Renewed | Reused | Ended


def new_session(
    session_id: str,
    *,
    workspace_id: str,
    user_id: str,
    device: str,
    address: str,
    random: Callable[[int], bytes],
    now: datetime,
) -> tuple[Session, RefreshToken]:
    """A session that begins, and its first refresh token. `random` gives that many bytes that nobody can guess."""
    token = RefreshToken(_text(random(32)), _text(random(32)))
    key = random(32)
    session = Session(
        id=session_id,
        workspace_id=workspace_id,
        user_id=user_id,
        device=device,
        address=address,
        created_at=now,
        refreshed_at=now,
        expires_at=now + REFRESH_LIFETIME,
        family_hash=token.family_hash,
        current_hash=token.hash,
        next_hash=token.successor(key).hash,
        rotation_key=key,
    )
    return session, token


def present(session: Session, token: RefreshToken, now: datetime) -> Outcome:
    """What becomes of `session` when a token of its family is presented."""
    if session.ended_at is not None or session.expires_at <= now:
        return Ended()
    if token.hash not in (session.current_hash, session.next_hash):
        return Reused(replace(session, ended_at=now))
    successor = token.successor(session.rotation_key)
    renewed = replace(
        session,
        current_hash=token.hash,
        next_hash=successor.hash,
        refreshed_at=now,
        expires_at=now + REFRESH_LIFETIME,
    )
    return Renewed(renewed, successor)


def _text(secret: bytes) -> str:
    return urlsafe_b64encode(secret).rstrip(b"=").decode()
