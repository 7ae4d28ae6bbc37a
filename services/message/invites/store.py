"""The port through which invitations are read. Writes go through the journal."""

from datetime import datetime
from typing import Protocol

from mesh.identity.principal import Principal
from mesh.page import Place, Slice
from services.message.invites.domain import Invite, Shown


class InviteStore(Protocol):
    """The key of a place is `(invite id,)`."""

    async def of_conversation(
        self, caller: Principal, conversation_id: str, place: Place | None, limit: int, now: datetime
    ) -> Slice[Shown]:
        """The open ones, the latest first. Raises NotFound (CONVERSATION_NOT_FOUND), Forbidden (ROLE_TOO_LOW)."""
        ...

    async def for_caller(self, caller: Principal, place: Place | None, limit: int, now: datetime) -> Slice[Shown]:
        """Those that wait for the caller's answer, the latest first."""
        ...

    async def by_code(self, caller: Principal, code_hash: bytes) -> Shown:
        """A link of the caller's workspace, open or not. Raises NotFound (INVITE_INVALID)."""
        ...

    async def by_id(self, caller: Principal, invite_id: str) -> Invite:
        """An invitation of the caller's workspace, open or not. Raises NotFound (INVITE_INVALID)."""
        ...

    async def sweep(self, now: datetime, limit: int) -> int:
        """Forgets up to `limit` invitations that have expired; answers how many."""
        ...
