"""SessionService: log-in, refresh and log-out."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from chat.user.v1 import session_service_pb2 as pb
from chat.user.v1.session_service_pb2_grpc import SessionServiceServicer
from mesh.call.context import caller, current
from mesh.errors import Unauthenticated
from mesh.identity import tokens
from mesh.identity.principal import DEFAULT_WORKSPACE, Principal
from services.user.accounts.domain import Account, Credentials
from services.user.accounts.store import AccountStore
from services.user.accounts.wire import to_account
from services.user.keys.domain import SigningKey
from services.user.passwords import Passwords
from services.user.sessions.domain import Ended, RefreshToken, Reused, new_session
from services.user.sessions.store import SessionStore


class SessionServicer(SessionServiceServicer):
    def __init__(
        self,
        sessions: SessionStore,
        accounts: AccountStore,
        *,
        passwords: Passwords,
        key: SigningKey,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
    ) -> None:
        self._sessions = sessions
        self._accounts = accounts
        self._passwords = passwords
        self._key = key
        self._clock = clock
        self._ids = ids

    async def Login(self, request: pb.LoginRequest, context: object) -> pb.LoginResponse:
        account = await self._prove(request.workspace_id or DEFAULT_WORKSPACE, request.username, request.password)
        now = self._clock()
        session, refresh_token = new_session(
            self._ids(),
            workspace_id=account.workspace_id,
            user_id=account.id,
            device=request.device,
            address=current().address,
            random=secrets.token_bytes,
            now=now,
        )
        await self._sessions.add(session)
        return pb.LoginResponse(
            access_token=self._access_token(account, session.id, now),
            refresh_token=str(refresh_token),
            expires_in=tokens.LIFETIME_S,
            session_id=session.id,
            user=to_account(replace(account, last_login=now)),
        )

    async def Refresh(self, request: pb.RefreshRequest, context: object) -> pb.RefreshResponse:
        now = self._clock()
        outcome = await self._sessions.present(RefreshToken.parse(request.refresh_token), now)
        if isinstance(outcome, Reused):
            raise Unauthenticated("REFRESH_TOKEN_REUSED", "The refresh token was used before. The session is revoked.")
        if isinstance(outcome, Ended):
            raise _refresh_token_invalid()
        session = outcome.session
        account = (await self._accounts.find(session.workspace_id, [session.user_id]))[session.user_id]
        if not account.is_active:
            raise _refresh_token_invalid()
        return pb.RefreshResponse(
            access_token=self._access_token(account, session.id, now),
            refresh_token=str(outcome.successor),
            expires_in=tokens.LIFETIME_S,
            session_id=session.id,
        )

    async def Logout(self, request: pb.LogoutRequest, context: object) -> pb.LogoutResponse:
        await self._sessions.end(caller().session_id, self._clock())
        return pb.LogoutResponse()

    async def _prove(self, workspace_id: str, login: str, password: str) -> Account:
        """The active account that `login` and `password` belong to. Takes as long when there is none."""
        known = await self._accounts.credentials(workspace_id, login)
        fits = await self._passwords.verify(password, known.password_hash if known else None)
        if known is None or not fits or not known.account.is_active:
            raise Unauthenticated("INVALID_CREDENTIALS", "The name or the password is wrong.")
        await self._renew_hash(known, password)
        return known.account

    async def _renew_hash(self, known: Credentials, password: str) -> None:
        if self._passwords.is_outdated(known.password_hash):
            renewed = await self._passwords.hash(password)
            await self._accounts.replace_password_hash(known.account.id, known.password_hash, renewed)

    def _access_token(self, account: Account, session_id: str, now: datetime) -> str:
        issued_at = int(now.timestamp())
        return tokens.sign(
            Principal(account.id, session_id, account.role.value, issued_at + tokens.LIFETIME_S, account.workspace_id),
            issued_at=issued_at,
            token_id=self._ids(),
            key=self._key.private,
            kid=self._key.kid,
        )


def _refresh_token_invalid() -> Unauthenticated:
    return Unauthenticated("REFRESH_TOKEN_INVALID", "The refresh token is not valid, or has ended. Log in again.")
