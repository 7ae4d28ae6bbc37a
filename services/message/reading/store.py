"""The port through which marks are read. Writes go through the journal."""

from collections.abc import Sequence
from typing import Protocol

from mesh.identity.principal import Principal
from services.message.messages.domain import Message
from services.message.reading.domain import ThreadMark, Unread


class ReadingStore(Protocol):
    """Every read is for a caller, to whom only the conversations they are in exist."""

    async def unread(self, caller: Principal) -> Sequence[Unread]:
        """The conversations with something unread that are not hidden, the newest first."""
        ...

    async def thread(self, caller: Principal, root_id: str) -> tuple[Message, ThreadMark]:
        """The message that a thread hangs on, and the caller's mark. NotFound (MESSAGE_NOT_FOUND, THREAD_NOT_FOUND)."""
        ...
