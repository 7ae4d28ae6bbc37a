"""Tickets in SQL. Deleting the row decides who redeems one."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from mesh.database import Database
from services.user.tables import sessions, tickets, users
from services.user.tickets.domain import Ticket


class SqlTicketStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, ticket: Ticket) -> None:
        kept = insert(tickets).values(**asdict(ticket))
        await self._database.write(lambda connection: connection.execute(kept))

    async def redeem(self, hash_: bytes, now: datetime) -> Ticket | None:
        def work(connection: Connection) -> Ticket | None:
            taken = delete(tickets).where(tickets.c.hash == hash_).returning(*tickets.c)
            row = connection.execute(taken).mappings().first()
            ticket = None if row is None else Ticket(**row)
            if ticket is None or ticket.expires_at <= now or not _goes_on(connection, ticket, now):
                return None
            return ticket

        return await self._database.write(work)

    async def sweep(self, now: datetime, limit: int) -> int:
        old = select(tickets.c.hash).where(tickets.c.expires_at <= now).limit(limit)
        gone = delete(tickets).where(tickets.c.hash.in_(old))
        return await self._database.write(lambda connection: connection.execute(gone).rowcount)


def _goes_on(connection: Connection, ticket: Ticket, now: datetime) -> bool:
    query = (
        select(sessions.c.id)
        .join(users, users.c.id == sessions.c.user_id)
        .where(
            sessions.c.workspace_id == ticket.workspace_id,
            sessions.c.id == ticket.session_id,
            sessions.c.ended_at.is_(None),
            sessions.c.expires_at > now,
            users.c.is_active,
        )
    )
    return connection.scalar(query) is not None
