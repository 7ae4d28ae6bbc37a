"""The change log as an outbox: rows that are not marked yet, as the events that the bus carries."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import Message as Proto
from sqlalchemy import Row, bindparam, literal_column

from chat.event.v1 import message_events_pb2 as events
from chat.mesh.v1 import options_pb2
from chat.message.v1.change_pb2 import ChangeData
from mesh.database import Database
from mesh.events.outbox import OutboxRow
from services.message.command import Origin
from services.message.feed import domain as feed
from services.message.feed.domain import MarkPublished
from services.message.feed.store_sql import LOGGED, logged_change
from services.message.feed.wire import change_proto
from services.message.messages.wire import ProfileOf
from services.message.tables import changes
from services.message.writer import Writer

# Not a bound value: it has to be seen that the partial index fits.
_UNPUBLISHED = LOGGED.where(changes.c.published == literal_column("0")).order_by(changes.c.id).limit(bindparam("count"))
_EVENTS: Mapping[str, type[Proto]] = {
    feed.MESSAGE_NEW: events.MessagePersisted,
    feed.MESSAGE_UPDATED: events.MessageUpdated,
    feed.MESSAGE_DELETED: events.MessageDeleted,
    feed.REACTION_ADDED: events.MessageReacted,
    feed.REACTION_REMOVED: events.MessageUnreacted,
    feed.MESSAGE_PINNED: events.MessagePinned,
    feed.MESSAGE_UNPINNED: events.MessageUnpinned,
    feed.THREAD_UPDATED: events.ThreadUpdated,
    feed.CONVERSATION_CREATED: events.ConversationCreated,
    feed.CONVERSATION_UPDATED: events.ConversationUpdated,
    feed.CONVERSATION_ARCHIVED: events.ConversationArchived,
    feed.CONVERSATION_UNARCHIVED: events.ConversationUnarchived,
    feed.CONVERSATION_DELETED: events.ConversationDeleted,
    feed.MEMBER_ADDED: events.MemberAdded,
    feed.MEMBER_UPDATED: events.MemberUpdated,
    feed.MEMBER_REMOVED: events.MemberRemoved,
    feed.MEMBER_BANNED: events.MemberBanned,
    feed.MEMBER_UNBANNED: events.MemberUnbanned,
}


class SqlOutbox:
    """Changes of one conversation come in the order of its log. Marks ride along with other commands."""

    def __init__(self, database: Database, writer: Writer, profile_of: ProfileOf) -> None:
        self._database = database
        self._writer = writer
        self._profile_of = profile_of

    async def unpublished(self, limit: int) -> list[OutboxRow]:
        rows = await self._database.read(lambda connection: connection.execute(_UNPUBLISHED, {"count": limit}).all())
        return [self._row(row) for row in rows]

    async def mark_published(self, ids: Sequence[int]) -> None:
        await self._writer.submit(MarkPublished(Origin(), tuple(ids)))

    def _row(self, row: Row[Any]) -> OutboxRow:
        change = logged_change(row)
        data: ChangeData = change_proto(change, self._profile_of).data
        kind = data.WhichOneof("kind")
        assert kind is not None  # Every change in a log is about something.
        event = _EVENTS[change.type](pos=change.pos, **{kind: getattr(data, kind)})
        option = event.DESCRIPTOR.GetOptions().Extensions[options_pb2.event]
        return OutboxRow(
            id=row[-1],
            topic=option.topic,
            type=option.type,
            key=change.conversation_id,
            event_id=change.event_id,
            time=change.at,
            traceparent=change.origin.traceparent,
            correlation_id=change.origin.correlation_id,
            data=event.SerializeToString(),
        )
