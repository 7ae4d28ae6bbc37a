"""The audit log as the contract shows it."""

from google.protobuf.timestamp_pb2 import Timestamp

from chat.user.v1 import administration_service_pb2 as pb
from mesh.audit.verify import Verdict
from services.user.audit.store import Noted


def to_entry(noted: Noted) -> pb.AuditEntry:
    entry, at = noted.entry, Timestamp()
    at.FromDatetime(entry.at)
    return pb.AuditEntry(
        seq=noted.seq,
        at=at,
        action=entry.action,
        result=entry.result,
        actor_id=entry.actor_id,
        subject_id=entry.subject_id,
        address=entry.address,
        trace_id=entry.trace_id,
        detail=entry.detail,
    )


def to_verdict(verdict: Verdict) -> pb.VerifyAuditResponse:
    return pb.VerifyAuditResponse(entries=verdict.entries, broken_seq=verdict.broken_seq, detail=verdict.detail)
