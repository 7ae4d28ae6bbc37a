"""How errors look to clients."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from structlog.testing import capture_logs

from facade.problems import as_dict, exception_handlers, known, pointer, problem
from mesh.errors import Conflict, Deadline, Error, Exhausted, Internal, Invalid, Limit, Unauthenticated, Violation


def request(**state: str) -> Request:
    return Request(
        {"type": "http", "method": "PUT", "path": "/api/x", "headers": [], "query_string": b"", "state": state}
    )


def body(response: Response) -> Any:
    return orjson.loads(bytes(response.body))


async def handled(error: Exception) -> Response:
    """What the handler registered for the nearest class of `error` answers."""
    handlers = exception_handlers()
    kind = next(kind for kind in type(error).__mro__ if kind in handlers)
    return await handlers[kind](request(), error)


def test_a_problem_says_everything_a_client_needs() -> None:
    """All members are there, each time."""
    error = Exhausted("OVERLOADED", "Too many.", retry_after_s=1.5, metadata={"k": "v"})
    assert as_dict(error, request_id="r", trace_id="t", instance="/api/x", correlation_id="c") == {
        "type": "/docs#OVERLOADED",
        "title": "Overloaded",
        "status": 429,
        "detail": "Too many.",
        "instance": "/api/x",
        "code": "OVERLOADED",
        "request_id": "r",
        "trace_id": "t",
        "correlation_id": "c",
        "retryable": True,
        "retry_after_s": 1.5,
        "errors": [],
        "metadata": {"k": "v"},
    }


def test_a_problem_names_the_rate_limit_that_was_reached() -> None:
    """Its policy and scope stand beside the time to wait."""
    error = Exhausted("RATE_LIMITED", "Too many.", retry_after_s=1.5, limit=Limit("send", "user"))
    shown = as_dict(error, request_id="r", trace_id="t", instance="/api/x")
    assert (shown["policy"], shown["scope"], shown["retry_after_s"]) == ("send", "user", 1.5)


def test_the_answer_is_problem_json_about_this_request() -> None:
    """The ids of the request stand in it, and no cache keeps it."""
    response = problem(Conflict("USERNAME_TAKEN", "Taken."), request(request_id="r", correlation_id="c"))
    shown = body(response)
    assert (response.status_code, response.media_type) == (409, "application/problem+json")
    assert (shown["request_id"], shown["correlation_id"], shown["instance"]) == ("r", "c", "/api/x")
    assert response.headers["cache-control"] == "no-store"
    assert "retry-after" not in response.headers


def test_retry_after_is_in_whole_seconds_rounded_up() -> None:
    """Waiting as told is enough."""
    response = problem(Exhausted("RATE_LIMITED", "Too many.", retry_after_s=0.2), request())
    assert response.headers["retry-after"] == "1"


def test_who_is_not_known_is_asked_for_a_bearer_token() -> None:
    """401 carries the challenge that HTTP demands."""
    response = problem(Unauthenticated("TOKEN_MISSING", "No token."), request())
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("", ""),
        ("text", "/text"),
        ("member_ids[2]", "/member_ids/2"),
        ("items[0].sender.name", "/items/0/sender/name"),
        ('metadata["a.b/c~[0]\\"x"]', '/metadata/a.b~1c~0[0]"x'),
        ("positions[7].at", "/positions/7/at"),
        ("flags[true]", "/flags/true"),
        ("/already/a~1pointer", "/already/a~1pointer"),
    ],
)
def test_paths_of_the_contract_become_json_pointers(field: str, expected: str) -> None:
    """Clients get one notation, whoever found the violation."""
    assert pointer(Violation(field, "c", "d")) == expected


def test_violations_are_listed_with_pointers() -> None:
    """Each broken rule stands in `errors`."""
    error = Invalid("INVALID_REQUEST", "Bad.", violations=[Violation("a[1]", "string.uuid", "Must be a UUID.")])
    shown = as_dict(error, request_id="", trace_id="", instance="")
    assert shown["errors"] == [{"pointer": "/a/1", "code": "string.uuid", "detail": "Must be a UUID."}]


def test_the_trace_id_is_that_of_the_current_span() -> None:
    """32 hex digits inside of a trace, nothing outside."""
    error = Conflict("USERNAME_TAKEN", "Taken.")
    assert body(problem(error, request()))["trace_id"] == ""
    with TracerProvider().get_tracer("test").start_as_current_span("x") as span:
        trace_id = trace.format_trace_id(span.get_span_context().trace_id)
        assert body(problem(error, request()))["trace_id"] == trace_id


async def test_known_errors_are_shown_as_they_are() -> None:
    """What the mesh raised is the answer."""
    response = await handled(Deadline("DEADLINE_EXCEEDED", "Too slow."))
    assert (response.status_code, body(response)["detail"]) == (504, "Too slow.")


async def test_the_unexpected_is_hidden_behind_an_id() -> None:
    """The client gets an id, the log gets the error beside it."""
    fault = RuntimeError("the secret")
    with capture_logs() as logged:
        response = await handled(fault)
    shown = body(response)
    assert (response.status_code, shown["code"]) == (500, "INTERNAL")
    assert b"the secret" not in bytes(response.body)
    assert [(line["error_id"], line["exc_info"]) for line in logged] == [(shown["metadata"]["error_id"], fault)]


def test_a_fault_that_a_service_has_logged_keeps_its_id() -> None:
    """One fault has one id, wherever it happened."""
    error = Internal("INTERNAL", "Something went wrong.", metadata={"error_id": "e1"})
    assert known(error) is error


def test_a_fault_that_nobody_has_logged_loses_its_text() -> None:
    """A status of a foreign server may hold anything."""
    assert "traceback" not in known(Internal("INTERNAL", "traceback: …")).message


@pytest.mark.parametrize(
    ("raised", "status", "code", "headers"),
    [
        (HTTPException(404), 404, "ROUTE_NOT_FOUND", {}),
        (HTTPException(405, headers={"Allow": "GET"}), 405, "METHOD_NOT_ALLOWED", {"allow": "GET"}),
        (HTTPException(401, headers={"X-A": "b"}), 401, "TOKEN_INVALID", {"x-a": "b"}),
        (HTTPException(403), 403, "PERMISSION_DENIED", {}),
        (HTTPException(400, "Bad form."), 400, "INVALID_REQUEST", {}),
        (HTTPException(418), 400, "INVALID_REQUEST", {}),
        (HTTPException(503), 503, "UNAVAILABLE", {}),
        (HTTPException(507), 500, "INTERNAL", {}),
        (ClientDisconnect(), 499, "CANCELLED", {}),
    ],
)
async def test_the_frameworks_errors_are_problems_too(
    raised: Exception, status: int, code: str, headers: Mapping[str, str]
) -> None:
    """There is one form of error, whoever raised it."""
    response = await handled(raised)
    assert (response.status_code, body(response)["status"], body(response)["code"]) == (status, status, code)
    assert headers.items() <= dict(response.headers).items()


def test_every_kind_of_error_has_a_handler() -> None:
    """The app registers them all with one call."""
    assert {Error, Exception, HTTPException} <= set(exception_handlers())
