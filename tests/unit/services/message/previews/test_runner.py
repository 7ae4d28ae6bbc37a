"""What is looked at, in which order, and what becomes of it when too much of it comes."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mesh.errors import Unavailable
from services.message.command import Command, Origin
from services.message.feed.domain import MESSAGE_DELETED, MESSAGE_NEW, MESSAGE_UPDATED, Change
from services.message.journal import Outcome
from services.message.messages.domain import LinkPreview, Message
from services.message.previews.domain import SetPreviews
from services.message.previews.runner import AT_ONCE, Previews
from services.message.transfer.domain import ImportMessages

AT = datetime(2026, 5, 1, tzinfo=UTC)


def message(text: str, id_: str = "m") -> Message:
    return Message(id_, "w", "c", 1, "author", "k", text, "", {}, 1, AT)


def new(shown: Message, kind: str = MESSAGE_NEW) -> Outcome:
    return Outcome(None, (Change(kind, "c", Origin(), AT, pos=1, message=shown),))


def preview(url: str) -> LinkPreview:
    return LinkPreview(url, "title", "", "", "")


class Written:
    """A writer that keeps what it is given, and refuses the first of it when it is `full`."""

    def __init__(self, *, full: bool = False) -> None:
        self.commands: asyncio.Queue[SetPreviews] = asyncio.Queue()
        self._full = full

    def submit(self, command: SetPreviews) -> "asyncio.Future[bool]":
        if self._full:
            self._full = False
            raise Unavailable("OVERLOADED", "Too much waits.")
        self.commands.put_nowait(command)
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        done.set_result(True)
        return done


async def title_of(url: str) -> LinkPreview | None:
    if "broken" in url:
        raise RuntimeError("a page that nobody thought of")
    return None if "nothing" in url else preview(url)


async def test_previews_come_in_the_order_of_the_text() -> None:
    """Of what there is something to be shown; of the version that was looked at."""
    writer = Written()
    previews = Previews(title_of, writer, lambda: None)  # type: ignore[arg-type]
    previews.note(Command(Origin()), new(replace(message("http://a http://nothing http://b"), version=4)))
    async with asyncio.timeout(5), previews.running():
        command = await writer.commands.get()
    assert (command.message_id, command.version, command.origin.workspace_id) == ("m", 4, "w")
    assert command.previews == (preview("http://a"), preview("http://b"))


async def test_what_has_nothing_new_to_look_at_is_left_alone() -> None:
    """No links, nothing behind them, tombstones, what shows its previews, and messages of other systems."""
    asked, writer = list[str](), Written()

    async def fetch(url: str) -> LinkPreview | None:
        asked.append(url)
        return await title_of(url)

    previews, text, any_ = Previews(fetch, writer, lambda: None), message("http://a"), Command(Origin())  # type: ignore[arg-type]
    previews.note(any_, new(message("no link")))
    previews.note(any_, new(replace(text, deleted_at=AT), MESSAGE_DELETED))
    previews.note(any_, new(replace(text, previews=(preview("http://a"),)), MESSAGE_UPDATED))
    previews.note(ImportMessages(Origin(), "c", ()), new(text))
    previews.note(any_, Outcome())
    previews.note(any_, new(message("http://nothing")))
    previews.note(any_, new(message("http://last"), MESSAGE_UPDATED))
    async with asyncio.timeout(5), previews.running():
        assert (await writer.commands.get()).previews == (preview("http://last"),)
    assert asked == ["http://nothing", "http://last"]


async def test_no_failure_keeps_the_next_from_being_looked_at() -> None:
    writer = Written(full=True)
    previews = Previews(title_of, writer, lambda: None)  # type: ignore[arg-type]
    for number in range(2 * AT_ONCE):
        previews.note(Command(Origin()), new(message("http://broken", f"broken {number}")))
    for text in ("http://refused", "http://last"):
        previews.note(Command(Origin()), new(message(text, text)))
    async with asyncio.timeout(5), previews.running():
        assert (await writer.commands.get()).message_id == "http://last"


async def test_so_many_are_looked_at_together_and_so_many_wait() -> None:
    """The others are dropped, and counted."""
    started, open_, dropped = asyncio.Semaphore(0), asyncio.Event(), list[int]()

    async def fetch(url: str) -> LinkPreview:
        started.release()
        await open_.wait()
        return preview(url)

    writer = Written()
    previews = Previews(fetch, writer, lambda: dropped.append(1), max_waiting=2)  # type: ignore[arg-type]
    async with asyncio.timeout(5), previews.running():
        for number in range(AT_ONCE):
            previews.note(Command(Origin()), new(message("http://a", f"{number}")))
            await started.acquire()
        for number in range(5):
            previews.note(Command(Origin()), new(message("http://a", f"late {number}")))
        assert (started.locked(), len(dropped)) == (True, 3)
        open_.set()
        ids = {(await writer.commands.get()).message_id for _ in range(AT_ONCE + 2)}
    assert ids == {*map(str, range(AT_ONCE)), "late 0", "late 1"}


@pytest.mark.parametrize("waiting", [0, 3])
async def test_it_ends_at_once(waiting: int) -> None:
    """Whatever it waits for."""
    started = asyncio.Event()

    async def fetch(url: str) -> LinkPreview:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    previews = Previews(fetch, Written(), lambda: None)  # type: ignore[arg-type]
    for number in range(waiting):
        previews.note(Command(Origin()), new(message("http://a", f"{number}")))
    async with asyncio.timeout(5):
        async with previews.running():
            if waiting:
                await started.wait()
