"""The task that sends mails: those of this process in a moment, those that wait when they are due."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Self

import structlog

from mesh.events.backoff import Backoff
from mesh.waiting import wait
from services.user.mail.domain import next_try
from services.user.mail.outbox import Claimed, MailOutbox
from services.user.mail.transport import Refused, Transport

BATCH = 8
"""So many are sent at the same time."""
LEASE = timedelta(minutes=2)
"""How long a mail is this process's alone; longer than any transport takes. Then it is taken to have died."""
GATHER_S = 0.2
SWEEP_S = 5.0
DRAIN_S = 5.0

log = structlog.get_logger()


class MailSender:
    """Sends the mails of `outbox` by `transport` while its context is open. Several processes may share an outbox.

    It looks `gather_s` seconds after a mail has arrived, and every `sweep_s` seconds for those that are due again. A
    mail is marked after the transport has taken it: what is lost between the two is sent again. Leaving the context
    sends what is due, for `drain_s` seconds at most; the rest stays in the outbox. `waiting` is told after each look
    how many mails wait.
    """

    def __init__(
        self,
        outbox: MailOutbox,
        transport: Transport,
        *,
        clock: Callable[[], datetime],
        uniform: Callable[[float, float], float] = random.uniform,
        waiting: Callable[[int], object] = lambda mails: None,
        backoff: Backoff | None = None,
        gather_s: float = GATHER_S,
        sweep_s: float = SWEEP_S,
        drain_s: float = DRAIN_S,
    ) -> None:
        self._outbox = outbox
        self._transport = transport
        self._clock = clock
        self._uniform = uniform
        self._waiting = waiting
        self._backoff = backoff or Backoff()
        self._gather_s = gather_s
        self._sweep_s = sweep_s
        self._drain_s = drain_s
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="mails")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._outbox.arrived.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain_s):
                await self._task

    async def _run(self) -> None:
        failures = 0
        while True:
            self._outbox.arrived.clear()
            last = self._closing.is_set()  # Asked before the look, so that the last look begins after the last commit.
            try:
                found = await self._send_batch()
            except Exception as error:
                log.warning("mails were not looked for", exc_info=error)
                if last:
                    return
                failures += 1
                await wait(self._closing, self._backoff.delay_s(failures))
                continue
            failures = 0
            if found >= BATCH:
                continue
            if last:
                return
            await wait(self._outbox.arrived, self._sweep_s)
            # What a mail costs must not fall into the answer of the call that made it: its time would tell of the mail.
            await wait(self._closing, self._gather_s)

    async def _send_batch(self) -> int:
        now = self._clock()
        claimed = await self._outbox.claim(BATCH, now, now + LEASE)
        await asyncio.gather(*(self._send(one) for one in claimed))
        self._waiting(await self._outbox.waiting())
        return len(claimed)

    async def _send(self, claimed: Claimed) -> None:
        mail, about = claimed.mail, {"mail_id": claimed.mail.id, "user_id": claimed.mail.user_id}
        message = message_from_bytes(mail.content, policy=policy.SMTP)
        assert isinstance(message, EmailMessage)
        try:
            await self._transport.send(message)
        except Refused as error:
            log.warning("a mail was refused for good", reason=str(error), **about)
            await self._outbox.give_up(mail.id)
        except Exception as error:
            again = next_try(claimed.attempts, self._clock(), self._uniform)
            log.warning("a mail was not sent", reason=_short(error), attempts=claimed.attempts, again=again, **about)
            if again is None:
                await self._outbox.give_up(mail.id)
            else:
                await self._outbox.later(mail.id, again)
        else:
            await self._outbox.sent(mail.id, self._clock())


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
