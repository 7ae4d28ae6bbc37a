"""The policy of each method, as its contract states it."""

from dataclasses import dataclass
from functools import cache

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from chat.mesh.v1 import options_pb2


@dataclass(frozen=True, slots=True)
class MethodPolicy:
    """How the mesh treats calls of one method. `deadline_s` is None for streams; `scope` is what an API key needs."""

    deadline_s: float | None
    role: int
    rate_class: int
    safe_to_repeat: bool
    access: int = 0
    rate_field: str = ""
    takes_key: bool = False
    session_only: bool = False
    scope: str = ""


_OPEN = MethodPolicy(
    deadline_s=None, role=options_pb2.ROLE_ANONYMOUS, rate_class=options_pb2.RATE_CLASS_MESH, safe_to_repeat=True
)
_INFRASTRUCTURE = ("/grpc.health.v1.", "/grpc.reflection.")


class MissingPolicy(Exception):
    """A method was about to be served whose contract does not say who may call it."""


@cache
def policy_of(method: str) -> MethodPolicy:
    """The policy of a method such as `/chat.user.v1.AccountService/GetMe`. Raises MissingPolicy."""
    if method.startswith(_INFRASTRUCTURE):
        return _OPEN
    try:
        descriptor = descriptor_pool.Default().FindMethodByName(method.lstrip("/").replace("/", "."))
    except KeyError as error:
        raise MissingPolicy(method) from error
    return read_policy(descriptor)


def read_policy(descriptor: MethodDescriptor) -> MethodPolicy:
    """The policy that a method's options state. Raises MissingPolicy when they name no role."""
    options = descriptor.GetOptions()
    policy = options.Extensions[options_pb2.policy]
    if policy.role == options_pb2.ROLE_UNSPECIFIED:
        raise MissingPolicy(descriptor.full_name)
    return MethodPolicy(
        deadline_s=policy.deadline_ms / 1000 if policy.deadline_ms else None,
        role=policy.role,
        rate_class=policy.rate_class,
        safe_to_repeat=options.idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN,
        access=policy.access,
        rate_field=policy.rate_field,
        takes_key=policy.idempotency_key,
        session_only=policy.session_only,
        scope=_scope(descriptor, reads=options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS),
    )


def _scope(descriptor: MethodDescriptor, *, reads: bool) -> str:
    """`message:read` or `message:write`, by the service that hosts the method and what it does there."""
    service = descriptor.containing_service.full_name.split(".")[1]
    return f"{service}:{'read' if reads else 'write'}"
