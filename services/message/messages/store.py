"""The port through which messages are read. Writes go through the journal."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mesh.identity.principal import Principal
from mesh.page import Place, Slice
from services.message.messages.domain import Message, Version


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

    async def some(self, caller: Principal, message_ids: Collection[str]) -> Mapping[str, Message]:
        """Those of the messages that the caller sees, by id."""
        ...

    async def before(self, caller: Principal, conversation_id: str, seq: int | None, limit: int) -> Span:
        """Up to `limit` messages right before `seq`; the last ones when None. NotFound (CONVERSATION_NOT_FOUND)."""
        ...

    async def after(self, caller: Principal, conversation_id: str, seq: int, limit: int) -> Span:
        """Up to `limit` messages right after `seq`. Raises NotFound (CONVERSATION_NOT_FOUND)."""
        ...

    async def around(self, caller: Principal, conversation_id: str, seq: int, limit: int) -> Span:
        """Up to `limit` messages with `seq` in their middle, as far as there are so many on both sides.

        Raises NotFound (CONVERSATION_NOT_FOUND).
        """
        ...

    async def replies(self, caller: Principal, root_id: str, place: Place | None, limit: int) -> Slice[Message]:
        """Replies in a thread, by ascending `seq`; places are by that. Raises NotFound (MESSAGE_NOT_FOUND)."""
        ...

    async def versions(self, caller: Principal, message_id: str, place: Place | None, limit: int) -> Slice[Version]:
        """The texts of a message, the present one first, by falling number; places are by that. None of a tombstone.

        Raises NotFound (MESSAGE_NOT_FOUND).
        """
        ...
