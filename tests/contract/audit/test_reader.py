"""What admins read of the audit log of their workspace, and what that leaves in it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete

from chat.user.v1 import administration_service_pb2 as pb
from mesh.audit.entry import Entry
from mesh.audit.log import Trail, note
from mesh.call.context import RequestContext, bind, unbind
from mesh.cursor import CursorCodec
from mesh.database import Database
from mesh.errors import Invalid
from mesh.identity.principal import Principal
from services.user.audit.reader import AuditReader
from services.user.audit.store_sql import SqlAuditStore

NOW = datetime(2027, 1, 15, 8, 0, 0, 123456, tzinfo=UTC)
ROOT = Principal("root", "s-1", "admin", 0, "acme")


@pytest.fixture(autouse=True)
def asked_by_an_admin() -> Iterator[None]:
    bound = bind(RequestContext(principal=ROOT, address="192.0.2.7"))
    yield
    unbind(bound)


@pytest.fixture
async def reader(database: Database, trail: Trail) -> AuditReader:
    """Of a log with nine entries: three things in each of three workspaces."""
    entries = [
        Entry(action, NOW, workspace, actor, subject, result, "192.0.2.1", "a" * 32, {"why": "because"})
        for workspace in ("acme", "other", "")
        for action, actor, subject, result in (
            ("session.opened", "anna", "anna", "ok"),
            ("session.refused", "", "bert", "INVALID_CREDENTIALS"),
            ("user.suspended", "root", "anna", "ok"),
        )
    ]
    await database.write(lambda connection: note(connection, trail, *entries))
    return AuditReader(SqlAuditStore(database, trail), CursorCodec(b"secret"), clock=lambda: NOW)


async def listed(reader: AuditReader, **asked: Any) -> list[tuple[int, str]]:
    response = await reader.list(pb.ListAuditRequest(**asked))
    return [(item.seq, item.action) for item in response.items if item.action != "audit.read"]


async def test_an_admin_reads_the_log_of_the_workspace(reader: AuditReader) -> None:
    """Newest first, and nothing of others."""
    assert await listed(reader) == [(3, "user.suspended"), (2, "session.refused"), (1, "session.opened")]


async def test_an_entry_is_shown_whole(reader: AuditReader) -> None:
    """With all that was noted."""
    [item] = (await reader.list(pb.ListAuditRequest(action="session.refused"))).items
    assert item.at.ToDatetime(tzinfo=UTC) == NOW
    assert (item.result, item.actor_id, item.subject_id) == ("INVALID_CREDENTIALS", "", "bert")
    assert (item.address, item.trace_id, dict(item.detail)) == ("192.0.2.1", "a" * 32, {"why": "because"})


async def test_a_filter_leaves_the_rest_out(reader: AuditReader) -> None:
    """By action, by who did it or had it done to them, or by both."""
    assert await listed(reader, action="user.suspended") == [(3, "user.suspended")]
    assert await listed(reader, user_id="anna") == [(3, "user.suspended"), (1, "session.opened")]
    assert await listed(reader, user_id="anna", action="session.opened") == [(1, "session.opened")]
    assert await listed(reader, user_id="nobody") == []


async def test_the_log_is_read_by_pages(reader: AuditReader) -> None:
    """Each entry once, although reading writes into it; and back again. A cursor is for its list alone."""
    first = await reader.list(pb.ListAuditRequest(limit=2))
    second = await reader.list(pb.ListAuditRequest(limit=2, cursor=first.page.next_cursor))
    assert [item.seq for item in (*first.items, *second.items)] == [3, 2, 1]
    assert (first.page.has_more, second.page.has_more) == (True, False)
    back = await reader.list(pb.ListAuditRequest(limit=2, cursor=second.page.prev_cursor))
    assert [item.seq for item in back.items] == [3, 2]
    with pytest.raises(Invalid, match="CURSOR_MISMATCH"):
        await reader.list(pb.ListAuditRequest(action="audit.read", cursor=first.page.next_cursor))


async def test_reading_is_noted(reader: AuditReader) -> None:
    """Who read, and what they looked for."""
    await reader.list(pb.ListAuditRequest(user_id="anna", action="session.opened"))
    [item] = (await reader.list(pb.ListAuditRequest(action="audit.read"))).items
    assert (item.actor_id, item.subject_id, item.address) == ("root", "anna", "192.0.2.7")
    assert dict(item.detail) == {"action": "session.opened"}


async def test_the_log_is_verified(reader: AuditReader, database: Database, trail: Trail) -> None:
    """All of it, whatever the workspace."""
    assert await reader.verify() == pb.VerifyAuditResponse(entries=9)
    gone = delete(trail.log).where(trail.log.c.seq == 5)
    await database.write(lambda connection: connection.execute(gone))
    verdict = await reader.verify()
    assert (verdict.entries, verdict.broken_seq, bool(verdict.detail)) == (4, 5, True)
