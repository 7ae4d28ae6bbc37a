"""The port through which pins are read. Writes go through the journal."""

from typing import Protocol

from mesh.identity.principal import Principal
from mesh.page import Place, Slice
from services.message.pins.domain import Pin


class PinStore(Protocol):
    async def page(self, caller: Principal, conversation_id: str, place: Place | None, limit: int) -> Slice[Pin]:
        """What is pinned in a conversation, the latest first. Places are by `pinned_at` in ISO 8601 and message id.

        Raises NotFound (CONVERSATION_NOT_FOUND).
        """
        ...
