"""Queries about marks in threads that reading and writing share."""

from sqlalchemy import Connection, bindparam, func, select, text

from services.message.tables import messages, thread_marks

_MARK = select(thread_marks.c.last_read_seq).where(
    thread_marks.c.workspace_id == bindparam("workspace_id"),
    thread_marks.c.user_id == bindparam("user_id"),
    thread_marks.c.root_id == bindparam("root_id"),
)
# Not a bound value: it has to be seen that the partial index fits.
_UNREAD = (
    select(func.count())
    .select_from(messages)
    .where(
        text("messages.thread_root <> ''"),
        messages.c.workspace_id == bindparam("workspace_id"),
        messages.c.thread_root == bindparam("root_id"),
        messages.c.seq > bindparam("after"),
        messages.c.sender_id != bindparam("user_id"),
        messages.c.deleted_at.is_(None),
    )
)


def thread_mark(connection: Connection, workspace_id: str, user_id: str, root_id: str) -> int | None:
    """Up to where the user has read in a thread; None when they never said."""
    seq: int | None = connection.scalar(_MARK, {"workspace_id": workspace_id, "user_id": user_id, "root_id": root_id})
    return seq


def thread_unread(connection: Connection, workspace_id: str, user_id: str, root_id: str, after: int) -> int:
    """Replies of others after a mark that are not deleted."""
    key = {"workspace_id": workspace_id, "user_id": user_id, "root_id": root_id, "after": after}
    return connection.execute(_UNREAD, key).scalar_one()
