"""The user service as its servicers, over a real database, with a clock that the test moves and cheap hashes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chat.user.v1 import account_service_pb2 as accounts_pb
from chat.user.v1 import session_service_pb2 as sessions_pb
from chat.user.v1.user_pb2 import Account
from mesh.call.context import RequestContext, bind, unbind
from mesh.database import Database
from mesh.identity import tokens
from mesh.identity.principal import Principal
from services.user.accounts.servicer import AccountServicer
from services.user.accounts.store_sql import SqlAccountStore
from services.user.keys.domain import SigningKey
from services.user.passwords import Passwords
from services.user.sessions.servicer import SessionServicer
from services.user.sessions.store_sql import SqlSessionStore

PASSWORD = "correct horse"


class CountingHasher(PasswordHasher):
    """Counts how often a hash is computed."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.computed = 0

    def hash(self, *args: Any, **kwargs: Any) -> str:
        self.computed += 1
        return super().hash(*args, **kwargs)

    def verify(self, *args: Any, **kwargs: Any) -> Any:
        self.computed += 1
        return super().verify(*args, **kwargs)


class World:
    def __init__(self, database: Database, pool: ThreadPoolExecutor) -> None:
        self.database = database
        self.pool = pool
        self.now = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
        self.hasher = CountingHasher()
        self.key = SigningKey.of(Ed25519PrivateKey.generate())
        self.store = SqlAccountStore(database)
        self.passwords = Passwords(self.hasher, pool, limit=10)
        numbers = count(1)

        def clock() -> datetime:
            return self.now

        def ids() -> str:
            return f"id-{next(numbers)}"

        self.accounts = AccountServicer(self.store, self.passwords, clock=clock, ids=ids)
        sessions = SqlSessionStore(database)
        self.sessions = SessionServicer(
            sessions, self.store, passwords=self.passwords, key=self.key, clock=clock, ids=ids
        )

    async def register(self, username: str = "anna", **fields: str) -> Account:
        fields = {"email": f"{username}@example.com", "password": PASSWORD, **fields}
        response = await self.accounts.Register(accounts_pb.RegisterRequest(username=username, **fields), None)
        return response.account

    async def login(self, username: str = "anna", password: str = PASSWORD) -> sessions_pb.LoginResponse:
        request = sessions_pb.LoginRequest(username=username, password=password, device="phone")
        return await self.sessions.Login(request, None)

    async def refresh(self, token: str) -> sessions_pb.RefreshResponse:
        return await self.sessions.Refresh(sessions_pb.RefreshRequest(refresh_token=token), None)

    async def logout(self, session_id: str) -> None:
        with calling_as("id-1", session_id):
            await self.sessions.Logout(sessions_pb.LogoutRequest(), None)

    def principal(self, access_token: str) -> Principal:
        """Whom an access token proves, as any service sees it."""
        assert tokens.key_id(access_token) == self.key.kid
        return tokens.verify(access_token, self.key.private.public_key(), self.now.timestamp())


@contextmanager
def calling_as(user_id: str, session_id: str = "s-1") -> Iterator[None]:
    bound = bind(RequestContext(principal=Principal(user_id, session_id, "user", 0)))
    try:
        yield
    finally:
        unbind(bound)
