"""The port to where API keys are kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mesh.page import Place, Slice
from services.user.accounts.domain import Role
from services.user.api_keys.domain import ApiKey


@dataclass(frozen=True, slots=True)
class Bearer:
    """A key that is good, and the present rights of its user."""

    key: ApiKey
    role: Role


class ApiKeyStore(Protocol):
    """API keys, by the hash of their secret. A change is kept together with its note in the audit log, both or none."""

    async def add(self, key: ApiKey, hash_: bytes) -> None:
        """Keeps a new key. Raises WrongState (QUOTA_REACHED), NotFound (USER_NOT_FOUND) for a user who is not active,
        or whom `created_by`, who must be active too, does not own.
        """
        ...

    async def page(
        self, workspace_id: str, user_id: str, now: datetime, place: Place | None, limit: int
    ) -> Slice[ApiKey]:
        """Up to `limit` good keys of a user next to `place`, which holds an id; newest first."""
        ...

    async def revoke(self, workspace_id: str, user_id: str, key_id: str, now: datetime) -> None:
        """Ends a key of a user; does nothing when it has ended. Raises NotFound (API_KEY_NOT_FOUND)."""
        ...

    async def introspect(self, hash_: bytes, now: datetime) -> Bearer | None:
        """Whom a key stands for, which is noted as its use. None when it is not good, or its user is not active."""
        ...

    async def sweep(self, now: datetime, limit: int) -> int:
        """Removes up to `limit` keys that ended long ago; answers how many."""
        ...
