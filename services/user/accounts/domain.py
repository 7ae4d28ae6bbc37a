"""What an account is and how its names are compared."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """Rights across the whole installation."""

    USER = "user"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Account:
    """One person or bot. `username` is lower case; `email` is as given and compared by `email_key`."""

    id: str
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


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account with what proves its owner. The two are apart so that no answer can carry the hash by accident."""

    account: Account
    password_hash: str = field(repr=False)


def new_account(account_id: str, *, username: str, email: str, full_name: str, now: datetime) -> Account:
    """The account of somebody who registers. Without a full name the username is shown."""
    username = username.lower()
    return Account(
        id=account_id,
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
