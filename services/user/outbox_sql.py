"""The log of each user's durable changes, which is the outbox too: written with its effect, read by the relay."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from chat.event.v1 import user_events_pb2 as events
from chat.mesh.v1 import options_pb2
from mesh.call.context import current
from mesh.database import Database
from mesh.events.outbox import OutboxRow
from mesh.telemetry.tracing import traceparent
from services.user.tables import user_changes, users

UserEvent = (
    events.UserRegistered
    | events.UserActivity
    | events.UserUpdated
    | events.UserVerified
    | events.UserSuspended
    | events.UserReactivated
    | events.UserErased
    | events.UserBlocked
)


@dataclass(frozen=True, slots=True)
class Origin:
    """The request that an event comes from. Taken before a unit of work starts: its thread knows no request."""

    traceparent: str
    correlation_id: str


def origin() -> Origin:
    return Origin(traceparent(), current().correlation_id)


def append(
    connection: Connection, user_id: str, event: Callable[[int], UserEvent], at: datetime, source: Origin
) -> None:
    """Writes the event that `event` makes of its place in the user's log. The user exists."""
    raised = update(users).where(users.c.id == user_id).values(last_pos=users.c.last_pos + 1)
    pos, workspace_id = connection.execute(raised.returning(users.c.last_pos, users.c.workspace_id)).one()
    message = event(pos)
    connection.execute(
        insert(user_changes).values(
            workspace_id=workspace_id,
            user_id=user_id,
            pos=pos,
            type=message.DESCRIPTOR.GetOptions().Extensions[options_pb2.event].type,
            at=at,
            traceparent=source.traceparent,
            correlation_id=source.correlation_id,
            body=message.SerializeToString(),
            published=False,
        )
    )


def activity(
    user_id: str, kind: "events.Activity.ValueType", session_id: str = ""
) -> Callable[[int], events.UserActivity]:
    """The event that a user did something."""
    return lambda pos: events.UserActivity(pos=pos, user_id=user_id, activity=kind, session_id=session_id)


def fact(
    kind: type[events.UserVerified | events.UserSuspended | events.UserReactivated | events.UserErased], user_id: str
) -> Callable[[int], UserEvent]:
    """An event that says no more than whose it is."""
    return lambda pos: kind(pos=pos, user_id=user_id)


class SqlOutbox:
    """The Outbox of the user service. One key is one user; its rows come in the order of their places."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._topic = events.UserRegistered.DESCRIPTOR.GetOptions().Extensions[options_pb2.event].topic

    async def unpublished(self, limit: int) -> list[OutboxRow]:
        log = user_changes.c
        query = select(user_changes).where(~log.published).order_by(log.id).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [
            OutboxRow(
                id=row.id,
                topic=self._topic,
                type=row.type,
                key=row.user_id,
                event_id=f"{row.user_id}:{row.pos}",
                time=row.at,
                traceparent=row.traceparent,
                correlation_id=row.correlation_id,
                data=row.body,
            )
            for row in rows
        ]

    async def mark_published(self, ids: Sequence[int]) -> None:
        marked = update(user_changes).where(user_changes.c.id.in_(ids)).values(published=True)
        await self._database.write(lambda connection: connection.execute(marked))
