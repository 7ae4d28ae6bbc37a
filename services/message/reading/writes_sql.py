"""How the journal carries out commands on marks, one at a time."""

from collections.abc import Mapping

from sqlalchemy import bindparam, insert, update

from services.message.command import Command
from services.message.conversations.membership_sql import OF_MEMBER, key_of, present, read_mark
from services.message.feed import domain as feed
from services.message.feed.domain import Change
from services.message.feed.wire import membership_body, receipt_body, unread_body
from services.message.journal import Outcome
from services.message.messages.reads_sql import present as present_message
from services.message.reading import domain
from services.message.reading.domain import MarkDelivered, MarkThreadRead, MarkUnread, ThreadMark
from services.message.reading.reads_sql import thread_mark, thread_unread
from services.message.reading.wire import thread_mark_body
from services.message.tables import members, thread_marks
from services.message.unit_sql import Handler, Unit, each

_UPDATE_MEMBER = update(members).where(*OF_MEMBER)
_INSERT_MARK = insert(thread_marks)
_UPDATE_MARK = update(thread_marks).where(
    thread_marks.c.workspace_id == bindparam("key_workspace"),
    thread_marks.c.user_id == bindparam("key_user"),
    thread_marks.c.root_id == bindparam("key_root"),
)


def mark_unread(unit: Unit, command: MarkUnread) -> Outcome:
    """Answers the mark as it is then."""
    origin, user_id = command.origin, command.origin.actor_id
    conversation, member, _ = present(unit, command.conversation_id, origin)
    marked = domain.unmarked(member, command.seq)
    if marked is not member:
        unit.connection.execute(_UPDATE_MEMBER, {**key_of(marked), "last_read_seq": marked.last_read_seq})
    result = read_mark(unit, marked)
    if marked is member:
        return Outcome(result)
    body = unread_body(result)
    return Outcome(result, (unit.user_change(feed.UNREAD_UPDATED, user_id, conversation.id, origin, body),))


def mark_delivered(unit: Unit, command: MarkDelivered) -> Outcome:
    """Answers the member as they are then."""
    origin, user_id = command.origin, command.origin.actor_id
    conversation, member, _ = present(unit, command.conversation_id, origin)
    reached = domain.delivered(member, command.seq, conversation.last_seq)
    if reached is member:
        return Outcome(member)
    unit.connection.execute(_UPDATE_MEMBER, {**key_of(reached), "delivered_seq": reached.delivered_seq})
    body, receipt = membership_body(reached, conversation.last_seq), receipt_body(reached)
    own = unit.user_change(feed.DELIVERED_UPDATED, user_id, conversation.id, origin, body, is_receipt=True)
    seen = Change(feed.RECEIPT_DELIVERED, conversation.id, origin, unit.at, body=receipt, except_user_id=user_id)
    return Outcome(reached, (own, seen))


def mark_thread_read(unit: Unit, command: MarkThreadRead) -> Outcome:
    """Answers the mark as it is then."""
    origin, user_id = command.origin, command.origin.actor_id
    unit.flush()  # Replies that stand before in the batch count.
    _, root, _ = present_message(unit, command.message_id, origin)
    domain.check_root(root)
    before = thread_mark(unit.connection, origin.workspace_id, user_id, root.id)
    seq = domain.thread_marked(root, before or 0, command.seq)
    unread = thread_unread(unit.connection, origin.workspace_id, user_id, root.id, seq)
    mark = ThreadMark(root.conversation_id, root.id, seq, unread)
    if seq == (before or 0):
        return Outcome(mark)
    if before is None:
        unit.connection.execute(
            _INSERT_MARK,
            {
                "workspace_id": origin.workspace_id,
                "user_id": user_id,
                "root_id": root.id,
                "conversation_id": root.conversation_id,
                "last_read_seq": seq,
            },
        )
    else:
        where = {"key_workspace": origin.workspace_id, "key_user": user_id, "key_root": root.id}
        unit.connection.execute(_UPDATE_MARK, {**where, "last_read_seq": seq})
    body = thread_mark_body(mark)
    return Outcome(mark, (unit.user_change(feed.THREAD_READ, user_id, root.conversation_id, origin, body),))


HANDLERS: Mapping[type[Command], Handler] = {
    MarkUnread: each(mark_unread),
    MarkDelivered: each(mark_delivered),
    MarkThreadRead: each(mark_thread_read),
}
