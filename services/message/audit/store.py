"""The port to the audit log."""

from typing import Protocol

from mesh.audit.verify import Verdict


class AuditStore(Protocol):
    async def verify(self) -> Verdict:
        """Reads all of the log, and finds the first entry that is not as it was written."""
        ...
