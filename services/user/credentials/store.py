"""The port to passwords, mail addresses and the links that prove them."""

from datetime import datetime
from typing import Protocol

from services.user.accounts.domain import Credentials
from services.user.credentials.domain import Letter, Link, Purpose
from services.user.mail.domain import Mail


class CredentialStore(Protocol):
    """Each change is kept together with its events, letters, and its note in the audit log, all or none.

    Links are named by the hash of their token. Using one takes it away: of several at the same time one succeeds, the
    others get Invalid (LINK_INVALID), as does who uses one that was never made, has ended, or is no longer good.
    """

    async def send(self, letter: Letter, *, known: bool = True) -> None:
        """Keeps a letter, and voids earlier ones of its purpose. Only pretends to when nobody is `known` to get it."""
        ...

    async def ask_reset(self, letter: Letter, now: datetime, *, known: bool) -> None:
        """The same for a letter that sets a new password, which is noted."""
        ...

    async def is_free(self, workspace_id: str, email: str, account_id: str) -> bool:
        """Whether nobody else in the workspace has the mail address."""
        ...

    async def look_at(self, token: bytes, *purposes: Purpose, now: datetime) -> tuple[Link, Credentials]:
        """A link that is good, and whose it is. It stays good."""
        ...

    async def use_verification(self, token: bytes, now: datetime, notice: Mail | None = None) -> None:
        """Proves the address that the link was sent to, which becomes the account's; `notice` goes to the one before.

        Raises Conflict (EMAIL_TAKEN) when somebody else has it by now.
        """
        ...

    async def use_reset(self, token: bytes, password_hash: str, notice: Mail, now: datetime) -> None:
        """Sets another password, ends all sessions, forgets the failures to log in."""
        ...

    async def use_unlock(self, token: bytes, now: datetime) -> None:
        """Forgets the failures to log in to an account."""
        ...

    async def change_password(
        self, known: Credentials, password_hash: str, notice: Mail, *, keep: str, now: datetime
    ) -> None:
        """Sets another password, and ends all sessions but `keep`.

        Raises Forbidden (PASSWORD_WRONG) when it is no longer the one that is `known`.
        """
        ...

    async def sweep(self, now: datetime, limit: int) -> int:
        """Removes up to so many links that have ended; answers how many."""
        ...
