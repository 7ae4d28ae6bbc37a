"""What is kept of a log-in while the browser is at the provider, and whose account it ends at."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from unicodedata import combining, normalize

from mesh.errors import Error, Invalid, NotFound, Unauthenticated, Violation
from services.user.accounts.domain import ERASED_PREFIX, Account, Kind, checked_email, new_account

STATE_LIFETIME = timedelta(minutes=10)
HANDOVER_LIFETIME = timedelta(seconds=60)
DEFAULT_RETURN = "/account"
MAX_NAME = 32
MAX_FULL_NAME = 100
MAX_EMAIL = 254

Random = Callable[[int], bytes]
"""Gives that many bytes that nobody can guess."""

_OURS = re.compile(r'/([!"$-.0-\[\]-~][!"$-\[\]-~]*)?')
_ADDRESS = re.compile(r"[!-?A-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_NO_HANDLE = re.compile(r"[^a-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A log-in that has begun. The browser knows `state` and `binding`, the provider `state` and `nonce`."""

    workspace_id: str
    provider: str
    return_to: str
    state: str = field(repr=False)
    binding: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    @property
    def challenge(self) -> str:
        """What shows the provider later that who has the code is who began (RFC 7636, S256)."""
        return text(sha256(self.verifier.encode()).digest())


@dataclass(frozen=True, slots=True)
class Handover:
    """A log-in that has come back: who it is, until the page asks for the tokens."""

    workspace_id: str
    provider: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Who:
    """Whom a provider has proven. `issuer` and `subject` name them for ever; the rest may change."""

    issuer: str
    subject: str
    email: str = ""
    is_verified: bool = False
    """Whether the provider has proof of the mail address."""
    name: str = ""
    username: str = ""


def new_attempt(workspace_id: str, provider: str, return_to: str, random: Random) -> Attempt:
    """Raises Invalid (INVALID_REQUEST) for a page that is not ours."""
    state, binding, nonce, verifier = (text(random(32)) for _ in range(4))
    return Attempt(workspace_id, provider, checked_return(return_to), state, binding, nonce, verifier)


def checked_return(path: str) -> str:
    """A page of this origin. Browsers take `//host` and `/\\host` for pages of others."""
    path = path or DEFAULT_RETURN
    if not _OURS.fullmatch(path):
        violation = Violation("return_to", "string.pattern", "must be a path of this server, without a fragment")
        raise Invalid("INVALID_REQUEST", "`return_to` is not a page of ours.", violations=[violation])
    return path


def state_hash(state: str, binding: str) -> bytes:
    """By what an attempt is kept: who has the state without the binding finds nothing, and spoils nothing."""
    return sha256(f"state\0{state}\0{binding}".encode()).digest()


def handover_hash(secret: str) -> bytes:
    return sha256(f"handover\0{secret}".encode()).digest()


def text(secret: bytes) -> str:
    return urlsafe_b64encode(secret).rstrip(b"=").decode()


def address_of(who: Who) -> str:
    """The mail address that a new account takes over: one that the provider has proof of, or none."""
    if not who.is_verified or len(who.email) > MAX_EMAIL or not _ADDRESS.fullmatch(who.email):
        return ""
    try:
        return checked_email(who.email)
    except Invalid:
        return ""


def may_link(who: Who, account: Account) -> bool:
    """Whether `account`, which has the mail address of `who`, is theirs: both sides must have proof of the address.

    Without ours somebody could have registered it before its owner came. Raises Unauthenticated (PROVIDER_REFUSED) when
    it is theirs and suspended.
    """
    if not who.is_verified or not account.is_verified or account.kind != Kind.PERSON:
        return False
    check_active(account)
    return True


def check_active(account: Account) -> None:
    """Raises Unauthenticated (PROVIDER_REFUSED) for who may not log in at all."""
    if not account.is_active:
        raise refused("This account cannot log in.")


def account_of(who: Who, account_id: str, *, workspace_id: str, username: str, email: str, now: datetime) -> Account:
    """A new account of somebody whose mail address, if there is one, is proven already."""
    full_name = " ".join(who.name.split())[:MAX_FULL_NAME]
    account = new_account(
        account_id, workspace_id=workspace_id, username=username, email=email, full_name=full_name, now=now
    )
    return replace(account, is_verified=True) if email else account


def usernames(who: Who, random: Random) -> Iterator[str]:
    """Names to try for a new account, without end: as the provider calls them, then with something behind it."""
    handle = _handle(who.username) or _handle(who.email.partition("@")[0]) or _handle(who.name) or "user"
    yield handle
    while True:
        yield f"{handle[: MAX_NAME - 7]}-{random(3).hex()}"


def _handle(name: str) -> str:
    plain = "".join(c for c in normalize("NFKD", name.partition("@")[0]) if not combining(c))
    handle = _NO_HANDLE.sub("-", plain.lower()).strip("._-")[:MAX_NAME]
    return handle if len(handle) >= 3 and not handle.startswith(ERASED_PREFIX) else ""


def no_provider() -> Error:
    return NotFound("PROVIDER_NOT_FOUND", "People cannot log in by this provider here.")


def refused(detail: str) -> Error:
    return Unauthenticated("PROVIDER_REFUSED", detail)
