"""The port to where accounts are kept."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from services.user.accounts.domain import Account, Credentials


class AccountStore(Protocol):
    """Accounts, unique in their workspace by username and by mail address, whatever the case of their letters."""

    async def add(self, account: Account, password_hash: str) -> None:
        """Keeps a new account and its event `user.registered`, both or none.

        Of several that want one name at the same time exactly one gets it. Raises Conflict (USERNAME_TAKEN,
        EMAIL_TAKEN).
        """
        ...

    async def find(self, workspace_id: str, ids: Sequence[str]) -> Mapping[str, Account]:
        """The accounts that the workspace has among `ids`, by id."""
        ...

    async def credentials(self, workspace_id: str, login: str) -> Credentials | None:
        """The account of the workspace whose username or mail address is `login`."""
        ...

    async def replace_password_hash(self, account_id: str, old: str, new: str) -> None:
        """Puts `new` in the place of `old`; does nothing when it is no longer `old`."""
        ...
