"""The part of the user service that lets OpenID providers say who calls; wired."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any

from chat.user.v1.oauth_service_pb2_grpc import add_OAuthServiceServicer_to_server
from mesh.audit.log import Trail
from mesh.database import Database
from mesh.sealing import Sealer
from mesh.service import Mesh, Register
from mesh.settings import Settings
from mesh.sweeper import sweeping
from services.user.accounts.store import AccountStore
from services.user.oauth.provider import Provider
from services.user.oauth.providers import read_providers
from services.user.oauth.servicer import OAuthServicer
from services.user.oauth.store_sql import SqlOAuthStore
from services.user.sessions.opening import SessionOpening


@asynccontextmanager
async def open_federation(
    mesh: Mesh,
    database: Database,
    trail: Trail,
    *,
    accounts: AccountStore,
    opening: SessionOpening,
    clock: Callable[[], datetime],
    ids: Callable[[], str],
) -> AsyncIterator[Register]:
    """What registers the servicer. Runs what it needs beside it until the context is left."""
    settings = mesh.settings
    public_url = settings.public_url or f"http://{settings.http}"
    store = SqlOAuthStore(database, trail, Sealer(mesh.secret, "oauth"))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(sweeping([store.sweep], clock=clock))
        providers = await _providers(settings, stack)

        def register(server: Any) -> None:
            add_OAuthServiceServicer_to_server(
                OAuthServicer(providers, store, accounts, opening, public_url=public_url, clock=clock, ids=ids), server
            )

        yield register


async def _providers(settings: Settings, stack: AsyncExitStack) -> dict[str, Provider]:
    chosen = read_providers(settings.oidc_providers)
    if not chosen:
        return {}
    import httpx2  # Only who has providers pays for it.

    from services.user.oauth.provider_http import HttpProvider

    client = await stack.enter_async_context(httpx2.AsyncClient())
    return {name: HttpProvider(name, one, client, time.time) for name, one in chosen.items()}
