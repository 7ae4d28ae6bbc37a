"""SessionService: log-in, refresh and log-out, the sessions of the caller, and tickets for sockets."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from chat.user.v1 import session_service_pb2 as pb
from chat.user.v1.session_service_pb2_grpc import SessionServiceServicer
from mesh.call.context import caller
from mesh.cursor import CursorCodec
from mesh.errors import Unauthenticated
from mesh.identity import tokens
from mesh.identity.principal import DEFAULT_WORKSPACE
from mesh.page import Cursors, limit_of
from services.user.accounts.domain import Account
from services.user.accounts.store import AccountStore
from services.user.accounts.wire import to_account
from services.user.sessions.access import AccessTokens
from services.user.sessions.domain import Ended, RefreshToken, Reused, Session
from services.user.sessions.opening import SessionOpening
from services.user.sessions.proof import LoginProof, invalid_credentials
from services.user.sessions.store import SessionStore
from services.user.sessions.wire import to_session
from services.user.tickets import domain as tickets
from services.user.tickets.store import TicketStore


class SessionServicer(SessionServiceServicer):
    def __init__(
        self,
        sessions: SessionStore,
        accounts: AccountStore,
        tickets: TicketStore,
        *,
        proof: LoginProof,
        opening: SessionOpening,
        access: AccessTokens,
        cursors: CursorCodec,
        clock: Callable[[], datetime],
    ) -> None:
        self._sessions = sessions
        self._accounts = accounts
        self._tickets = tickets
        self._proof = proof
        self._opening = opening
        self._access = access
        self._cursors = cursors
        self._clock = clock

    async def Login(self, request: pb.LoginRequest, context: object) -> pb.LoginResponse:
        now, workspace_id = self._clock(), request.workspace_id or DEFAULT_WORKSPACE
        known = await self._proof.prove(workspace_id, request.username, request.password, request.code, now)
        opened = await self._opening.open(known.account, request.device, now, password_hash=known.password_hash)
        if opened is None:  # Suspended, or given another password, while this one was looked at.
            raise invalid_credentials()
        return pb.LoginResponse(
            access_token=opened.access_token,
            refresh_token=opened.refresh_token,
            expires_in=tokens.LIFETIME_S,
            session_id=opened.session.id,
            user=to_account(replace(known.account, last_login=now), now),
        )

    async def Refresh(self, request: pb.RefreshRequest, context: object) -> pb.RefreshResponse:
        now = self._clock()
        outcome = await self._sessions.present(RefreshToken.parse(request.refresh_token), now)
        if isinstance(outcome, Reused):
            raise Unauthenticated("REFRESH_TOKEN_REUSED", "The refresh token was used before. The session is revoked.")
        if isinstance(outcome, Ended):
            raise Unauthenticated(
                "REFRESH_TOKEN_INVALID", "The refresh token is not valid, or has ended. Log in again."
            )
        session = outcome.session
        account = await self._account(session.workspace_id, session.user_id)
        return pb.RefreshResponse(
            access_token=await self._access.issue(account, session.id, now),
            refresh_token=str(outcome.successor),
            expires_in=tokens.LIFETIME_S,
            session_id=session.id,
        )

    async def Logout(self, request: pb.LogoutRequest, context: object) -> pb.LogoutResponse:
        who = caller()
        await self._sessions.log_out(who.workspace_id, who.user_id, who.session_id, self._clock())
        return pb.LogoutResponse()

    async def ListSessions(self, request: pb.ListSessionsRequest, context: object) -> pb.ListSessionsResponse:
        who, limit = caller(), limit_of(request.limit)
        cursors = Cursors[Session](self._cursors, f"ListSessions:{who.user_id}", lambda session: (session.id,))
        place = cursors.place(request.cursor)
        found = await self._sessions.page(who.workspace_id, who.user_id, self._clock(), place, limit)
        items = [to_session(session, who.session_id) for session in found.items]
        return pb.ListSessionsResponse(items=items, page=cursors.page(found, limit))

    async def RevokeSession(self, request: pb.RevokeSessionRequest, context: object) -> pb.RevokeSessionResponse:
        who = caller()
        await self._sessions.revoke(who.workspace_id, who.user_id, request.id, self._clock())
        return pb.RevokeSessionResponse()

    async def RevokeAllSessions(
        self, request: pb.RevokeAllSessionsRequest, context: object
    ) -> pb.RevokeAllSessionsResponse:
        who = caller()
        keep = who.session_id if request.keep_current else None
        revoked = await self._sessions.revoke_all(who.workspace_id, who.user_id, self._clock(), keep)
        return pb.RevokeAllSessionsResponse(revoked=revoked)

    async def CreateTicket(self, request: pb.CreateTicketRequest, context: object) -> pb.CreateTicketResponse:
        who, secret = caller(), tickets.new_secret(secrets.token_bytes)
        expires_at = self._clock() + tickets.LIFETIME
        await self._tickets.add(
            tickets.Ticket(tickets.hash_of(secret), who.workspace_id, who.user_id, who.session_id, expires_at)
        )
        return pb.CreateTicketResponse(ticket=secret, expires_in=int(tickets.LIFETIME.total_seconds()))

    async def RedeemTicket(self, request: pb.RedeemTicketRequest, context: object) -> pb.RedeemTicketResponse:
        now = self._clock()
        ticket = await self._tickets.redeem(tickets.hash_of(request.ticket), now)
        if ticket is None:
            raise Unauthenticated("TICKET_INVALID", "The ticket is not valid, was used before, or has ended.")
        account = await self._account(ticket.workspace_id, ticket.user_id)
        access_token = await self._access.issue(account, ticket.session_id, now)
        return pb.RedeemTicketResponse(access_token=access_token, expires_in=tokens.LIFETIME_S)

    async def _account(self, workspace_id: str, user_id: str) -> Account:
        return (await self._accounts.find(workspace_id, [user_id]))[user_id]
