"""Makes API keys, of people and of bots alike."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from mesh.call.context import caller
from services.user.api_keys.domain import ApiKey, hash_of, new_key, new_secret
from services.user.api_keys.store import ApiKeyStore


class KeyIssuing:
    """The only place that ever knows the secret of a key."""

    def __init__(self, keys: ApiKeyStore, *, clock: Callable[[], datetime], ids: Callable[[], str]) -> None:
        self._keys = keys
        self._clock = clock
        self._ids = ids

    async def issue(
        self, user_id: str, name: str, scopes: Sequence[str], expires_at: datetime | None
    ) -> tuple[ApiKey, str]:
        """A key of the caller or of a bot of the caller, and its secret."""
        key = new_key(
            self._ids(),
            workspace_id=caller().workspace_id,
            user_id=user_id,
            name=name,
            scopes=scopes,
            created_by=caller().user_id,
            expires_at=expires_at,
            now=self._clock(),
        )
        secret = new_secret(secrets.token_bytes)
        await self._keys.add(key, hash_of(secret))
        return key, secret
