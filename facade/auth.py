"""What a socket shows when it connects or goes on: an access token, an API key, or a ticket for an access token."""

from dataclasses import dataclass
from typing import Any

from chat.user.v1.session_service_pb2 import RedeemTicketRequest
from chat.user.v1.session_service_pb2_grpc import SessionServiceStub
from facade.rest.routes import ChannelFor
from facade.resume import Place
from mesh.call.status import answer_of
from mesh.errors import Unauthenticated

MAX_TICKET = 200


@dataclass(frozen=True, slots=True)
class Auth:
    """The `auth` of a socket. Either `token` or `ticket` is set; `place` is where it resumes."""

    token: str
    ticket: str
    place: Place | None

    @classmethod
    def read(cls, value: Any) -> "Auth":
        """Raises Unauthenticated (TOKEN_MISSING, TOKEN_INVALID, TICKET_INVALID) and Invalid (INVALID_REQUEST)."""
        fields: dict[str, Any] = value if isinstance(value, dict) else {}
        token, ticket, resume = fields.get("token"), fields.get("ticket"), fields.get("resume")
        if not token and not ticket:
            raise Unauthenticated("TOKEN_MISSING", "Connect with auth: {token}. Log in by POST /api/users/login.")
        if token and not isinstance(token, str):
            raise Unauthenticated("TOKEN_INVALID", "The token must be a string.")
        if not token and not (isinstance(ticket, str) and len(ticket) <= MAX_TICKET):
            raise Unauthenticated("TICKET_INVALID", "The ticket is not one of ours.")
        place = None if resume is None else Place.read(resume)
        return cls(token or "", "" if token else str(ticket), place)


class Tickets:
    """Where tickets are redeemed."""

    def __init__(self, channel_for: ChannelFor) -> None:
        self._channel_for = channel_for

    async def token(self, auth: Auth) -> str:
        """The token that was shown, or that the ticket stands for. Raises Unauthenticated (TICKET_INVALID)."""
        if auth.token:
            return auth.token
        sessions = SessionServiceStub(self._channel_for("user"))
        redeemed = await answer_of(sessions.RedeemTicket(RedeemTicketRequest(ticket=auth.ticket)))
        return redeemed.access_token


def shown_token(auth: Any) -> str:
    """The token in what may be an `auth`; empty when there is none."""
    token = auth.get("token") if isinstance(auth, dict) else None
    return token if isinstance(token, str) else ""
