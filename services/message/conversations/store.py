"""The port through which conversations and members are read. Writes go through the journal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mesh.identity.principal import Principal
from mesh.page import Place, Slice
from services.message.conversations.domain import Conversation, Member
from services.message.messages.domain import Message


@dataclass(frozen=True, slots=True)
class View:
    """A conversation as one of its members sees it, with its first members."""

    conversation: Conversation
    members: Sequence[Member]
    my: Member
    last_message: Message | None
    unread_count: int
    mention_count: int


class ConversationStore(Protocol):
    """Every read is for a caller, to whom only the conversations they are in exist."""

    async def get(self, caller: Principal, conversation_id: str) -> View:
        """Raises NotFound (CONVERSATION_NOT_FOUND)."""
        ...

    async def page(self, caller: Principal, place: Place | None, limit: int) -> Slice[View]:
        """The caller's conversations by descending id. The key of a place is `(conversation id,)`."""
        ...

    async def members(self, caller: Principal, conversation_id: str, place: Place | None, limit: int) -> Slice[Member]:
        """In the order of joining. The key of a place is `(joined_at in ISO 8601, user id)`.

        Raises NotFound (CONVERSATION_NOT_FOUND).
        """
        ...
