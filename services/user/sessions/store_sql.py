"""Sessions in SQL. The user's row is locked first, then the session's: so does whatever ends sessions for a reason."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

from chat.event.v1 import user_events_pb2 as events
from mesh.audit.entry import Entry, entry
from mesh.audit.log import Trail, note
from mesh.database import Database
from mesh.errors import NotFound
from mesh.keyset_sql import read_slice
from mesh.page import Place, Slice
from services.user import outbox_sql
from services.user.revocations.writes_sql import revoke
from services.user.sessions.domain import Ended, Outcome, RefreshToken, Renewed, Reused, Session, present
from services.user.sessions.writes_sql import end_sessions, lock_user
from services.user.tables import sessions, users

_COLUMNS = [sessions.c[field.name] for field in fields(Session)]


class SqlSessionStore:
    def __init__(self, database: Database, trail: Trail) -> None:
        self._database = database
        self._trail = trail

    async def add(self, session: Session, password_hash: str | None = None, *, provider: str = "") -> bool:
        source = outbox_sql.origin()
        user_id, at = session.user_id, session.created_at
        how = {"session": session.id} | ({"provider": provider} if provider else {})
        noted = _noted("session.opened", session.workspace_id, user_id, at, **how)

        def work(connection: Connection) -> bool:
            here = (users.c.workspace_id == session.workspace_id) & (users.c.id == user_id) & users.c.is_active
            if password_hash is not None:
                here &= users.c.password_hash == password_hash
            if not connection.execute(update(users).where(here).values(last_login=at)).rowcount:
                return False
            connection.execute(insert(sessions).values(**asdict(session)))
            outbox_sql.append(connection, user_id, _activity(user_id, events.ACTIVITY_LOGIN, session.id), at, source)
            note(connection, self._trail, noted)
            return True

        return await self._database.write(work)

    async def refuse(self, noted: Entry) -> None:
        await self._database.write(lambda connection: note(connection, self._trail, noted))

    async def present(self, token: RefreshToken, now: datetime) -> Outcome:
        source = outbox_sql.origin()
        noted = entry("session.token_reused", at=now)

        def work(connection: Connection) -> Outcome:
            family = sessions.c.family_hash == token.family_hash
            user_id = connection.scalar(select(sessions.c.user_id).where(family))
            if user_id is None or not lock_user(connection, user_id):
                return Ended()
            row = connection.execute(select(*_COLUMNS).where(family).with_for_update()).mappings().one()
            outcome = present(Session(**row), token, now)
            if isinstance(outcome, Renewed | Reused):
                connection.execute(update(sessions).where(family).values(**asdict(outcome.session)))
            if isinstance(outcome, Reused):
                self._told(connection, outcome.session, events.ACTIVITY_REVOKED, now, source, noted)
            return outcome

        return await self._database.write(work)

    async def page(
        self, workspace_id: str, user_id: str, now: datetime, place: Place | None, limit: int
    ) -> Slice[Session]:
        open_ = _theirs(workspace_id, user_id) & sessions.c.ended_at.is_(None) & (sessions.c.expires_at > now)
        query = select(*_COLUMNS).where(open_)
        found = await self._database.read(
            lambda connection: read_slice(connection, query, [sessions.c.id], place, limit, falling=True)
        )
        return Slice([Session(**row._mapping) for row in found.items], found.has_prev, found.has_next)

    async def log_out(self, workspace_id: str, user_id: str, session_id: str, now: datetime) -> None:
        await self._end(workspace_id, user_id, session_id, now, events.ACTIVITY_LOGOUT)

    async def revoke(self, workspace_id: str, user_id: str, session_id: str, now: datetime) -> None:
        if not await self._end(workspace_id, user_id, session_id, now, events.ACTIVITY_REVOKED):
            raise NotFound("SESSION_NOT_FOUND", "You have no such session.")

    async def revoke_all(self, workspace_id: str, user_id: str, now: datetime, keep: str | None) -> int:
        source = outbox_sql.origin()
        noted = _noted("session.ended", workspace_id, user_id, now)

        def work(connection: Connection) -> int:
            ended = end_sessions(connection, workspace_id, user_id, now, keep=keep)
            if ended:
                outbox_sql.append(connection, user_id, _activity(user_id, events.ACTIVITY_REVOKED), now, source)
                note(connection, self._trail, _with(noted, sessions=str(len(ended))))
            return len(ended)

        return await self._database.write(work)

    async def _end(
        self,
        workspace_id: str,
        user_id: str,
        session_id: str,
        now: datetime,
        activity: "events.Activity.ValueType",
    ) -> bool:
        """Whether the user has the session. It has ended then."""
        source = outbox_sql.origin()
        noted = _noted("session.ended", workspace_id, user_id, now)

        def work(connection: Connection) -> bool:
            lock_user(connection, user_id)
            here = _theirs(workspace_id, user_id) & (sessions.c.id == session_id)
            row = connection.execute(select(*_COLUMNS).where(here)).mappings().first()
            if row is None:
                return False
            session = Session(**row)
            if session.ended_at is None:
                connection.execute(update(sessions).where(here).values(ended_at=now))
                self._told(connection, session, activity, now, source, noted)
            return True

        return await self._database.write(work)

    def _told(
        self,
        connection: Connection,
        session: Session,
        activity: "events.Activity.ValueType",
        now: datetime,
        source: outbox_sql.Origin,
        noted: Entry,
    ) -> None:
        """Tells of the end of one session all who must know."""
        event = _activity(session.user_id, activity, session.id)
        outbox_sql.append(connection, session.user_id, event, now, source)
        revoke(connection, [session.id], now)
        about = replace(noted, workspace_id=session.workspace_id, subject_id=session.user_id)
        note(connection, self._trail, _with(about, session=session.id))


def _theirs(workspace_id: str, user_id: str) -> ColumnElement[bool]:
    return (sessions.c.workspace_id == workspace_id) & (sessions.c.user_id == user_id)


def _noted(action: str, workspace_id: str, user_id: str, at: datetime, **detail: str) -> Entry:
    """What users do to their own sessions; whoever logs in is known only by it."""
    return entry(action, at=at, actor_id=user_id, workspace_id=workspace_id, subject_id=user_id, **detail)


def _with(noted: Entry, **detail: str) -> Entry:
    merged: Mapping[str, Any] = {**noted.detail, **detail}
    return replace(noted, detail=merged)


def _activity(
    user_id: str, activity: "events.Activity.ValueType", session_id: str = ""
) -> Callable[[int], events.UserActivity]:
    return lambda pos: events.UserActivity(pos=pos, user_id=user_id, activity=activity, session_id=session_id)
