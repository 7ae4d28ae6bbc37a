"""The port to where log-ins by providers are kept."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from services.user.accounts.domain import Account
from services.user.oauth.domain import Attempt, Handover, Who

NewAccount = Callable[[str, str], Account]
"""The account to make, with this username and mail address."""


class OAuthStore(Protocol):
    """What is under way, until it comes back or is over; and who a user is to a provider.

    What is taken is gone: of several who take the same at once, one gets it.
    """

    async def keep_attempt(self, attempt: Attempt, expires_at: datetime) -> None: ...

    async def take_attempt(self, provider: str, state: str, binding: str, now: datetime) -> Attempt | None: ...

    async def keep_handover(self, secret: str, handover: Handover, expires_at: datetime) -> None: ...

    async def take_handover(self, secret: str, now: datetime) -> Handover | None: ...

    async def account_for(
        self, who: Who, workspace_id: str, provider: str, usernames: Iterable[str], new: NewAccount, now: datetime
    ) -> Account:
        """The account of `who`: the one that came before, the one with the mail address that both have proof of, or a
        new one, by the first of `usernames` that is free. The address of a new one is empty when another has it.

        Raises NotFound (WORKSPACE_NOT_FOUND), Unauthenticated (PROVIDER_REFUSED), Conflict (USERNAME_TAKEN).
        """
        ...

    async def sweep(self, now: datetime, limit: int) -> int:
        """Removes up to `limit` that are over; answers how many."""
        ...
