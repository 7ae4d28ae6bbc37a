"""What every TicketStore does."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from mesh.database import Database
from services.user.accounts.store import AccountStore
from services.user.sessions.store import SessionStore
from services.user.tables import users
from services.user.tickets.domain import LIFETIME, Ticket
from services.user.tickets.store import TicketStore
from services.user.tickets.store_sql import SqlTicketStore
from tests.contract.user.samples import NOW, account, session

LATER = NOW + timedelta(seconds=1)


@pytest.fixture
async def tickets(database: Database, accounts: AccountStore, sessions: SessionStore) -> TicketStore:
    await accounts.add(account("anna"), "hash")
    await sessions.add(session()[0])
    return SqlTicketStore(database)


def ticket(letter: bytes = b"t") -> Ticket:
    return Ticket(letter * 32, "default", "id-of-anna", "s-1", NOW + LIFETIME)


async def test_a_ticket_is_redeemed_once(tickets: TicketStore) -> None:
    """By one of ten at the same time."""
    await tickets.add(ticket())
    redeemed = await asyncio.gather(*(tickets.redeem(b"t" * 32, LATER) for _ in range(10)))
    assert [found for found in redeemed if found is not None] == [ticket()]


async def test_a_ticket_is_over_after_half_a_minute(tickets: TicketStore) -> None:
    """And taken away by who comes too late."""
    await tickets.add(ticket())
    assert await tickets.redeem(b"t" * 32, NOW + LIFETIME) is None
    assert await tickets.redeem(b"t" * 32, LATER) is None
    assert await tickets.redeem(b"u" * 32, LATER) is None


async def test_a_ticket_goes_with_its_session(tickets: TicketStore, sessions: SessionStore) -> None:
    """One that has ended opens nothing any more."""
    await tickets.add(ticket())
    await sessions.log_out("default", "id-of-anna", "s-1", NOW)
    assert await tickets.redeem(b"t" * 32, LATER) is None


async def test_a_ticket_goes_with_its_user(tickets: TicketStore, database: Database) -> None:
    """Who is shut out opens nothing any more."""
    await tickets.add(ticket())
    await database.write(lambda connection: connection.execute(update(users).values(is_active=False)))
    assert await tickets.redeem(b"t" * 32, LATER) is None


async def test_what_is_over_is_swept(tickets: TicketStore) -> None:
    """A few at a time; what is not stays."""
    for letter in (b"t", b"u", b"v"):
        await tickets.add(ticket(letter))
    assert await tickets.sweep(NOW + LIFETIME - timedelta(microseconds=1), 10) == 0
    assert [await tickets.sweep(NOW + LIFETIME, 2) for _ in range(3)] == [2, 1, 0]
