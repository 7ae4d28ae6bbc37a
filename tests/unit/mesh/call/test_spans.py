"""Which span is the present one."""

import asyncio
import logging
from collections.abc import AsyncGenerator

import pytest
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan, SpanContext, get_current_span

from mesh.call.spans import Within


def span(number: int) -> NonRecordingSpan:
    return NonRecordingSpan(SpanContext(number, number, is_remote=False))


def test_the_span_before_is_present_again() -> None:
    """One that is not valid changes nothing."""
    outer, inner = span(1), span(2)
    with Within(outer):
        with Within(inner):
            assert get_current_span() is inner
        assert get_current_span() is outer
        with Within(INVALID_SPAN):
            assert get_current_span() is outer
    assert get_current_span() is INVALID_SPAN


async def stream() -> AsyncGenerator[int, None]:
    with Within(span(1)):
        yield 1
        yield 2


async def test_a_stream_may_be_closed_elsewhere(caplog: pytest.LogCaptureFixture) -> None:
    """What is present there stays so, and nothing is logged."""
    messages, here = stream(), span(2)

    async def begin() -> int:
        return await anext(messages)

    with caplog.at_level(logging.DEBUG), Within(here):
        assert await asyncio.create_task(begin()) == 1
        await messages.aclose()
        assert get_current_span() is here
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_stream_may_be_closed_by_who_came_of_it(caplog: pytest.LogCaptureFixture) -> None:
    """As the event loop does with one whose client is gone."""
    messages = stream()

    async def close() -> None:
        await messages.aclose()
        assert get_current_span() is INVALID_SPAN

    async def serve() -> None:
        await anext(messages)
        await asyncio.create_task(close())

    with caplog.at_level(logging.DEBUG):
        await asyncio.create_task(serve())
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
