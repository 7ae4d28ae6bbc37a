"""The port through which marks are read. Writes go through the journal."""

from collections.abc import Sequence
from typing import Protocol

from mesh.identity.principal import Principal
from mesh.page import Place, Slice
from services.message.conversations.domain import Member
from services.message.messages.domain import Message
from services.message.reading.domain import ThreadMark, Unread


class ReadingStore(Protocol):
    """Every read is for a caller, to whom only the conversations they are in exist."""

    async def receipts(self, caller: Principal, conversation_id: str, place: Place | None, limit: int) -> Slice[Member]:
        """In the order of joining. The key of a place is `(joined_at in ISO 8601, user id)`.

        Raises NotFound (CONVERSATION_NOT_FOUND).
        """
        ...

    async def unread(self, caller: Principal) -> Sequence[Unread]:
        """The conversations with something unread that are not hidden, the newest first."""
        ...

    async def thread(self, caller: Principal, root_id: str) -> tuple[Message, ThreadMark]:
        """The message that a thread hangs on, and the caller's mark. NotFound (MESSAGE_NOT_FOUND, THREAD_NOT_FOUND)."""
        ...
