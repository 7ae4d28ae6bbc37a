"""Links in mails: what they are good for, for how long, and what voids them. Only the hash of a link is kept."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from mesh.errors import Forbidden, Invalid
from services.user.accounts.domain import email_key
from services.user.mail.domain import Mail

TOKEN_BYTES = 32


class Purpose(StrEnum):
    """What a link does. Asking for one again voids the earlier ones of the same purpose."""

    VERIFY = "verify"  # proves the present mail address
    EMAIL = "email"  # puts another mail address in its place
    RESET = "reset"
    UNLOCK = "unlock"


LIFETIMES = {
    Purpose.VERIFY: timedelta(hours=24),
    Purpose.EMAIL: timedelta(hours=24),
    Purpose.RESET: timedelta(minutes=30),
    Purpose.UNLOCK: timedelta(hours=1),
}


@dataclass(frozen=True, slots=True)
class Link:
    """What is kept of a link. `email` is the address it was sent to; `bound_to` what must still hold when it is used:
    the hash of the present mail address, or of the present password hash.
    """

    hash: bytes = field(repr=False)
    workspace_id: str
    user_id: str
    purpose: Purpose
    bound_to: bytes = field(repr=False)
    email: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail and the link in it: kept together, or not at all."""

    link: Link
    mail: Mail


def new_token(random: Callable[[int], bytes]) -> str:
    """What a link carries. `random` gives bytes that nobody can guess."""
    return urlsafe_b64encode(random(TOKEN_BYTES)).rstrip(b"=").decode()


def token_hash(token: str) -> bytes:
    return sha256(token.encode()).digest()


def bound_to_address(email: str) -> bytes:
    """Void once the account has another mail address."""
    return sha256(email_key(email).encode()).digest()


def bound_to_password(password_hash: str) -> bytes:
    """Void once the account has another password: each hash of the same one differs, by its salt."""
    return sha256(password_hash.encode()).digest()


def wrong_password() -> Forbidden:
    return Forbidden("PASSWORD_WRONG", "The present password is not right.")


def invalid_link() -> Invalid:
    return Invalid("LINK_INVALID", "The link is not one of ours, was used before, or has ended. Ask for another one.")
