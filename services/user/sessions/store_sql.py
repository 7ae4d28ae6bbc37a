"""Sessions in SQL. A session's row is locked while a token is presented to it."""

from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from chat.event.v1 import user_events_pb2 as events
from mesh.database import Database
from services.user import outbox_sql
from services.user.sessions.domain import Ended, Outcome, RefreshToken, Renewed, Reused, Session, present
from services.user.tables import sessions, users

_COLUMNS = [sessions.c[field.name] for field in fields(Session)]


class SqlSessionStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session) -> None:
        source = outbox_sql.origin()

        def work(connection: Connection) -> None:
            here = users.c.id == session.user_id
            connection.execute(update(users).where(here).values(last_login=session.created_at))
            connection.execute(insert(sessions).values(**asdict(session)))
            event = _activity(session.user_id, session.id, events.ACTIVITY_LOGIN)
            outbox_sql.append(connection, session.user_id, event, session.created_at, source)

        await self._database.write(work)

    async def present(self, token: RefreshToken, now: datetime) -> Outcome:
        source = outbox_sql.origin()

        def work(connection: Connection) -> Outcome:
            family = sessions.c.family_hash == token.family_hash
            row = connection.execute(select(*_COLUMNS).where(family).with_for_update()).mappings().first()
            outcome = Ended() if row is None else present(Session(**row), token, now)
            if isinstance(outcome, Renewed | Reused):
                connection.execute(update(sessions).where(family).values(**asdict(outcome.session)))
            if isinstance(outcome, Reused):
                session = outcome.session
                event = _activity(session.user_id, session.id, events.ACTIVITY_REVOKED)
                outbox_sql.append(connection, session.user_id, event, now, source)
            return outcome

        return await self._database.write(work)

    async def end(self, session_id: str, now: datetime) -> None:
        source = outbox_sql.origin()

        def work(connection: Connection) -> None:
            going_on = (sessions.c.id == session_id) & sessions.c.ended_at.is_(None)
            ended = update(sessions).where(going_on).values(ended_at=now).returning(sessions.c.user_id)
            user_id = connection.execute(ended).scalar()
            if user_id is not None:
                event = _activity(user_id, session_id, events.ACTIVITY_LOGOUT)
                outbox_sql.append(connection, user_id, event, now, source)

        await self._database.write(work)


def _activity(
    user_id: str, session_id: str, activity: "events.Activity.ValueType"
) -> Callable[[int], events.UserActivity]:
    return lambda pos: events.UserActivity(pos=pos, user_id=user_id, activity=activity, session_id=session_id)
