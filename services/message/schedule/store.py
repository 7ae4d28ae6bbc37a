"""The port through which planned messages are read. Writes go through the journal."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from mesh.identity.principal import Principal
from mesh.page import Place, Slice
from services.message.schedule.domain import Scheduled


class ScheduleStore(Protocol):
    """People see only their own plans."""

    async def get(self, caller: Principal, scheduled_id: str) -> Scheduled:
        """Raises NotFound (SCHEDULED_NOT_FOUND)."""
        ...

    async def page(self, caller: Principal, place: Place | None, limit: int) -> Slice[Scheduled]:
        """Those that wait or failed, the next one first. The key of a place is `(send_at in ISO 8601, id)`."""
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[Scheduled]:
        """Plans of anybody whose time has come, the oldest first."""
        ...

    async def next_at(self) -> datetime | None:
        """When the next plan of anybody is due; None when none waits."""
        ...
