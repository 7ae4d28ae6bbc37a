"""Access tokens of sessions, signed with the key that signs now."""

from collections.abc import Callable
from datetime import datetime

from mesh.identity import tokens
from mesh.identity.principal import Principal
from services.user.accounts.domain import Account
from services.user.keys.ring import KeyRing


class AccessTokens:
    """Signs. Rights are those that the account has now."""

    def __init__(self, ring: KeyRing, ids: Callable[[], str]) -> None:
        self._ring = ring
        self._ids = ids

    async def issue(self, account: Account, session_id: str, now: datetime) -> str:
        """A token for `tokens.LIFETIME_S` seconds from `now`."""
        key = await self._ring.signer()
        issued_at = int(now.timestamp())
        return tokens.sign(
            Principal(account.id, session_id, account.role.value, issued_at + tokens.LIFETIME_S, account.workspace_id),
            issued_at=issued_at,
            token_id=self._ids(),
            key=key.private,
            kid=key.kid,
        )
