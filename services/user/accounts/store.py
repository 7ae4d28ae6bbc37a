"""The port to where accounts are kept."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from mesh.page import Place, Slice
from services.user.accounts.domain import Account, Credentials
from services.user.accounts.export import Export
from services.user.credentials.domain import Letter

Edit = Callable[[Account], Account]
"""What an account becomes. Raises what the rules say."""


class AccountStore(Protocol):
    """Accounts, unique in their workspace by username and by mail address, whatever the case of their letters.

    A change is kept together with its events and its note in the audit log, all or none.
    """

    async def add(self, account: Account, password_hash: str, letter: Letter | None = None) -> None:
        """Keeps a new account, and the letter that proves its address.

        Of several that want one name at the same time exactly one gets it. Raises NotFound (WORKSPACE_NOT_FOUND),
        Conflict (USERNAME_TAKEN, EMAIL_TAKEN).
        """
        ...

    async def find(self, workspace_id: str, ids: Sequence[str]) -> Mapping[str, Account]:
        """The accounts that the workspace has among `ids`, by id."""
        ...

    async def page(self, workspace_id: str, q: str, place: Place | None, limit: int) -> Slice[Account]:
        """Up to `limit` active accounts next to `place`, which holds a username; by username.

        Only those whose username or a word of whose name begins with `q`, in any case of its letters.
        """
        ...

    async def credentials(self, workspace_id: str, login: str) -> Credentials | None:
        """The account of the workspace whose username or mail address is `login`."""
        ...

    async def credentials_of(self, workspace_id: str, account_id: str) -> Credentials | None:
        """The account of an id."""
        ...

    async def edit(self, workspace_id: str, account_id: str, edit: Edit, *, now: datetime, etag: str = "") -> Account:
        """Changes a profile by its owner; answers it as it is then. Of several at once each sees the one before.

        Raises NotFound (USER_NOT_FOUND), Stale (ETAG_MISMATCH) when it is not the one that `etag` names, Conflict
        (USERNAME_TAKEN), and what `edit` raises.
        """
        ...

    async def replace_password_hash(self, account_id: str, old: str, new: str) -> None:
        """Puts `new` in the place of `old`; does nothing when it is no longer `old`."""
        ...

    async def erase(self, workspace_id: str, account_id: str, *, by: str, now: datetime, etag: str = "") -> None:
        """Forgets who an account was: its profile, password, sessions, keys, links, mails and blocks, for good.

        `by` is the account itself, or an admin. Does nothing when it was erased before. Raises NotFound
        (USER_NOT_FOUND), Stale (ETAG_MISMATCH), WrongState (LAST_ADMIN), Forbidden (PERMISSION_DENIED).
        """
        ...

    async def export(self, workspace_id: str, account_id: str, *, by: str, now: datetime) -> Export:
        """Everything that is kept about a user, for the user or an admin, named by `by`.

        Raises NotFound (USER_NOT_FOUND), Forbidden (PERMISSION_DENIED).
        """
        ...
