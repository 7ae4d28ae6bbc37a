"""What a ticket is: a secret of 256 bits that is good once, for half a minute. Only its hash is kept."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

LIFETIME = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket stands for: the session that asked for it."""

    hash: bytes
    workspace_id: str
    user_id: str
    session_id: str
    expires_at: datetime


def new_secret(random: Callable[[int], bytes]) -> str:
    """The text to give out. `random` gives that many bytes that nobody can guess."""
    return urlsafe_b64encode(random(32)).rstrip(b"=").decode()


def hash_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
