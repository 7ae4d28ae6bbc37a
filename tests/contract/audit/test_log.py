"""How entries get into an audit log: all of them, in order, and only with what they tell of."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, select

from mesh.audit import verify as verifying
from mesh.audit.entry import Entry
from mesh.audit.log import Trail, note, open_trail
from mesh.audit.verify import Verdict, verify
from mesh.database import Database

NOW = datetime(2027, 1, 15, 8, 0, 0, 123456, tzinfo=UTC)


def sample(subject_id: str = "u-1", **detail: str) -> Entry:
    return Entry("user.suspended", NOW, "default", "u-2", subject_id, address="192.0.2.1", detail=detail)


async def add(database: Database, trail: Trail, *entries: Entry) -> None:
    await database.write(lambda connection: note(connection, trail, *entries))


async def checked(database: Database, trail: Trail) -> Verdict:
    return await database.read(lambda connection: verify(connection, trail))


async def test_an_empty_log_is_whole(database: Database, trail: Trail) -> None:
    """Nothing was noted, nothing is missing; noting nothing changes nothing."""
    await add(database, trail)
    assert await checked(database, trail) == Verdict(0)


async def test_an_entry_is_kept_as_it_was_given(database: Database, trail: Trail) -> None:
    """Numbered from 1; its details as JSON with sorted keys, whatever the alphabet."""
    await add(database, trail, sample(why="ужас", by="\0"))
    query = select(trail.log)
    [row] = await database.read(lambda connection: connection.execute(query).mappings().all())
    assert {name: value for name, value in row.items() if name != "hash"} == {
        "seq": 1,
        "at": NOW,
        "workspace_id": "default",
        "action": "user.suspended",
        "result": "ok",
        "actor_id": "u-2",
        "subject_id": "u-1",
        "address": "192.0.2.1",
        "trace_id": "",
        "detail": '{"by":"\\u0000","why":"\\u0443\\u0436\\u0430\\u0441"}',
    }


async def test_several_entries_are_noted_at_once(database: Database, trail: Trail) -> None:
    """In the order given, after those before, and over more than one batch of the check."""
    await add(database, trail, sample("a"))
    await add(database, trail, *[sample(str(number)) for number in range(verifying.BATCH + 1)])
    query = select(trail.log.c.seq, trail.log.c.subject_id).order_by(trail.log.c.seq).limit(3)
    rows = await database.read(lambda connection: connection.execute(query).all())
    assert [tuple(row) for row in rows] == [(1, "a"), (2, "0"), (3, "1")]
    assert await checked(database, trail) == Verdict(verifying.BATCH + 2)


async def test_what_is_rolled_back_leaves_no_gap(database: Database, trail: Trail) -> None:
    """Neither an entry nor its number."""

    def fail(connection: Connection) -> None:
        note(connection, trail, sample("never"))
        raise KeyError

    await add(database, trail, sample())
    with pytest.raises(KeyError):
        await database.write(fail)
    await add(database, trail, sample())
    assert await checked(database, trail) == Verdict(2)


async def test_many_note_at_the_same_time(database: Database, trail: Trail) -> None:
    """Each entry gets a number of its own, and who checks meanwhile sees a whole log."""
    async with asyncio.TaskGroup() as group:
        checks = [group.create_task(checked(database, trail)) for _ in range(8)]
        for number in range(50):
            group.create_task(add(database, trail, sample(str(number))))
    assert [check.result().broken_seq for check in checks] == [0] * 8
    assert await checked(database, trail) == Verdict(50)


async def test_a_log_has_a_key_of_its_own(database: Database, trail: Trail) -> None:
    """Entries of another service, or another installation, do not fit."""
    await add(database, trail, sample())
    for service, secret in (("message", b"the secret of the installation"), ("user", b"another")):
        other = open_trail(service, trail.log, trail.head, secret)
        assert (await checked(database, other)).broken_seq == 1
