"""Polls in an SQL database."""

from sqlalchemy import Connection

from mesh.database import Database
from mesh.identity.principal import Principal
from services.message.messages.reads_sql import one_visible
from services.message.polls import domain
from services.message.polls.domain import Choice
from services.message.polls.reads_sql import read_choice


class SqlPollStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, caller: Principal, message_id: str) -> Choice:
        def work(connection: Connection) -> Choice:
            message = one_visible(connection, caller, message_id)
            poll = domain.poll_of(message)
            option_ids = read_choice(connection, message, caller.user_id)
            return Choice(poll, tuple(sorted(option_ids, key=int)))

        return await self._database.read(work)
