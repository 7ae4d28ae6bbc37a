"""Ends what is over, twice a second; and thereby finds out whether the store answers."""

import asyncio
from typing import Final

import structlog

from mesh.errors import Unavailable
from services.presence.store import PresenceStore

EVERY_S: Final = 0.5
BATCH: Final = 200

log = structlog.get_logger(__name__)


async def sweep(store: PresenceStore, *, every_s: float = EVERY_S) -> None:
    """Sweeps until it is cancelled."""
    while True:
        try:
            while await store.sweep(BATCH) == BATCH:
                await asyncio.sleep(0)
        except Unavailable:
            pass  # The store has said so itself, once.
        except Exception as error:
            log.error("leases that are over stay", exc_info=error)
        await asyncio.sleep(every_s)
