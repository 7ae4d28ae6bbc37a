"""The one gate that every call passes, whether it comes alone or inside a batch."""

from google.protobuf.message import Message

from chat.mesh.v1 import options_pb2
from mesh.call.context import RequestContext
from mesh.errors import Deadline, Forbidden, Unauthenticated
from mesh.policy.methods import policy_of
from mesh.policy.validation import validate


def admit(method: str, context: RequestContext, message: Message | None) -> None:
    """Lets a call pass, or raises why not. `message` is None for a stream of requests: its items are validated singly.

    Raises Unauthenticated (TOKEN_MISSING), Forbidden (PERMISSION_DENIED), Deadline (DEADLINE_EXCEEDED),
    Invalid (INVALID_REQUEST).
    """
    role = policy_of(method).role
    if role != options_pb2.ROLE_ANONYMOUS:
        if context.principal is None:
            raise Unauthenticated("TOKEN_MISSING", "This call needs an access token: Authorization: Bearer …")
        if role == options_pb2.ROLE_ADMIN and not context.principal.is_admin:
            raise Forbidden("PERMISSION_DENIED", "This call is for administrators.")
    remaining_s = context.remaining_s()
    if remaining_s is not None and remaining_s <= 0:
        raise Deadline("DEADLINE_EXCEEDED", "The time for this call was over before it began.")
    if message is not None:
        validate(message)
