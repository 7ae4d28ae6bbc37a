"""The port to where tickets are kept."""

from datetime import datetime
from typing import Protocol

from services.user.tickets.domain import Ticket


class TicketStore(Protocol):
    """Tickets, until they are redeemed or over."""

    async def add(self, ticket: Ticket) -> None: ...

    async def redeem(self, hash_: bytes, now: datetime) -> Ticket | None:
        """Takes the ticket away. None when there is none, when it is over, or its session or user is: of several at
        once one gets it.
        """
        ...

    async def sweep(self, now: datetime, limit: int) -> int:
        """Removes up to `limit` tickets that are over; answers how many."""
        ...
