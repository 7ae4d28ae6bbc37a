"""The port through which an export asks, again and again, whether it may go on."""

from dataclasses import dataclass
from typing import Protocol

from mesh.identity.principal import Principal


@dataclass(frozen=True, slots=True)
class Heads:
    """Where a conversation stands: its last message, and the end of its log."""

    last_seq: int
    last_pos: int


class TransferStore(Protocol):
    async def managed(self, caller: Principal, conversation_id: str) -> Heads:
        """Raises NotFound (CONVERSATION_NOT_FOUND), Forbidden (ROLE_TOO_LOW) for who does not manage it now."""
        ...
