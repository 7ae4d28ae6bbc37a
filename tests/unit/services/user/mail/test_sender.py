"""The task that sends mails, over an outbox in memory."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

from services.user.mail.domain import MAX_ATTEMPTS, Mail
from services.user.mail.outbox import Claimed
from services.user.mail.sender import BATCH, LEASE, MailSender
from services.user.mail.transport import Refused

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


class MemoryOutbox:
    """Mails by id: how often they were tried, and when they are due."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.mails: dict[str, Mail] = {}
        self.attempts: dict[str, int] = {}
        self.due: dict[str, datetime] = {}
        self.done: list[str] = []
        self.looks = 0
        self.broken = False

    def put(self, mail_id: str, attempts: int = 0) -> None:
        message = EmailMessage()
        message["To"], message["From"] = f"{mail_id}@example.com", "chat@example.com"
        self.mails[mail_id] = Mail(mail_id, "default", "u-1", message.as_bytes(), NOW)
        self.attempts[mail_id], self.due[mail_id] = attempts, NOW
        self.arrived.set()

    async def claim(self, limit: int, now: datetime, until: datetime) -> Sequence[Claimed]:
        self.looks += 1
        if self.broken:
            raise OSError("the database is away")
        found = [mail_id for mail_id, due in self.due.items() if due <= now][:limit]
        for mail_id in found:
            self.due[mail_id] = until
            self.attempts[mail_id] += 1
        return [Claimed(self.mails[mail_id], self.attempts[mail_id]) for mail_id in found]

    async def sent(self, mail_id: str, now: datetime) -> None:
        self.done.append(mail_id)
        del self.due[mail_id]

    async def later(self, mail_id: str, at: datetime) -> None:
        self.due[mail_id] = at

    async def give_up(self, mail_id: str) -> None:
        del self.due[mail_id]

    async def waiting(self) -> int:
        return len(self.due)


class Postman:
    """Takes what it is told to take, and counts how many it carries at the same time."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.carrying = self.most = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, message: EmailMessage) -> None:
        self.carrying += 1
        self.most = max(self.most, self.carrying)
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
            if self.failures:
                raise self.failures.pop(0)
        finally:
            self.carrying -= 1


def sender(outbox: MemoryOutbox, postman: Postman, told: Callable[[int], object] = lambda _: None) -> MailSender:
    return MailSender(
        outbox,
        postman,
        clock=lambda: NOW,
        uniform=lambda low, high: high,
        waiting=told,
        gather_s=0,
        sweep_s=60,
        drain_s=5,
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_a_mail_is_sent_as_soon_as_it_is_there() -> None:
    """Without waiting for the next look; it is told how many wait."""
    outbox, told = MemoryOutbox(), list[int]()
    async with sender(outbox, Postman(), told.append):
        await until(lambda: told == [0])
        outbox.put("one")
        await until(lambda: outbox.done == ["one"])
    assert told[-1] == 0


async def test_a_failure_is_tried_again_later() -> None:
    """When the rules say so; nothing else waits for it."""
    outbox = MemoryOutbox()
    async with sender(outbox, Postman(ConnectionError("away"))):
        outbox.put("one")
        await until(lambda: outbox.due.get("one") == NOW + timedelta(minutes=1))
        outbox.put("two")
        await until(lambda: outbox.done == ["two"])


async def test_a_refusal_and_the_last_failure_end_it() -> None:
    """The mail is forgotten."""
    outbox = MemoryOutbox()
    async with sender(outbox, Postman(Refused("no such user"), ConnectionError("away"))):
        outbox.put("refused")
        await until(lambda: "refused" not in outbox.due)
        outbox.put("tried", MAX_ATTEMPTS - 1)
        await until(lambda: "tried" not in outbox.due)
    assert outbox.done == []


async def test_few_are_sent_at_the_same_time() -> None:
    """A thousand that wait do not open a thousand connections."""
    outbox, postman = MemoryOutbox(), Postman()
    for number in range(3 * BATCH + 1):
        outbox.put(f"mail-{number}")
    async with sender(outbox, postman):
        await until(lambda: len(outbox.done) == 3 * BATCH + 1)
    assert postman.most == BATCH


async def test_what_is_there_when_it_stops_is_sent_first() -> None:
    """As long as the transport takes it."""
    outbox = MemoryOutbox()
    async with sender(outbox, Postman()):
        outbox.put("last")
    assert outbox.done == ["last"]


async def test_a_transport_that_hangs_does_not_stop_the_stop() -> None:
    """The mail stays claimed, and is tried again once the lease has ended."""
    outbox, postman = MemoryOutbox(), Postman()
    postman.gate.clear()
    outbox.put("one")
    async with MailSender(outbox, postman, clock=lambda: NOW, drain_s=0.01):
        await until(lambda: postman.carrying == 1)
    assert outbox.done == []
    assert outbox.due["one"] == NOW + LEASE
    assert postman.carrying == 0


async def test_an_outbox_that_fails_is_asked_again() -> None:
    """The task outlives what the database does."""
    outbox = MemoryOutbox()
    outbox.broken = True
    outbox.put("one")
    async with sender(outbox, Postman()):
        await until(lambda: outbox.looks >= 2)
        outbox.broken = False
        await until(lambda: outbox.done == ["one"])


async def test_an_outbox_that_fails_does_not_stop_the_stop() -> None:
    """It is not asked for ever."""
    outbox = MemoryOutbox()
    outbox.broken = True
    async with asyncio.timeout(5), sender(outbox, Postman()):
        await until(lambda: outbox.looks >= 1)
