"""AuditService: for the operator of the installation."""

from chat.message.v1 import audit_service_pb2 as pb
from chat.message.v1 import audit_service_pb2_grpc as rpc
from services.message.audit.store import AuditStore


class AuditServicer(rpc.AuditServiceServicer):
    def __init__(self, store: AuditStore) -> None:
        self._store = store

    async def VerifyAudit(self, request: pb.VerifyAuditRequest, context: object) -> pb.VerifyAuditResponse:
        verdict = await self._store.verify()
        return pb.VerifyAuditResponse(entries=verdict.entries, broken_seq=verdict.broken_seq, detail=verdict.detail)
