"""Planned messages as the contract shows them, and as commands."""

from chat.message.v1 import change_pb2, scheduled_pb2
from chat.message.v1.message_service_pb2 import SendMessageRequest
from services.message.command import Origin
from services.message.messages.wire import send_command, timestamp
from services.message.schedule.domain import Scheduled, SendScheduled


def scheduled_proto(plan: Scheduled) -> scheduled_pb2.Scheduled:
    return scheduled_pb2.Scheduled(
        id=plan.id,
        message=SendMessageRequest.FromString(plan.request) if plan.request else None,
        send_at=timestamp(plan.send_at),
        created_at=timestamp(plan.created_at),
        state=scheduled_pb2.ScheduledState.ValueType(plan.state),
        failure=plan.failure,
        message_id=plan.message_id,
    )


def stored_request(request: SendMessageRequest, scheduled_id: str) -> bytes:
    """A request as it is kept: with an id of its own, so that it is written once."""
    kept = SendMessageRequest()
    kept.CopyFrom(request)
    kept.client_msg_id = f"scheduled-{scheduled_id}"
    return kept.SerializeToString(deterministic=True)


def scheduled_body(plan: Scheduled) -> bytes:
    """Of scheduled-updated, scheduled-sent and scheduled-failed."""
    return change_pb2.ChangeData(scheduled=scheduled_proto(plan)).SerializeToString()


def scheduled_name(plan: Scheduled) -> bytes:
    """What the log keeps of these: which plan it was, so that no text outlives it."""
    return change_pb2.ChangeData(scheduled=scheduled_pb2.Scheduled(id=plan.id)).SerializeToString()


def due_command(plan: Scheduled, message_id: str) -> SendScheduled:
    """What writes the message of a plan, as its planner."""
    origin = Origin(plan.user_id, plan.workspace_id)
    return SendScheduled(origin, plan, send_command(SendMessageRequest.FromString(plan.request), origin, message_id))
