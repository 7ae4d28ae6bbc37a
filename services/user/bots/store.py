"""The port to where bots are kept. They are accounts, which have a store of their own for the rest."""

from datetime import datetime
from typing import Protocol

from mesh.page import Place, Slice
from services.user.accounts.domain import Account


class BotStore(Protocol):
    """Bots. A change is kept together with its event and its note in the audit log, all or none."""

    async def add(self, bot: Account) -> None:
        """Keeps a new bot. Raises Conflict (USERNAME_TAKEN), WrongState (QUOTA_REACHED), NotFound (USER_NOT_FOUND)
        for an owner who is not active.
        """
        ...

    async def page(self, workspace_id: str, owner_id: str, place: Place | None, limit: int) -> Slice[Account]:
        """Up to `limit` bots of a person next to `place`, which holds an id; newest first."""
        ...

    async def erase(self, workspace_id: str, bot_id: str, now: datetime) -> None:
        """Forgets a bot for good; does nothing when it was erased before. Raises NotFound (USER_NOT_FOUND)."""
        ...
