"""Rules of planned messages: when they may be changed, and what becomes of them. No I/O, no wire format."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum

from mesh.errors import Error, Invalid, NotFound, Violation, WrongState
from services.message.command import Command, OwnCommand
from services.message.messages.domain import SendMessage

MAX_WAITING = 100
"""Planned messages that one user may have waiting."""
SOONEST = timedelta(seconds=1)
LATEST = timedelta(days=366)


class State(IntEnum):
    """How a plan stands. The numbers are those of the contract."""

    WAITING = 1
    SENT = 2
    FAILED = 3
    CANCELLED = 4


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A planned message. `request` is a serialized SendMessageRequest, gone once it is sent or cancelled."""

    id: str
    workspace_id: str
    user_id: str
    conversation_id: str
    request: bytes
    send_at: datetime
    created_at: datetime
    state: State = State.WAITING
    failure: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Schedule(OwnCommand):
    """Plans the message of `request`, a serialized SendMessageRequest with a `client_msg_id` of its own."""

    id: str
    conversation_id: str
    request: bytes
    send_at: datetime

    @property
    def size(self) -> int:
        return len(self.request)


@dataclass(frozen=True, slots=True)
class UpdateScheduled(OwnCommand):
    """Changes a plan of the actor; None leaves as it is."""

    scheduled_id: str
    text: str | None
    send_at: datetime | None


@dataclass(frozen=True, slots=True)
class CancelScheduled(OwnCommand):
    scheduled_id: str


@dataclass(frozen=True, slots=True)
class SendScheduled(Command):
    """Writes the message of a plan that is due, as its planner, and marks the plan: both or neither.

    `plan` is as it was read; one that has changed since is left alone.
    """

    plan: Scheduled
    send: SendMessage

    @property
    def conversation_id(self) -> str:
        return self.plan.conversation_id

    @property
    def told_ids(self) -> Collection[str]:
        return {self.plan.user_id, *self.send.told_ids}

    @property
    def size(self) -> int:
        return self.send.size


@dataclass(frozen=True, slots=True)
class FailScheduled(Command):
    """Gives up a plan that is due, with the reason."""

    plan: Scheduled
    reason: str

    @property
    def told_ids(self) -> Collection[str]:
        return (self.plan.user_id,)


def check_send_at(send_at: datetime, now: datetime) -> None:
    """Raises Invalid (SEND_AT_INVALID)."""
    if not now + SOONEST <= send_at <= now + LATEST:
        detail = "must lie at least a second and at most a year ahead"
        raise Invalid(
            "SEND_AT_INVALID", f"send_at {detail}.", violations=[Violation("send_at", "scheduled.send_at", detail)]
        )


def check_quota(waiting: int) -> None:
    """Whether one more fits. Raises WrongState (QUOTA_REACHED)."""
    if waiting >= MAX_WAITING:
        raise WrongState("QUOTA_REACHED", f"{MAX_WAITING} planned messages are waiting: cancel one first.")


def mine(plan: Scheduled | None, user_id: str) -> Scheduled:
    """The plan. Raises NotFound (SCHEDULED_NOT_FOUND) unless it is the user's, and not cancelled."""
    if plan is None or plan.user_id != user_id or plan.state is State.CANCELLED:
        raise NotFound("SCHEDULED_NOT_FOUND", "There is no such planned message of yours.")
    return plan


def changed(plan: Scheduled, request: bytes, send_at: datetime | None, now: datetime) -> Scheduled:
    """The plan with another content and time; the same object when nothing is new.

    One that failed waits again once it has a new time. Raises WrongState (SCHEDULED_STARTED), Invalid
    (SEND_AT_INVALID).
    """
    _check_open(plan, now)
    if request == plan.request and send_at in (None, plan.send_at):
        return plan
    if send_at is None or send_at == plan.send_at:
        return replace(plan, request=request)
    check_send_at(send_at, now)
    return replace(plan, request=request, send_at=send_at, state=State.WAITING, failure="")


def cancelled(plan: Scheduled, now: datetime) -> Scheduled:
    """The plan taken back. Raises WrongState (SCHEDULED_STARTED)."""
    _check_open(plan, now)
    return replace(plan, state=State.CANCELLED, request=b"", failure="")


def sent(plan: Scheduled, message_id: str) -> Scheduled:
    return replace(plan, state=State.SENT, request=b"", message_id=message_id)


def failed(plan: Scheduled, reason: str) -> Scheduled:
    return replace(plan, state=State.FAILED, failure=reason)


def postponed(plan: Scheduled, now: datetime, seconds: float) -> Scheduled:
    """The plan put off, because it is too early."""
    return replace(plan, send_at=now + timedelta(seconds=seconds))


def _check_open(plan: Scheduled, now: datetime) -> None:
    if plan.state is State.SENT or (plan.state is State.WAITING and plan.send_at <= now):
        raise _started()


def _started() -> Error:
    return WrongState("SCHEDULED_STARTED", "The message is written already, or is being written.")
