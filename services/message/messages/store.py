"""The port through which messages are read. Writes go through the journal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mesh.identity.principal import Principal
from services.message.messages.domain import Message


@dataclass(frozen=True, slots=True)
class Span:
    """Messages in a row, by ascending `seq`, and the number of the conversation's last one."""

    messages: Sequence[Message]
    last_seq: int


class MessageStore(Protocol):
    """Every read is for a caller, who sees all messages of the conversations they are in, and no others."""

    async def get(self, caller: Principal, message_id: str) -> Message:
        """Raises NotFound (MESSAGE_NOT_FOUND)."""
        ...

    async def before(self, caller: Principal, conversation_id: str, seq: int | None, limit: int) -> Span:
        """Up to `limit` messages right before `seq`; the last ones when None. NotFound (CONVERSATION_NOT_FOUND)."""
        ...

    async def after(self, caller: Principal, conversation_id: str, seq: int, limit: int) -> Span:
        """Up to `limit` messages right after `seq`. Raises NotFound (CONVERSATION_NOT_FOUND)."""
        ...
