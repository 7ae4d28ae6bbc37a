"""What an account is and how its names are compared."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


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
    """The account of somebody who registers. Without a full name the username is shown."""
    username = username.lower()
    return Account(
        id=account_id,
        workspace_id=workspace_id,
        username=username,
        email=email,
        full_name=full_name.strip() or username,
        created_at=now,
        updated_at=now,
    )


def email_key(email: str) -> str:
    """What two addresses have in common when they count as one."""
    return email.lower()


def is_email(login: str) -> bool:
    """Whether somebody who logs in as `login` gave a mail address. No username has an `@`."""
    return "@" in login
