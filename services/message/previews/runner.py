"""Looks at what new texts link to, beside everything else: what is committed only notes it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import structlog

from mesh.background import background
from mesh.errors import Error
from services.message.command import Command, Origin
from services.message.feed.domain import MESSAGE_NEW, MESSAGE_UPDATED, Change
from services.message.journal import Outcome
from services.message.messages.domain import LinkPreview, Message
from services.message.previews.domain import SetPreviews, addresses
from services.message.transfer.domain import ImportMessages
from services.message.writer import Writer

MAX_WAITING: Final = 1000
"""Messages. More are dropped: a preview is nothing that anybody waits for."""
AT_ONCE: Final = 4
"""Messages that are looked at together."""

Fetch = Callable[[str], Awaitable[LinkPreview | None]]
"""The preview of an address; None when there is none to be had."""

log = structlog.get_logger(__name__)


class Previews:
    """`dropped` is called for each message that found no room. What waits when it ends is not looked at any more."""

    def __init__(
        self, fetch: Fetch, writer: Writer, dropped: Callable[[], object], *, max_waiting: int = MAX_WAITING
    ) -> None:
        self._fetch = fetch
        self._writer = writer
        self._dropped = dropped
        self._waiting: asyncio.Queue[tuple[Message, tuple[str, ...]]] = asyncio.Queue(max_waiting)

    def note(self, command: Command, outcome: Outcome) -> None:
        """Takes what was committed. Costs little. Messages of other systems are old: nobody waits to see them."""
        if isinstance(command, ImportMessages):
            return
        for change in outcome.changes:
            if (message := _with_new_text(change)) and (urls := addresses(message.text)):
                try:
                    self._waiting.put_nowait((message, urls))
                except asyncio.QueueFull:
                    self._dropped()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs until the context is left."""
        async with AsyncExitStack() as stack:
            for number in range(AT_ONCE):
                await stack.enter_async_context(background(self._run(), f"previews {number + 1}"))
            yield

    async def _run(self) -> None:
        while True:
            message, urls = await self._waiting.get()
            try:
                await self._show(message, urls)
            except Error as error:
                log.info("a message has no previews", reason=error.reason)
            except Exception:  # Whatever strangers send: the next message is looked at.
                log.exception("a message has no previews")

    async def _show(self, message: Message, urls: tuple[str, ...]) -> None:
        found = await asyncio.gather(*[self._fetch(url) for url in urls])
        if previews := tuple(preview for preview in found if preview is not None):
            origin = Origin(workspace_id=message.workspace_id)
            await self._writer.submit(SetPreviews(origin, message.id, message.version, previews))


def _with_new_text(change: Change) -> Message | None:
    """The message, when the change gives it a text whose links nobody has looked at."""
    message = change.message
    if message is None or message.deleted_at is not None or message.previews:
        return None
    return message if change.type in (MESSAGE_NEW, MESSAGE_UPDATED) else None
