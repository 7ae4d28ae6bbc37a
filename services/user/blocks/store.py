"""The port to where blocks are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from mesh.page import Place, Slice
from services.user.blocks.domain import Block


class BlockStore(Protocol):
    """Blocks between users of a workspace. A change is kept together with its event `user.blocked`, both or none."""

    async def add(self, workspace_id: str, user_id: str, blocked_id: str, now: datetime) -> None:
        """Blocks a user; does nothing when that is so already. Raises NotFound (USER_NOT_FOUND)."""
        ...

    async def remove(self, workspace_id: str, user_id: str, blocked_id: str, now: datetime) -> None:
        """Takes a block back; does nothing when there is none."""
        ...

    async def page(self, workspace_id: str, user_id: str, place: Place | None, limit: int) -> Slice[Block]:
        """Up to `limit` blocks of a user next to `place`, which holds a moment and a user's id; newest first."""
        ...

    async def refused(self, workspace_id: str, user_id: str, ids: Sequence[str]) -> Sequence[str]:
        """Those of `ids` whom the user has blocked, or who have blocked the user; in the order of `ids`."""
        ...
