"""The port to where mails wait until they are sent. Stores put them there in the transaction of what they tell of."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.user.mail.domain import Mail


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail that this process may send now; `attempts` counts this one."""

    mail: Mail
    attempts: int


class MailOutbox(Protocol):
    """Mails that wait. `arrived` is set when this process has put one there."""

    arrived: asyncio.Event

    async def claim(self, limit: int, now: datetime, until: datetime) -> Sequence[Claimed]:
        """Up to `limit` mails that are due. Nobody else gets them before `until`."""
        ...

    async def sent(self, mail_id: str, now: datetime) -> None:
        """Says that a mail was sent: its content is forgotten, except where mails are only looked at."""
        ...

    async def later(self, mail_id: str, at: datetime) -> None:
        """Says when to try again."""
        ...

    async def give_up(self, mail_id: str) -> None:
        """Forgets a mail that cannot be sent."""
        ...

    async def waiting(self) -> int:
        """How many mails are not sent yet."""
        ...
