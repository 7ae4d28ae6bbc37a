"""Errors on the wire: google.rpc.Status with exactly one ErrorInfo, and back."""

import math
from collections.abc import Awaitable, Iterable
from typing import TypeVar, cast

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, QuotaFailure, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from mesh.errors import BY_CODE, Error, Internal, Limit, Violation

T = TypeVar("T")

DOMAIN = "chat"
_CODES = {code.name: code for code in grpc.StatusCode}
_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}
_PLAIN = {
    "CANCELLED": ("CANCELLED", "The call was cancelled."),
    "DEADLINE_EXCEEDED": ("DEADLINE_EXCEEDED", "The call took longer than it may."),
    "UNAVAILABLE": ("UNAVAILABLE", "A part that is needed does not answer. Try again."),
    "UNIMPLEMENTED": ("UNIMPLEMENTED", "There is no such method here."),
    "RESOURCE_EXHAUSTED": ("OVERLOADED", "The call is too large, or there are too many."),
    "INVALID_ARGUMENT": ("INVALID_REQUEST", "The request cannot be understood."),
}
_FAULT = ("INTERNAL", "Something went wrong on our side.")


async def answer_of(call: Awaitable[T]) -> T:
    """What a unary call is answered. Raises the mesh error that it ended with."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from None


def to_status(error: Error) -> Status:
    """The status that tells of `error`."""
    code: int = _CODES[error.code].value[0]
    info = ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    details: list[Message] = [info]
    if error.violations:
        violations = [
            BadRequest.FieldViolation(field=v.field, reason=v.code, description=v.detail) for v in error.violations
        ]
        details.append(BadRequest(field_violations=violations))
    if error.retry_after_s is not None:
        retry = RetryInfo()
        # Up, so that who waits as told has waited long enough; but not for what a float adds to whole milliseconds.
        retry.retry_delay.FromMilliseconds(math.ceil(round(error.retry_after_s * 1000, 3)))
        details.append(retry)
    if error.limit is not None:
        reached = QuotaFailure.Violation(subject=error.limit.scope, quota_id=error.limit.policy)
        details.append(QuotaFailure(violations=[reached]))
    return Status(code=code, message=error.message, details=list(_pack(details)))


def to_grpc_status(error: Error) -> grpc.Status:
    """The same for `context.abort_with_status`."""
    return cast(grpc.Status, rpc_status.to_status(to_status(error)))


def from_status(status: Status) -> Error:
    """The error that `status` tells of.

    One without ErrorInfo was not made by us: it gets the general reason and text of its code, since its own text may
    name addresses that are nobody's business.
    """
    reason, metadata, retry_after_s, limit = "", {}, None, None
    violations: list[Violation] = []
    for detail in status.details:
        if _is(detail, ErrorInfo):
            info = ErrorInfo.FromString(detail.value)
            reason, metadata = info.reason, dict(info.metadata)
        elif _is(detail, BadRequest):
            broken = BadRequest.FromString(detail.value).field_violations
            violations = [Violation(v.field, v.reason, v.description) for v in broken]
        elif _is(detail, RetryInfo):
            retry_after_s = RetryInfo.FromString(detail.value).retry_delay.ToMilliseconds() / 1000
        elif _is(detail, QuotaFailure):
            limit = _limit(QuotaFailure.FromString(detail.value))
    name = _NAMES.get(status.code, "INTERNAL")
    kind = BY_CODE.get(name, Internal)
    plain_reason, plain_message = _PLAIN.get(name, _FAULT)
    return kind(
        reason or plain_reason,
        status.message if reason else plain_message,
        violations=violations,
        retry_after_s=retry_after_s,
        metadata=metadata,
        limit=limit,
    )


def from_rpc_error(error: grpc.aio.AioRpcError) -> Error:
    """The error that a failed call tells of."""
    status = rpc_status.from_call(error)
    if status is None:
        status = Status(code=error.code().value[0], message=error.details() or "")
    return from_status(status)


def code_name(code: grpc.StatusCode | int) -> str:
    """The name of a code, which gRPC gives as either; UNKNOWN for a number that has none."""
    return code.name if isinstance(code, grpc.StatusCode) else _NAMES.get(code, "UNKNOWN")


def _limit(failure: QuotaFailure) -> Limit | None:
    return next((Limit(v.quota_id, v.subject) for v in failure.violations), None)


def _is(detail: Any, kind: type[Message]) -> bool:
    return detail.TypeName() == kind.DESCRIPTOR.full_name


def _pack(details: Iterable[Message]) -> Iterable[Any]:
    for detail in details:
        packed = Any()
        packed.Pack(detail)
        yield packed
