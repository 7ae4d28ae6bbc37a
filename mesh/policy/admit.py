"""The one gate that every call passes, whether it comes alone or inside a batch."""

from google.protobuf.message import Message

from chat.mesh.v1 import options_pb2
from mesh.call.context import RequestContext
from mesh.errors import Deadline, Forbidden, Unauthenticated
from mesh.identity.principal import Principal
from mesh.policy.methods import MethodPolicy, policy_of
from mesh.policy.validation import validate


def admit(method: str, context: RequestContext, message: Message | None) -> None:
    """Lets a call pass, or raises why not. `message` is None for a stream of requests: its items are validated singly.

    Raises Unauthenticated (TOKEN_MISSING), Forbidden (PERMISSION_DENIED, MESH_ONLY, SESSION_ONLY, SCOPE_MISSING),
    Deadline (DEADLINE_EXCEEDED), Invalid (INVALID_REQUEST).
    """
    policy = policy_of(method)
    if policy.role == options_pb2.ROLE_MESH:
        if not context.is_mesh:
            raise Forbidden("MESH_ONLY", "This call is for processes of the installation and their operator.")
    elif policy.role != options_pb2.ROLE_ANONYMOUS:
        _check_principal(policy, context.principal, is_nested=context.is_nested)
    remaining_s = context.remaining_s()
    if remaining_s is not None and remaining_s <= 0:
        raise Deadline("DEADLINE_EXCEEDED", "The time for this call was over before it began.")
    if message is not None:
        validate(message)


def _check_principal(policy: MethodPolicy, principal: Principal | None, *, is_nested: bool) -> None:
    if principal is None:
        raise Unauthenticated("TOKEN_MISSING", "This call needs an access token: Authorization: Bearer …")
    if policy.role == options_pb2.ROLE_ADMIN and not principal.is_admin:
        raise Forbidden("PERMISSION_DENIED", "This call is for administrators.")
    if principal.scopes is None:
        return
    if policy.session_only:
        raise Forbidden("SESSION_ONLY", "API keys cannot do this; it takes a person's own session.")
    if policy.scope not in principal.scopes and not is_nested:
        raise Forbidden("SCOPE_MISSING", f"The API key needs the scope `{policy.scope}`.")
