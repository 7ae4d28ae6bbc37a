"""What stands before a log-in beside the password: a brake on guessing, and the second factor."""

from datetime import datetime
from typing import Protocol

from services.user.accounts.domain import Account


class LoginGate(Protocol):
    """Slows down who guesses the password of a name, whether somebody has that name or not."""

    async def check(self, workspace_id: str, login: str) -> None:
        """Passes, or raises an Error: too many tries have failed."""
        ...

    async def failed(self, workspace_id: str, login: str, account: Account | None) -> None:
        """Password or code were wrong. `account` is the one whose name it is, if there is one."""
        ...

    async def succeeded(self, workspace_id: str, login: str) -> None:
        """Both were right."""
        ...


class SecondFactor(Protocol):
    """Asks for a code, where one is set up."""

    async def check(self, account: Account, code: str, now: datetime) -> None:
        """Passes who needs no code, or has a good one.

        Raises Unauthenticated (SECOND_FACTOR_REQUIRED), Forbidden (SECOND_FACTOR_INVALID).
        """
        ...
