"""The port to the audit log. What other stores note there is written with its effect, not through it."""

from dataclasses import dataclass
from typing import Protocol

from mesh.audit.entry import Entry
from mesh.audit.verify import Verdict
from mesh.page import Place, Slice
from services.user.audit.domain import Search


@dataclass(frozen=True, slots=True)
class Noted:
    """An entry and its number."""

    seq: int
    entry: Entry


class AuditStore(Protocol):
    """The log: only ever appended to."""

    async def page(self, search: Search, place: Place | None, limit: int) -> Slice[Noted]:
        """Up to `limit` entries next to `place`, which holds a `seq`; newest first."""
        ...

    async def note(self, entry: Entry) -> None:
        """Appends an entry that tells of no change."""
        ...

    async def verify(self) -> Verdict:
        """Reads all of the log, and finds the first entry that is not as it was written."""
        ...
