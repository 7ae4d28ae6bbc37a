"""The port through which reactions are read. Writes go through the journal."""

from typing import Protocol

from mesh.identity.principal import Principal
from mesh.page import Place, Slice
from services.message.reactions.domain import Actor


class ReactionStore(Protocol):
    async def page(
        self, caller: Principal, message_id: str, emoji: str, place: Place | None, limit: int
    ) -> Slice[Actor]:
        """Who reacted to a message, in order; with one emoji unless it is empty. Places are by `pos`.

        Nobody for a tombstone. Raises NotFound (MESSAGE_NOT_FOUND).
        """
        ...
