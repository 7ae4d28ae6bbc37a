"""OAuthService: log-in by OpenID providers."""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime

from chat.user.v1 import oauth_service_pb2 as pb
from chat.user.v1.oauth_service_pb2_grpc import OAuthServiceServicer
from mesh.errors import Error
from mesh.identity import tokens
from mesh.identity.principal import DEFAULT_WORKSPACE
from services.user.accounts.domain import Account
from services.user.accounts.store import AccountStore
from services.user.accounts.wire import to_account
from services.user.oauth import domain
from services.user.oauth.domain import Attempt, Handover, Who
from services.user.oauth.provider import Provider
from services.user.oauth.store import OAuthStore
from services.user.sessions.opening import SessionOpening


class OAuthServicer(OAuthServiceServicer):
    """`public_url` is where the browser comes back to."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        store: OAuthStore,
        accounts: AccountStore,
        opening: SessionOpening,
        *,
        public_url: str,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
    ) -> None:
        self._providers = providers
        self._store = store
        self._accounts = accounts
        self._opening = opening
        self._public_url = public_url.rstrip("/")
        self._clock = clock
        self._ids = ids

    async def GetProviders(self, request: pb.GetProvidersRequest, context: object) -> pb.GetProvidersResponse:
        items = [pb.Provider(name=name, title=provider.title) for name, provider in self._providers.items()]
        return pb.GetProvidersResponse(items=items)

    async def StartOAuth(self, request: pb.StartOAuthRequest, context: object) -> pb.StartOAuthResponse:
        provider, workspace_id = self._provider(request.provider), request.workspace_id or DEFAULT_WORKSPACE
        attempt = domain.new_attempt(workspace_id, request.provider, request.return_to, secrets.token_bytes)
        url = await provider.authorization_url(attempt, self._redirect_uri(request.provider))
        await self._store.keep_attempt(attempt, self._clock() + domain.STATE_LIFETIME)
        expires_in = int(domain.STATE_LIFETIME.total_seconds())
        return pb.StartOAuthResponse(authorization_url=url, binding=attempt.binding, expires_in=expires_in)

    async def FinishOAuth(self, request: pb.FinishOAuthRequest, context: object) -> pb.FinishOAuthResponse:
        self._provider(request.provider)
        attempt = await self._store.take_attempt(request.provider, request.state, request.binding, self._clock())
        if attempt is None:
            raise domain.refused("This log-in was not begun in this browser, has come back before, or took too long.")
        try:
            account = await self._account(attempt, request)
        except Error as error:
            error.metadata["return_to"] = attempt.return_to
            raise
        secret = domain.text(secrets.token_bytes(32))
        handover = Handover(account.workspace_id, attempt.provider, account.id)
        await self._store.keep_handover(secret, handover, self._clock() + domain.HANDOVER_LIFETIME)
        expires_in = int(domain.HANDOVER_LIFETIME.total_seconds())
        return pb.FinishOAuthResponse(handover=secret, expires_in=expires_in, return_to=attempt.return_to)

    async def RedeemHandover(self, request: pb.RedeemHandoverRequest, context: object) -> pb.RedeemHandoverResponse:
        now = self._clock()
        handover = await self._store.take_handover(request.handover, now)
        if handover is None:
            raise domain.refused("The handover is not one of ours, was used before, or has ended.")
        found = await self._accounts.find(handover.workspace_id, [handover.user_id])
        account = found[handover.user_id]
        opened = await self._opening.open(account, request.device, now, provider=handover.provider)
        if opened is None:
            raise domain.refused("This account cannot log in.")
        return pb.RedeemHandoverResponse(
            access_token=opened.access_token,
            refresh_token=opened.refresh_token,
            expires_in=tokens.LIFETIME_S,
            session_id=opened.session.id,
            user=to_account(account, now),
        )

    async def _account(self, attempt: Attempt, request: pb.FinishOAuthRequest) -> Account:
        if request.error or not request.code:
            raise domain.refused("The provider refused.")
        provider = self._provider(attempt.provider)
        redirect_uri = self._redirect_uri(attempt.provider)
        who = await provider.identify(attempt, request.code, request.issuer, redirect_uri)
        usernames = domain.usernames(who, secrets.token_bytes)
        return await self._store.account_for(
            who, attempt.workspace_id, attempt.provider, usernames, self._new_account(attempt, who), self._clock()
        )

    def _new_account(self, attempt: Attempt, who: Who) -> Callable[[str, str], Account]:
        account_id, now = self._ids(), self._clock()
        return lambda username, email: domain.account_of(
            who, account_id, workspace_id=attempt.workspace_id, username=username, email=email, now=now
        )

    def _provider(self, name: str) -> Provider:
        provider = self._providers.get(name)
        if provider is None:
            raise domain.no_provider()
        return provider

    def _redirect_uri(self, name: str) -> str:
        return f"{self._public_url}/api/users/oauth/{name}/callback"
