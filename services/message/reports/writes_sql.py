"""How the journal carries out commands on reports, one at a time."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, insert, select, update

from services.message.command import Command, Origin
from services.message.feed.domain import REPORT_UPDATED, Change
from services.message.journal import Outcome
from services.message.keys_sql import by_keys
from services.message.messages.domain import check_there
from services.message.messages.reads_sql import present
from services.message.reports import domain
from services.message.reports.domain import Report, Reported, ReportMessage, ResolveReport
from services.message.reports.reads_sql import REPORT, report_of, report_values
from services.message.reports.wire import report_body
from services.message.tables import reports
from services.message.unit_sql import Handler, Told, Unit, UserKey, each

_ONE = select(*REPORT).where(reports.c.id == bindparam("id"), reports.c.workspace_id == bindparam("workspace_id"))
_BY_REPORTER = select(*REPORT).where(
    reports.c.message_id == bindparam("id"),
    reports.c.reporter_id == bindparam("reporter"),
    reports.c.workspace_id == bindparam("workspace_id"),
)
_KEY = tuple(reports.c["workspace_id", "id"])
_REPORTERS = select(*reports.c["workspace_id", "reporter_id"])
_INSERT = insert(reports)
_UPDATE = update(reports).where(reports.c.id == bindparam("key"), reports.c.workspace_id == bindparam("key_workspace"))


def report(unit: Unit, command: ReportMessage) -> Outcome:
    origin = command.origin
    _, message, _ = present(unit, command.message_id, origin)
    key = {"id": message.id, "workspace_id": message.workspace_id, "reporter": origin.actor_id}
    row = unit.connection.execute(_BY_REPORTER, key).one_or_none()
    if row is not None:
        return Outcome(Reported(report_of(row), replayed=True))
    check_there(message)
    new = domain.reported(message, command, unit.at)
    unit.connection.execute(_INSERT, report_values(new))
    unit.note("message.reported", origin, message.id, report_id=new.id, category=new.category.name.lower())
    return Outcome(Reported(new, replayed=False), (_told(unit, origin, new),))


def resolve(unit: Unit, command: ResolveReport) -> Outcome:
    """Answers the report."""
    origin = command.origin
    row = unit.connection.execute(_ONE, {"id": command.id, "workspace_id": origin.workspace_id}).one_or_none()
    if row is None:
        raise domain.not_found()
    before = report_of(row)
    after = domain.resolved(before, command.status, origin.actor_id, unit.at)
    if after is before:
        return Outcome(after)
    key = {"key": after.id, "key_workspace": after.workspace_id}
    state = {"status": after.status, "resolved_by": after.resolved_by, "resolved_at": after.resolved_at}
    unit.connection.execute(_UPDATE, {**key, **state})
    unit.note("report.resolved", origin, after.id, message_id=after.message_id, status=after.status.name.lower())
    return Outcome(after, (_told(unit, origin, after),))


def reporters(connection: Connection, commands: Sequence[ResolveReport]) -> set[UserKey]:
    asked = [(command.origin.workspace_id, command.id) for command in commands]
    return {(row.workspace_id, row.reporter_id) for row in by_keys(connection, _REPORTERS, _KEY, asked)}


def _told(unit: Unit, origin: Origin, report: Report) -> Change:
    return unit.user_change(REPORT_UPDATED, report.reporter_id, report.conversation_id, origin, report_body(report))


HANDLERS: Mapping[type[Command], Handler] = {ReportMessage: each(report), ResolveReport: each(resolve)}
TOLD: Mapping[type[Command], Told] = {ResolveReport: reporters}
