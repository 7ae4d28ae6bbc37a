"""Errors on the wire."""

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from mesh.call.status import from_rpc_error, from_status, to_grpc_status, to_status
from mesh.errors import BY_CODE, Error, Exhausted, Internal, Invalid, Limit, Unavailable, Violation


@pytest.mark.parametrize("kind", BY_CODE.values(), ids=BY_CODE.keys())
def test_every_kind_comes_back_as_itself(kind: type[Error]) -> None:
    """Kind, reason, message and details survive the way there and back."""
    error = kind(
        "SOME_REASON",
        "message ü",
        violations=[Violation("a.b[0]", "min", "too small")],
        retry_after_s=0.25,
        metadata={"k": "v"},
        limit=Limit("send", "user"),
    )
    status = to_status(error)
    back = from_status(status)
    assert type(back) is kind
    assert (back.reason, back.message, back.violations) == ("SOME_REASON", "message ü", error.violations)
    assert (back.retry_after_s, back.metadata, back.limit) == (0.25, {"k": "v"}, Limit("send", "user"))
    assert sum(detail.Is(ErrorInfo.DESCRIPTOR) for detail in status.details) == 1
    assert str(back) == "SOME_REASON: message ü"


@pytest.mark.parametrize(("wait_s", "told_s"), [(0.0301, 0.031), (0.07, 0.07), (2.3, 2.3), (0, 0)])
def test_a_wait_is_never_told_shorter_than_it_is(wait_s: float, told_s: float) -> None:
    """Whole milliseconds, rounded up."""
    assert from_status(to_status(Exhausted("RATE_LIMITED", "Wait.", retry_after_s=wait_s))).retry_after_s == told_s


def test_a_plain_status_gets_the_general_reason_of_its_code() -> None:
    """Errors of the transport itself carry no details of ours."""
    assert from_status(Status(code=14, message="gone")).reason == "UNAVAILABLE"
    assert isinstance(from_status(Status(code=14)), Unavailable)
    assert from_status(Status(code=8)).reason == "OVERLOADED"
    assert isinstance(from_status(Status(code=2)), Internal)
    assert from_status(Status(code=999)).reason == "INTERNAL"


def test_details_of_others_are_passed_over() -> None:
    """A status may carry what we do not know."""
    status = to_status(Unavailable("DRAINING", "going"))
    status.details.add().Pack(Status(code=1))
    assert from_status(status).reason == "DRAINING"


def test_an_rpc_error_without_details() -> None:
    """The code is enough; the text of a stranger is not repeated."""
    error = grpc.aio.AioRpcError(
        grpc.StatusCode.INVALID_ARGUMENT, grpc.aio.Metadata(), grpc.aio.Metadata(), "ipv4:10.0.0.7 is bad"
    )
    found = from_rpc_error(error)
    assert isinstance(found, Invalid)
    assert found.reason == "INVALID_REQUEST"
    assert "10.0.0.7" not in found.message


def test_the_status_for_a_context() -> None:
    """What abort_with_status takes."""
    status = to_grpc_status(Invalid("INVALID_REQUEST", "bad"))
    assert status.code is grpc.StatusCode.INVALID_ARGUMENT
    assert status.details == "bad"
