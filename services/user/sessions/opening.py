"""Opens sessions for those who have proven who they are, however they did."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from mesh.call.context import current
from services.user.accounts.domain import Account
from services.user.sessions.access import AccessTokens
from services.user.sessions.domain import Session, new_session
from services.user.sessions.store import SessionStore


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that begins, and the tokens to answer."""

    session: Session
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


class SessionOpening:
    """Opens sessions, from the address of the call being served."""

    def __init__(self, sessions: SessionStore, access: AccessTokens, ids: Callable[[], str]) -> None:
        self._sessions = sessions
        self._access = access
        self._ids = ids

    async def open(
        self, account: Account, device: str, now: datetime, *, password_hash: str | None = None, provider: str = ""
    ) -> Opened | None:
        """A session of the account; None when it has been suspended, or got another password, in the meantime.

        `provider` names the OpenID provider that has proven who it is, where it was one.
        """
        session, refresh_token = new_session(
            self._ids(),
            workspace_id=account.workspace_id,
            user_id=account.id,
            device=device,
            address=current().address,
            random=secrets.token_bytes,
            now=now,
        )
        if not await self._sessions.add(session, password_hash, provider=provider):
            return None
        return Opened(session, await self._access.issue(account, session.id, now), str(refresh_token))
