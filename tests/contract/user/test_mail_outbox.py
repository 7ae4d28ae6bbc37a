"""What every MailOutbox does."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, func, select

from mesh.database import Database
from mesh.sealing import Sealer
from services.user.mail.domain import Mail
from services.user.mail.outbox_sql import SqlMailOutbox
from services.user.tables import mails as table
from tests.contract.user.samples import NOW

LEASE_ENDS = NOW + timedelta(minutes=2)


async def put(database: Database, mails: SqlMailOutbox, *ids: str, user_id: str = "id-of-anna") -> None:
    for number, mail_id in enumerate(ids):
        at = NOW + timedelta(microseconds=number)
        mail = Mail(mail_id, "default", user_id, f"link of {mail_id}".encode(), at)
        await database.write(partial(_enqueue, mails, mail))


def _enqueue(mails: SqlMailOutbox, mail: Mail, connection: Connection) -> None:
    mails.enqueue(connection, mail)


async def claimed(mails: SqlMailOutbox, limit: int = 10, after: timedelta = timedelta(seconds=1)) -> list[str]:
    return [one.mail.id for one in await mails.claim(limit, NOW + after, NOW + after + timedelta(minutes=2))]


async def test_a_mail_comes_back_as_it_was(database: Database, mails: SqlMailOutbox) -> None:
    """With the number of this attempt."""
    await put(database, mails, "m-1")
    [one] = await mails.claim(10, NOW, LEASE_ENDS)
    assert one.mail == Mail("m-1", "default", "id-of-anna", b"link of m-1", NOW)
    assert one.attempts == 1


async def test_the_oldest_come_first_and_as_many_as_asked_for(database: Database, mails: SqlMailOutbox) -> None:
    """Each once while its lease lasts."""
    await put(database, mails, "m-1", "m-2", "m-3")
    assert await claimed(mails, 2) == ["m-1", "m-2"]
    assert await claimed(mails, 2) == ["m-3"]
    assert await claimed(mails) == []
    assert await mails.waiting() == 3


async def test_what_was_claimed_by_who_died_is_due_again(database: Database, mails: SqlMailOutbox) -> None:
    """Once the lease has ended; the attempt counts."""
    await put(database, mails, "m-1")
    await claimed(mails)
    [one] = await mails.claim(10, NOW + timedelta(minutes=3), NOW + timedelta(minutes=5))
    assert one.attempts == 2


async def test_of_many_who_claim_each_gets_others(database: Database, mails: SqlMailOutbox) -> None:
    """Ten at the same time."""
    ids = [f"m-{number:02}" for number in range(20)]
    await put(database, mails, *ids)
    batches = await asyncio.gather(*(claimed(mails, 2) for _ in range(10)))
    got = [mail_id for batch in batches for mail_id in batch]
    assert len(got) == len(set(got))
    rest = await claimed(mails, 20)
    assert sorted(got + rest) == ids


async def test_a_mail_that_failed_waits_until_it_is_due(database: Database, mails: SqlMailOutbox) -> None:
    """And not longer."""
    await put(database, mails, "m-1")
    await claimed(mails)
    await mails.later("m-1", NOW + timedelta(minutes=1))
    assert await claimed(mails, after=timedelta(seconds=59)) == []
    assert await claimed(mails, after=timedelta(minutes=1)) == ["m-1"]


async def test_what_was_sent_or_given_up_is_gone(database: Database, mails: SqlMailOutbox) -> None:
    """Its links are not kept any longer than they must."""
    await put(database, mails, "m-1", "m-2")
    await mails.sent("m-1", NOW)
    await mails.give_up("m-2")
    count = select(func.count()).select_from(table)
    assert await database.read(lambda connection: connection.execute(count).scalar()) == 0
    assert await mails.waiting() == 0


async def test_where_mails_are_looked_at_the_newest_stay(database: Database) -> None:
    """Readable, newest first; they are not sent again."""
    mails = SqlMailOutbox(database, Sealer(bytes(32), "mails"), keep=2)
    await put(database, mails, "m-1", "m-2", "m-3", "m-4")
    for number in (1, 2, 3):
        await mails.sent(f"m-{number}", NOW + timedelta(seconds=number))
    assert [(mail.id, mail.content) for mail in await mails.kept()] == [
        ("m-3", b"link of m-3"),
        ("m-2", b"link of m-2"),
    ]
    assert await claimed(mails) == ["m-4"]


async def test_what_is_kept_is_sealed(database: Database, mails: SqlMailOutbox) -> None:
    """Who reads the database reads no mail; with another secret none opens, and it is given up."""
    await put(database, mails, "m-1")
    sealed = await database.read(lambda connection: connection.execute(select(table.c.sealed)).scalar_one())
    assert b"link" not in sealed
    others = SqlMailOutbox(database, Sealer(bytes([1]) * 32, "mails"))
    assert await others.claim(10, NOW, LEASE_ENDS) == []
    assert await mails.waiting() == 0


@pytest.mark.parametrize("mail_id", ["m-1", "unknown"])
async def test_pretending_keeps_nothing(database: Database, mails: SqlMailOutbox, mail_id: str) -> None:
    """The work is done, the mail is not there."""
    mail = Mail(mail_id, "default", "", b"x", NOW)
    await database.write(lambda connection: mails.pretend(connection, mail))
    assert await mails.waiting() == 0
