"""The logs of changes as outboxes: rows that are not marked yet, as the events that the bus carries."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message as Proto
from sqlalchemy import Row, and_, bindparam, literal_column, select

from chat.event.v1 import message_events_pb2 as events
from chat.mesh.v1 import options_pb2
from chat.message.v1.change_pb2 import ChangeData, Receipt
from mesh.database import Database
from mesh.events.outbox import OutboxRow
from services.message.command import Origin
from services.message.feed import domain as feed
from services.message.feed.domain import Change, MarkPublished
from services.message.feed.store_sql import LOGGED, logged_change, own_change
from services.message.feed.wire import change_proto, receipt_proto
from services.message.messages.wire import ProfileOf
from services.message.rows import MEMBER, member_of
from services.message.tables import changes, members, user_changes
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
    feed.POLL_UPDATED: events.PollUpdated,
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


# Not a bound value either.
_UNPUBLISHED_RECEIPTS = (
    select(user_changes, *MEMBER)
    .outerjoin(
        members,
        and_(
            members.c.workspace_id == user_changes.c.workspace_id,
            members.c.conversation_id == user_changes.c.conversation_id,
            members.c.user_id == user_changes.c.user_id,
        ),
    )
    .where(user_changes.c.published == literal_column("0"))
    .order_by(user_changes.c.user_id, user_changes.c.pos)
    .limit(bindparam("count"))
)
_RECEIPTS: Mapping[str, type[Proto]] = {
    feed.UNREAD_UPDATED: events.ReceiptRead,
    feed.DELIVERED_UPDATED: events.ReceiptDelivered,
}
TOPICS = frozenset(
    event.DESCRIPTOR.GetOptions().Extensions[options_pb2.event].topic
    for event in (*_EVENTS.values(), *_RECEIPTS.values())
)
"""Where the events of this service go."""


class SqlOutbox:
    """Changes of one conversation come in the order of its log. Marks ride along with other commands.

    `seen` is called with each change that is found, whichever process has committed it.
    """

    def __init__(
        self,
        database: Database,
        writer: Writer,
        profile_of: ProfileOf,
        *,
        seen: Callable[[Change], object] = lambda change: None,
    ) -> None:
        self._database = database
        self._writer = writer
        self._profile_of = profile_of
        self._seen = seen

    async def unpublished(self, limit: int) -> list[OutboxRow]:
        rows = await self._database.read(lambda connection: connection.execute(_UNPUBLISHED, {"count": limit}).all())
        return [self._row(row) for row in rows]

    async def mark_published(self, ids: Sequence[int]) -> None:
        await self._writer.submit(MarkPublished(Origin(), tuple(ids)))

    def _row(self, row: Row[Any]) -> OutboxRow:
        change = logged_change(row)
        self._seen(change)
        data: ChangeData = change_proto(change, self._profile_of).data
        kind = data.WhichOneof("kind")
        assert kind is not None  # Every change in a log is about something.
        event = _EVENTS[change.type](pos=change.pos, **{kind: getattr(data, kind)})
        return _outbox_row(row[-1], change, event)


class SqlReceipts:
    """What members have read and received, from their own logs. Those of one user come in the order of their log."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    async def unpublished(self, limit: int) -> list[OutboxRow]:
        statement, values = _UNPUBLISHED_RECEIPTS, {"count": limit}
        rows = await self._database.read(lambda connection: connection.execute(statement, values).all())
        return [_receipt_row(row) for row in rows]

    async def mark_published(self, ids: Sequence[tuple[str, int]]) -> None:
        await self._writer.submit(MarkPublished(Origin(), receipts=tuple(ids)))


def _receipt_row(row: Row[Any]) -> OutboxRow:
    change, member = own_change(row), row[len(user_changes.c) :]
    # The marks as they are now, which is never less than what was said then; of who has left, what was said.
    receipt = receipt_proto(member_of(member)) if member[0] is not None else _said(change)
    event = _RECEIPTS[change.type](pos=change.user_pos, conversation_id=change.conversation_id, receipt=receipt)
    return _outbox_row((change.user_id, change.user_pos), change, event)


def _said(change: Change) -> Receipt:
    data = ChangeData.FromString(change.body)
    read = data.unread.last_read_seq or data.membership.last_read_seq
    return Receipt(
        user_id=change.user_id,
        last_read_seq=read,
        last_delivered_seq=max(read, data.membership.last_delivered_seq),
    )


def _outbox_row(id_: Any, change: Change, event: Proto) -> OutboxRow:
    option = event.DESCRIPTOR.GetOptions().Extensions[options_pb2.event]
    return OutboxRow(
        id=id_,
        topic=option.topic,
        type=option.type,
        key=change.conversation_id,
        event_id=change.event_id,
        time=change.at,
        traceparent=change.origin.traceparent,
        correlation_id=change.origin.correlation_id,
        data=event.SerializeToString(),
    )
