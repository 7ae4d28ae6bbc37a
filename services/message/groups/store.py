"""The port through which groups are read. Writes go through the journal."""

from typing import Protocol

from mesh.identity.principal import Principal
from mesh.page import Place, Slice
from services.message.groups.domain import Filled


class GroupStore(Protocol):
    """To a caller only the groups of their workspace exist."""

    async def get(self, caller: Principal, group_id: str) -> Filled:
        """Raises NotFound (GROUP_NOT_FOUND)."""
        ...

    async def page(self, caller: Principal, place: Place | None, limit: int) -> Slice[Filled]:
        """By handle. The key of a place is `(handle,)`."""
        ...
