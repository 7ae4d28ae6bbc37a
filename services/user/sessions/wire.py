"""Sessions as their user sees them."""

from chat.user.v1 import session_service_pb2 as pb
from services.user.accounts.wire import timestamp
from services.user.sessions.domain import Session


def to_session(session: Session, current_id: str) -> pb.Session:
    """`current_id` is the session that asks."""
    return pb.Session(
        id=session.id,
        device=session.device,
        address=session.address,
        created_at=timestamp(session.created_at),
        refreshed_at=timestamp(session.refreshed_at),
        expires_at=timestamp(session.expires_at),
        is_current=session.id == current_id,
    )
