"""The port to what admins change."""

from datetime import datetime
from typing import Protocol

from services.user.accounts.domain import Account, Role


class AdministrationStore(Protocol):
    """Changes by an admin, named by `by`, who is still one. Each is kept together with its event, the end of sessions
    that it means, and its note in the audit log, all or none; repeating one does nothing.

    All answer the account as it is then, and raise NotFound (USER_NOT_FOUND), WrongState (USER_ERASED), Forbidden
    (PERMISSION_DENIED).
    """

    async def suspend(self, workspace_id: str, account_id: str, *, by: str, reason: str, now: datetime) -> Account:
        """Shuts a user out. Raises WrongState (LAST_ADMIN)."""
        ...

    async def reactivate(self, workspace_id: str, account_id: str, *, by: str, now: datetime) -> Account:
        """Lets a suspended user in again."""
        ...

    async def set_role(self, workspace_id: str, account_id: str, role: Role, *, by: str, now: datetime) -> Account:
        """Gives a user a role. Raises WrongState (LAST_ADMIN)."""
        ...

    async def grant(self, workspace_id: str, username: str, role: Role, now: datetime) -> Account:
        """Gives a user a role, by the operator. Raises WrongState (LAST_ADMIN), NotFound (WORKSPACE_NOT_FOUND)."""
        ...
