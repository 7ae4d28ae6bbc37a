"""How failures in a row slow down further tries, whether the name that is tried exists or not.

    1, 2        nothing
    3 to 9      a pause that doubles: 1 s, 2 s, 4 s … 64 s
    from 10 on  a lock that doubles: 15 minutes, 30 minutes … a day

What is tried during a pause or a lock is not looked at and does not count, so that a flood lengthens nothing. A success
forgets the failures, and so does a day without any after the lock has ended.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from mesh.errors import Exhausted

PAUSE_FROM = 3
LOCK_FROM = 10
FIRST_PAUSE = timedelta(seconds=1)
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(days=1)
FORGOTTEN_AFTER = timedelta(days=2)
"""Since the last failure; longer than any lock."""


class Subject(StrEnum):
    """What is counted: log-ins by a name, or proofs of the password, or of a code, in a session of a user.

    They are apart: who guesses at log-ins does not disturb a device that is logged in, nor the other way round.
    """

    LOGIN = "login"
    PROOF = "proof"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Failures:
    """Failures in a row, and until when nothing is looked at."""

    count: int
    blocked_until: datetime

    @property
    def is_lock(self) -> bool:
        return self.count >= LOCK_FROM


def key_of(subject: Subject, workspace_id: str, name: str) -> bytes:
    """What failures are kept by: names that nobody has are not collected, nor told apart from others."""
    return sha256("\0".join((subject, workspace_id, name.lower())).encode()).digest()


def pause_after(count: int) -> timedelta:
    """How long nothing is looked at after so many failures in a row."""
    if count < PAUSE_FROM:
        return timedelta()
    if count < LOCK_FROM:
        return FIRST_PAUSE * (1 << (count - PAUSE_FROM))
    return min(LONGEST_LOCK, FIRST_LOCK * (1 << min(count - LOCK_FROM, 10)))


def refuse_while_blocked(failures: Failures | None, now: datetime) -> None:
    """Raises Exhausted (RATE_LIMITED, LOGIN_LOCKED) with the time to wait."""
    if failures is None or failures.blocked_until <= now:
        return
    left_s = (failures.blocked_until - now).total_seconds()
    if failures.is_lock:
        raise Exhausted(
            "LOGIN_LOCKED",
            "There were too many failures. Wait, or use the link in the mail that its owner was sent.",
            retry_after_s=left_s,
        )
    raise Exhausted("RATE_LIMITED", "There were several failures. Wait a moment.", retry_after_s=left_s)
