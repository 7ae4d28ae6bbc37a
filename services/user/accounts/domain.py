"""What an account is, how its names are compared, and how it changes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from mesh.errors import Conflict, Invalid, Stale, Violation

ERASED_NAME = "Deleted user"
ERASED_PREFIX = "deleted-"
"""Names that begin so are kept for users who were erased."""
EDITABLE = ("full_name", "bio", "avatar", "username")

_LOCAL_PART = re.compile(r"[^.@]+(\.[^.@]+)*@")


class Role(StrEnum):
    """Rights across the workspace."""

    USER = "user"
    ADMIN = "admin"


class Kind(StrEnum):
    """A person has a password, a bot has API keys."""

    PERSON = "person"
    BOT = "bot"


@dataclass(frozen=True, slots=True)
class Account:
    """One person or bot. `username` is lower case; `email` is as given and compared by `email_key`.

    Username and mail address are unique in the workspace. `version` is raised by every change that the account shows.
    """

    id: str
    workspace_id: str
    username: str
    email: str
    full_name: str
    created_at: datetime
    updated_at: datetime
    last_login: datetime | None = None
    avatar: str = ""
    bio: str = ""
    role: Role = Role.USER
    is_active: bool = True
    is_verified: bool = False
    kind: Kind = Kind.PERSON
    owner_id: str | None = None
    erased_at: datetime | None = None
    status_text: str = ""
    status_emoji: str = ""
    status_expires_at: datetime | None = None
    version: int = 1
    has_second_factor: bool = False

    @property
    def etag(self) -> str:
        return f"{self.id[-12:]}-{self.version}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account with what proves its owner. The two are apart so that no answer can carry the hash by accident."""

    account: Account
    password_hash: str = field(repr=False)


def new_account(
    account_id: str, *, workspace_id: str, username: str, email: str, full_name: str, now: datetime
) -> Account:
    """The account of somebody who registers. Without a full name the username is shown.

    Raises Invalid (INVALID_REQUEST), Conflict (USERNAME_TAKEN).
    """
    username = _checked_username(username)
    return Account(
        id=account_id,
        workspace_id=workspace_id,
        username=username,
        email=checked_email(email),
        full_name=full_name.strip() or username,
        created_at=now,
        updated_at=now,
    )


def edited(account: Account, changes: Mapping[str, str]) -> Account:
    """The account with other values of EDITABLE. Raises Invalid (INVALID_REQUEST), Conflict (USERNAME_TAKEN)."""
    username = account.username
    if "username" in changes and changes["username"].lower() != username:
        username = _checked_username(changes["username"])
    # Who had chosen no name goes on without one.
    unnamed = "" if account.full_name == account.username else account.full_name
    full_name = changes.get("full_name", unnamed).strip() or username
    return replace(
        account,
        username=username,
        full_name=full_name,
        bio=changes.get("bio", account.bio),
        avatar=changes.get("avatar", account.avatar),
    )


def with_status(account: Account, text: str, emoji: str, expires_at: datetime | None, now: datetime) -> Account:
    """The account with a status; with none when there is neither text nor emoji. Raises Invalid (INVALID_REQUEST)."""
    if expires_at is not None and expires_at <= now:
        raise _invalid("expires_at", "timestamp.gt_now", "The status must end in the future.")
    if not text and not emoji:
        expires_at = None
    return replace(account, status_text=text, status_emoji=emoji, status_expires_at=expires_at)


def check_etag(account: Account, etag: str) -> None:
    """Raises Stale (ETAG_MISMATCH) when `etag` names another version; none names whatever it is."""
    if etag and etag != account.etag:
        raise Stale("ETAG_MISMATCH", "The account has changed since it was read.")


def erased(account: Account, now: datetime) -> Account:
    """What is left of an account: nothing that tells who it was."""
    return replace(
        account,
        username=ERASED_PREFIX + account.id.replace("-", "")[-24:],
        email="",
        full_name=ERASED_NAME,
        avatar="",
        bio="",
        status_text="",
        status_emoji="",
        status_expires_at=None,
        last_login=None,
        is_active=False,
        is_verified=False,
        erased_at=now,
    )


def _checked_username(username: str) -> str:
    username = username.lower()
    if not username:
        raise _invalid("username", "string.min_len", "The username cannot be taken away.")
    if username.startswith(ERASED_PREFIX):
        raise Conflict("USERNAME_TAKEN", f"Names that begin with {ERASED_PREFIX} are kept for users who were erased.")
    return username


def checked_email(email: str) -> str:
    """The address, if mails surely go to it and to no other. Raises Invalid (INVALID_REQUEST)."""
    # The contract takes what browsers take: dots anywhere, and `=?…?=`, which mail programs decode to another address.
    if email and (not _LOCAL_PART.match(email) or "=?" in email):
        raise _invalid("email", "string.email", "The address is not one that mails can be sent to.")
    return email


def _invalid(field: str, code: str, detail: str) -> Invalid:
    return Invalid("INVALID_REQUEST", f"{field}: {detail}", violations=[Violation(field, code, detail)])


def name_key(full_name: str) -> str:
    """What the beginnings of the words of a name are looked for in: each word in one case, after a blank."""
    return "".join(f" {word}" for word in full_name.casefold().split())


def email_key(email: str) -> str:
    """What two addresses have in common when they count as one."""
    return email.lower()


def is_email(login: str) -> bool:
    """Whether somebody who logs in as `login` gave a mail address. No username has an `@`."""
    return "@" in login
