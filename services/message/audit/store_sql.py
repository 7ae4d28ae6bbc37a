"""The audit log in SQL."""

from mesh.audit.log import Trail
from mesh.audit.verify import Verdict, verify
from mesh.database import Database


class SqlAuditStore:
    def __init__(self, database: Database, trail: Trail) -> None:
        self._database = database
        self._trail = trail

    async def verify(self) -> Verdict:
        return await self._database.read(lambda connection: verify(connection, self._trail))
