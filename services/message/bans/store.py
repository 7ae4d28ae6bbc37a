"""The port through which bans are read. Writes go through the journal."""

from datetime import datetime
from typing import Protocol

from mesh.identity.principal import Principal
from mesh.page import Place, Slice
from services.message.bans.domain import Ban


class BanStore(Protocol):
    async def page(
        self, caller: Principal, conversation_id: str, place: Place | None, limit: int, now: datetime
    ) -> Slice[Ban]:
        """The bans that hold now, the latest first. The key of a place is `(created_at in ISO 8601, user id)`.

        Raises NotFound (CONVERSATION_NOT_FOUND), Forbidden (ROLE_TOO_LOW).
        """
        ...
