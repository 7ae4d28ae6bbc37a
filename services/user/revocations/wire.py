"""Revocations as the contract shows them."""

from google.protobuf.timestamp_pb2 import Timestamp

from chat.user.v1 import revocation_service_pb2 as pb
from services.user.revocations.domain import Revocation


def to_revocation(revocation: Revocation) -> pb.Revocation:
    expires_at = Timestamp()
    expires_at.FromDatetime(revocation.expires_at)
    return pb.Revocation(session_id=revocation.session_id, expires_at=expires_at)
