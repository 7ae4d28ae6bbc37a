"""What the journal notes in the audit log: who was let in, put out, or got another role, and nothing else."""

from typing import Any

import pytest
from sqlalchemy import select

from mesh.audit.log import Trail
from mesh.audit.verify import Verdict
from mesh.database import Database
from services.message.audit.store_sql import SqlAuditStore
from services.message.conversations.domain import Role
from tests.contract.message.desk import HERE, TRACEPARENT, A, B, C, D, Desk


@pytest.fixture
def log(database: Database, trail: Trail) -> "Log":
    return Log(database, trail)


class Log:
    def __init__(self, database: Database, trail: Trail) -> None:
        self._database = database
        self._trail = trail
        self.store = SqlAuditStore(database, trail)

    async def rows(self) -> list[Any]:
        query = select(self._trail.log).order_by(self._trail.log.c.seq)
        return await self._database.read(lambda connection: list(connection.execute(query)))

    async def told(self) -> list[tuple[str, str, str]]:
        """What was done, by whom and to whom."""
        return [(row.action, row.actor_id, row.subject_id) for row in await self.rows()]


async def test_every_change_of_membership_is_noted(desk: Desk, log: Log) -> None:
    """In the order of the changes, also within one batch."""
    await desk.group(A, B)
    await desk.do(desk.add(A, C, D), desk.promote(A, C, Role.ADMIN), desk.remove(C, B), desk.remove(D, D))
    assert await log.told() == [
        ("member.added", A, B),
        ("member.added", A, C),
        ("member.added", A, D),
        ("member.role_changed", A, C),
        ("member.removed", C, B),
        ("member.removed", D, D),
    ]
    assert await log.store.verify() == Verdict(6)


async def test_an_entry_tells_of_its_call(desk: Desk, log: Log) -> None:
    """Its workspace and trace, and what the change was about."""
    await desk.group(A)
    await desk.do(desk.add(A, B, role=Role.ADMIN))
    [row] = await log.rows()
    assert (row.workspace_id, row.trace_id, row.result) == (HERE, TRACEPARENT.split("-")[1], "ok")
    assert row.detail == '{"conversation_id":"g","role":"admin"}'


async def test_what_changes_no_membership_is_not_noted(desk: Desk, log: Log) -> None:
    """Neither messages, marks and names nor what was refused or had been so before."""
    await desk.group(A)
    await desk.do(desk.add(A, B))
    message = await desk.sent(A)
    await desk.do(desk.edit(A, message.id, "x"), desk.read(B, 1), desk.rename(A, "new"))
    await desk.do(desk.add(A, B), desk.promote(A, B, Role.MEMBER), desk.remove(B, A), desk.add(C, D))
    assert await log.told() == [("member.added", A, B)]
