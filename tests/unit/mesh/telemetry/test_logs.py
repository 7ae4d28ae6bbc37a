"""The form of log lines, and what stands in each of them."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog
from opentelemetry.trace import format_span_id, format_trace_id

from mesh.call.context import RequestContext, bind, unbind
from mesh.identity.principal import Principal
from mesh.telemetry.logs import HANDLER, configure_logs
from mesh.telemetry.tracing import Tracing, tracer

pytestmark = pytest.mark.usefixtures("restored_logs")

log = structlog.get_logger()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def request_context() -> Iterator[RequestContext]:
    context = RequestContext(correlation_id="c-1", principal=Principal("u-1", "s-1", "user", 0.0))
    bound = bind(context)
    yield context
    unbind(bound)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_line_has_event_level_and_utc_time(stream: io.StringIO) -> None:
    """A line is one JSON object with the event, the level, an ISO time in UTC and the given fields."""
    configure_logs("json", "info", stream)
    log.info("socket opened", sockets=3)
    [line] = lines(stream)
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() == timedelta(0)
    assert line == {"event": "socket opened", "level": "info", "sockets": 3}


def test_request_is_in_every_line(stream: io.StringIO, request_context: RequestContext) -> None:
    """Correlation and user id come from the request that is bound, without being passed, for libraries too."""
    configure_logs("json", "info", stream)
    log.info("ours")
    logging.getLogger("library").warning("theirs")
    assert [(line["correlation_id"], line["user_id"]) for line in lines(stream)] == [("c-1", "u-1")] * 2


def test_given_field_wins_over_the_request_s(stream: io.StringIO, request_context: RequestContext) -> None:
    """A field that the call gives is not overwritten."""
    configure_logs("json", "info", stream)
    log.info("on behalf", user_id="u-2")
    assert lines(stream)[0]["user_id"] == "u-2"


def test_span_is_in_every_line(stream: io.StringIO, start_tracing: Callable[..., Tracing]) -> None:
    """Trace and span id are those of the span in which the line is written; outside there are none."""
    start_tracing()
    configure_logs("json", "info", stream)
    with tracer().start_as_current_span("work") as span:
        log.info("inside")
    log.info("outside")
    inside, outside = lines(stream)
    context = span.get_span_context()
    assert (inside["trace_id"], inside["span_id"]) == (
        format_trace_id(context.trace_id),
        format_span_id(context.span_id),
    )
    assert "trace_id" not in outside


def test_secrets_are_blanked(stream: io.StringIO) -> None:
    """A secret that somebody logs by mistake does not get out."""
    configure_logs("json", "info", stream)
    log.info("login", password="hunter2", headers={"Authorization": "Bearer abc"})
    assert "hunter2" not in stream.getvalue()
    assert "Bearer" not in stream.getvalue()


def fail() -> None:
    raise ValueError("two\nlines")


def test_exception_is_structured_and_one_line(stream: io.StringIO) -> None:
    """In JSON an exception is data: type, text and frames, without local variables, in the same line."""
    configure_logs("json", "info", stream)
    with pytest.raises(ValueError, match="two") as caught:
        fail()
    log.error("failed", exc_info=caught.value)
    [line] = lines(stream)
    [exception] = line["exception"]
    assert (exception["exc_type"], exception["exc_value"]) == ("ValueError", "two lines")
    assert exception["frames"][-1]["name"] == "fail"
    assert "locals" not in exception["frames"][-1]


def test_values_cannot_forge_a_line(stream: io.StringIO) -> None:
    """A line break in a value does not begin another line in text form."""
    configure_logs("text", "info", stream)
    log.info("hello\n2026 [error] forged", name="a\nb")
    assert len(stream.getvalue().splitlines()) == 1


def test_text_form_has_a_traceback(stream: io.StringIO) -> None:
    """People get the traceback as they know it."""
    configure_logs("text", "info", stream)
    with pytest.raises(ValueError, match="two") as caught:
        fail()
    log.error("failed", exc_info=caught.value)
    assert "Traceback (most recent call last)" in stream.getvalue()


@pytest.mark.parametrize(("level", "expected"), [("debug", 3), ("info", 2), ("error", 1)])
def test_own_lines_start_at_the_level(stream: io.StringIO, level: str, expected: int) -> None:
    """What lies below the level is not written."""
    configure_logs("json", level, stream)
    log.debug("a")
    log.info("b")
    log.error("c")
    assert len(lines(stream)) == expected


@pytest.mark.parametrize("name", ["asyncio", "uvicorn.error", "grpc._cython", "engineio.server", "sqlalchemy"])
def test_libraries_speak_from_warning_on(stream: io.StringIO, name: str) -> None:
    """Libraries write in the same form, by name, and nothing below a warning even when we debug."""
    configure_logs("json", "debug", stream)
    logging.getLogger(name).info("chatter")
    logging.getLogger(name).warning("slow %s", "peer")
    [line] = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("slow peer", "warning", name)


def test_libraries_follow_a_higher_level(stream: io.StringIO) -> None:
    """With level error their warnings are silent too."""
    configure_logs("json", "error", stream)
    logging.getLogger("uvicorn.error").warning("slow")
    assert stream.getvalue() == ""


def test_configuring_again_replaces(stream: io.StringIO) -> None:
    """The last call decides: nothing is written twice or to the old stream."""
    first = io.StringIO()
    configure_logs("json", "info", first)
    log.info("one")
    logging.getLogger("library").warning("one")
    configure_logs("json", "info", stream)
    log.info("two")
    logging.getLogger("library").warning("two")
    assert [line["event"] for line in lines(first)] == ["one", "one"]
    assert [line["event"] for line in lines(stream)] == ["two", "two"]


def test_default_is_the_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a stream the lines go to stderr; stdout stays for the program."""
    configure_logs("json")
    log.info("here")
    out, err = capsys.readouterr()
    assert (out, json.loads(err)["event"]) == ("", "here")
    assert [handler.name for handler in logging.getLogger().handlers].count(HANDLER) == 1


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("logger", ["ours", "theirs"])
def test_the_text_of_an_error_holds_no_secret(stream: io.StringIO, form: Any, logger: str) -> None:
    """In both forms, from us and from libraries, and in what caused it."""
    configure_logs(form, "info", stream)
    token = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6"
    try:
        try:
            raise ValueError(f"no such token: {token}")
        except ValueError as cause:
            raise RuntimeError(f"Bearer {token}") from cause
    except RuntimeError as error:
        if logger == "ours":
            log.error("failed", exc_info=error)
        else:
            logging.getLogger("library").error("failed with %s", token, exc_info=error)
    said = stream.getvalue()
    assert "no such token: ***" in said
    assert "Bearer ***" in said
    assert token not in said
