"""How the journal carries out commands on planned messages, one at a time."""

from collections.abc import Mapping

from sqlalchemy import bindparam, func, insert, select, text, update

from chat.message.v1.message_service_pb2 import SendMessageRequest
from mesh.errors import Error, Invalid, Violation
from services.message.command import Command, Origin
from services.message.conversations.membership_sql import present
from services.message.feed.domain import SCHEDULED_FAILED, SCHEDULED_SENT, SCHEDULED_UPDATED, Change
from services.message.journal import Outcome
from services.message.messages.domain import SendMessage
from services.message.messages.writes_sql import HANDLERS as MESSAGES
from services.message.schedule import domain
from services.message.schedule.domain import (
    CancelScheduled,
    FailScheduled,
    Schedule,
    Scheduled,
    SendScheduled,
    State,
    UpdateScheduled,
)
from services.message.schedule.rows_sql import find
from services.message.schedule.wire import scheduled_body, scheduled_name
from services.message.tables import scheduled
from services.message.unit_sql import Handler, Unit, each

_INSERT = insert(scheduled)
_UPDATE = update(scheduled).where(
    scheduled.c.id == bindparam("key"), scheduled.c.workspace_id == bindparam("key_workspace")
)
_MUTABLE = ("request", "send_at", "state", "failure", "message_id")
_WAITING = select(func.count()).where(
    scheduled.c.workspace_id == bindparam("workspace_id"),
    scheduled.c.user_id == bindparam("user_id"),
    text("state IN (1, 3)"),  # As in the index.
    scheduled.c.state == State.WAITING,
)


def schedule(unit: Unit, command: Schedule) -> Outcome:
    """Answers the plan."""
    origin = command.origin
    present(unit, command.conversation_id, origin)
    domain.check_send_at(command.send_at, unit.at)
    _check_quota(unit, origin)
    plan = Scheduled(
        id=command.id,
        workspace_id=origin.workspace_id,
        user_id=origin.actor_id,
        conversation_id=command.conversation_id,
        request=command.request,
        send_at=command.send_at,
        created_at=unit.at,
    )
    unit.connection.execute(_INSERT, {name: getattr(plan, name) for name in Scheduled.__slots__})
    return Outcome(plan, (_told(unit, SCHEDULED_UPDATED, plan, origin),))


def change(unit: Unit, command: UpdateScheduled) -> Outcome:
    """Answers the plan."""
    origin = command.origin
    plan = domain.mine(find(unit.connection, origin.workspace_id, command.scheduled_id), origin.actor_id)
    changed = domain.changed(plan, _with_text(plan.request, command.text), command.send_at, unit.at)
    if changed is plan:
        return Outcome(plan)
    if plan.state is not State.WAITING and changed.state is State.WAITING:
        _check_quota(unit, origin)
    return Outcome(changed, (_kept(unit, SCHEDULED_UPDATED, changed, origin),))


def cancel(unit: Unit, command: CancelScheduled) -> Outcome:
    origin = command.origin
    plan = find(unit.connection, origin.workspace_id, command.scheduled_id)
    if plan is not None and plan.user_id == origin.actor_id and plan.state is State.CANCELLED:
        return Outcome()  # A repeat.
    cancelled = domain.cancelled(domain.mine(plan, origin.actor_id), unit.at)
    return Outcome(None, (_kept(unit, SCHEDULED_UPDATED, cancelled, origin),))


def send(unit: Unit, command: SendScheduled) -> Outcome:
    """Answers whether it was written. A refusal by a rule fails the plan; one that passes by itself puts it off."""
    plan, origin = command.plan, command.origin
    if find(unit.connection, plan.workspace_id, plan.id) != plan:
        return Outcome(False)
    (outcome,) = MESSAGES[SendMessage](unit, [command.send])
    if outcome.error is not None:
        return _refused(unit, plan, outcome.error, origin)
    sent = domain.sent(plan, outcome.result.message.id)
    return Outcome(True, (*outcome.changes, _kept(unit, SCHEDULED_SENT, sent, origin)))


def fail(unit: Unit, command: FailScheduled) -> Outcome:
    if find(unit.connection, command.plan.workspace_id, command.plan.id) != command.plan:
        return Outcome()
    failed = domain.failed(command.plan, command.reason)
    return Outcome(None, (_kept(unit, SCHEDULED_FAILED, failed, command.origin),))


def _refused(unit: Unit, plan: Scheduled, error: Error, origin: Origin) -> Outcome:
    if error.retry_after_s is None:
        return Outcome(False, (_kept(unit, SCHEDULED_FAILED, domain.failed(plan, error.reason), origin),))
    later = domain.postponed(plan, unit.at, error.retry_after_s)
    return Outcome(False, (_kept(unit, SCHEDULED_UPDATED, later, origin),))


def _with_text(request: bytes, text: str | None) -> bytes:
    if text is None:
        return request
    changed = SendMessageRequest.FromString(request)
    changed.text = text
    if not text and not changed.attachments and not changed.HasField("poll"):
        rule = Violation("text", "send_message.something", "write a text or attach a file")
        raise Invalid("INVALID_REQUEST", "text: write a text or attach a file", violations=[rule])
    return changed.SerializeToString(deterministic=True)


def _check_quota(unit: Unit, origin: Origin) -> None:
    owner = {"workspace_id": origin.workspace_id, "user_id": origin.actor_id}
    domain.check_quota(unit.connection.execute(_WAITING, owner).scalar_one())


def _kept(unit: Unit, kind: str, plan: Scheduled, origin: Origin) -> Change:
    key = {"key": plan.id, "key_workspace": plan.workspace_id}
    unit.connection.execute(_UPDATE, {**key, **{name: getattr(plan, name) for name in _MUTABLE}})
    return _told(unit, kind, plan, origin)


def _told(unit: Unit, kind: str, plan: Scheduled, origin: Origin) -> Change:
    body, kept = scheduled_body(plan), scheduled_name(plan)
    return unit.user_change(kind, plan.user_id, plan.conversation_id, origin, body, kept=kept)


HANDLERS: Mapping[type[Command], Handler] = {
    Schedule: each(schedule),
    UpdateScheduled: each(change),
    CancelScheduled: each(cancel),
    SendScheduled: each(send),
    FailScheduled: each(fail),
}
