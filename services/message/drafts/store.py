"""The port through which drafts are read. Writes go through the journal."""

from typing import Protocol

from mesh.identity.principal import Principal
from mesh.page import Place, Slice
from services.message.drafts.domain import Draft


class DraftStore(Protocol):
    """Every read is for a caller, who has drafts only in the conversations they are in."""

    async def get(self, caller: Principal, conversation_id: str, thread_root: str) -> Draft:
        """An empty one when there is none. Raises NotFound (CONVERSATION_NOT_FOUND)."""
        ...

    async def page(self, caller: Principal, place: Place | None, limit: int) -> Slice[Draft]:
        """The latest first. The key of a place is `(updated_at in ISO 8601, conversation id, thread root)`."""
        ...
