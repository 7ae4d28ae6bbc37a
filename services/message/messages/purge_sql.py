"""What becomes of messages when their time is over, a few at a time."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from mesh.database import Database
from mesh.sql.prepared import Prepared
from services.message.command import Origin
from services.message.messages.domain import ExpireMessage
from services.message.tables import conversations, deleted_messages, message_versions, messages, poll_votes, reactions
from services.message.writer import Writer

_DUE = Prepared(
    select(messages.c.workspace_id, messages.c.id)
    .join(conversations, conversations.c.id == messages.c.conversation_id)
    .where(
        messages.c.expires_at.is_not(None),
        messages.c.deleted_at.is_(None),
        messages.c.expires_at <= bindparam("now"),
        conversations.c.deleted_at.is_(None),  # What has ended is erased as a whole.
    )
    .order_by(messages.c.expires_at)
    .limit(bindparam("count"))
)


class Purge:
    """Two sweeps. Any number of processes may do them at once."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    async def deleted(self, now: datetime, limit: int) -> int:
        """Forgets what tombstones said of which the deletion cannot be taken back any more."""
        over = select(deleted_messages.c.message_id).where(deleted_messages.c.until <= now).limit(limit)
        gone = delete(deleted_messages).where(deleted_messages.c.message_id.in_(over))

        def work(connection: Connection) -> int:
            ids = connection.scalars(gone.returning(deleted_messages.c.message_id)).all()
            forget(connection, ids)
            return len(ids)

        return await self._database.write(work)

    async def expired(self, now: datetime, limit: int) -> int:
        """Makes tombstones of messages that are due."""
        rows = await self._database.read(lambda connection: _DUE.rows(connection, {"now": now, "count": limit}))
        commands = [ExpireMessage(Origin(workspace_id=workspace_id), id_) for workspace_id, id_ in rows]
        await asyncio.gather(*[self._writer.submit(command) for command in commands])
        return len(commands)


def forget(connection: Connection, message_ids: Sequence[str]) -> None:
    """Removes what else is kept of deleted messages: earlier texts, who reacted, and who chose what."""
    if message_ids:
        connection.execute(delete(message_versions).where(message_versions.c.message_id.in_(message_ids)))
        connection.execute(delete(reactions).where(reactions.c.message_id.in_(message_ids)))
        connection.execute(delete(poll_votes).where(poll_votes.c.message_id.in_(message_ids)))
