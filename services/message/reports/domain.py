"""Rules of reports. No I/O, no wire format."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

from mesh.errors import Error, NotFound
from services.message.command import Command, OwnCommand
from services.message.messages.domain import Message


class Category(IntEnum):
    """What is wrong. The numbers are those of the contract."""

    SPAM = 1
    ABUSE = 2
    ILLEGAL = 3
    OTHER = 4


class Status(IntEnum):
    """How a report stands. The numbers are those of the contract."""

    OPEN = 1
    ACTIONED = 2
    DISMISSED = 3


@dataclass(frozen=True, slots=True)
class Report:
    """`text` is what the message said when it was reported, whatever became of it."""

    id: str
    workspace_id: str
    message_id: str
    conversation_id: str
    reporter_id: str
    category: Category
    comment: str
    text: str
    created_at: datetime
    status: Status = Status.OPEN
    resolved_by: str = ""
    resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReportMessage(OwnCommand):
    """Makes the report `id`, unless the actor reported the message before."""

    id: str
    message_id: str
    category: Category
    comment: str


@dataclass(frozen=True, slots=True)
class ResolveReport(Command):
    """Closes a report, whose reporter is told."""

    id: str
    status: Status


@dataclass(frozen=True, slots=True)
class Reported:
    """`replayed` is true when the report was made by an earlier command."""

    report: Report
    replayed: bool


def reported(message: Message, command: ReportMessage, at: datetime) -> Report:
    """The new report. What a forward passes on, and what a poll asks, is reported with it."""
    passed_on = message.forwarded.text if message.forwarded else ""
    asked = (message.poll.question, *(option.text for option in message.poll.options)) if message.poll else ()
    return Report(
        id=command.id,
        workspace_id=message.workspace_id,
        message_id=message.id,
        conversation_id=message.conversation_id,
        reporter_id=command.origin.actor_id,
        category=command.category,
        comment=command.comment,
        text="\n".join(filter(None, (message.text, passed_on, *asked))),
        created_at=at,
    )


def resolved(report: Report, status: Status, admin_id: str, at: datetime) -> Report:
    """The closed report; the same object when it was closed that way before."""
    if report.status is status:
        return report
    return replace(report, status=status, resolved_by=admin_id, resolved_at=at)


def not_found() -> Error:
    return NotFound("REPORT_NOT_FOUND", "There is no such report.")
