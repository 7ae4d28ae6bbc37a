"""The port to where sessions are kept."""

from datetime import datetime
from typing import Protocol

from mesh.audit.entry import Entry
from mesh.page import Place, Slice
from services.user.sessions.domain import Outcome, RefreshToken, Session


class SessionStore(Protocol):
    """Sessions. Each change is kept together with its event `user.activity` and its note in the audit log, all or none.

    A session that ends before its time is revoked by it. Log-ins, refreshes and ends of one user come one at a time.
    """

    async def add(self, session: Session, password_hash: str | None = None, *, provider: str = "") -> bool:
        """Keeps a session that begins, and its beginning as the user's last log-in; by which provider, if by one.

        False when the user is not active any more, or has another password than the one of `password_hash`, if given.
        """
        ...

    async def refuse(self, noted: Entry) -> None:
        """Notes that a session was not opened."""
        ...

    async def present(self, token: RefreshToken, now: datetime) -> Outcome:
        """Presents `token` to the session of its family, and keeps what becomes of it. None goes on for who is
        suspended.
        """
        ...

    async def page(
        self, workspace_id: str, user_id: str, now: datetime, place: Place | None, limit: int
    ) -> Slice[Session]:
        """Up to `limit` open sessions of the user next to `place`, which holds an id; newest first."""
        ...

    async def log_out(self, workspace_id: str, user_id: str, session_id: str, now: datetime) -> None:
        """Ends a session of the user; does nothing when it has ended."""
        ...

    async def revoke(self, workspace_id: str, user_id: str, session_id: str, now: datetime) -> None:
        """The same for one that may not be the user's: raises NotFound (SESSION_NOT_FOUND)."""
        ...

    async def revoke_all(self, workspace_id: str, user_id: str, now: datetime, keep: str | None) -> int:
        """Ends all open sessions of the user but for `keep`; answers how many."""
        ...
