"""The user service as its servicers, over a real database, with a clock that the test moves and cheap hashes."""

import re
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from itertools import count
from typing import Any

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from chat.user.v1 import account_service_pb2 as accounts_pb
from chat.user.v1 import session_service_pb2 as sessions_pb
from chat.user.v1.user_pb2 import Account
from mesh.audit.log import open_trail
from mesh.call.context import RequestContext, bind, unbind
from mesh.cursor import CursorCodec
from mesh.database import Database
from mesh.identity import tokens
from mesh.identity.principal import DEFAULT_WORKSPACE, Principal
from mesh.sealing import Sealer
from services.user.accounts.servicer import AccountServicer
from services.user.accounts.store_sql import SqlAccountStore
from services.user.administration.servicer import AdministrationServicer
from services.user.administration.store_sql import SqlAdministrationStore
from services.user.attempts.gate import Attempts
from services.user.attempts.store_sql import SqlAttemptStore
from services.user.audit.reader import AuditReader
from services.user.audit.store_sql import SqlAuditStore
from services.user.blocks.servicer import BlockServicer
from services.user.blocks.store_sql import SqlBlockStore
from services.user.credentials.letters import Letters
from services.user.credentials.proof import OwnerProof
from services.user.credentials.servicer import CredentialServicer
from services.user.credentials.store_sql import SqlCredentialStore
from services.user.factors.check import SecondFactorCheck
from services.user.factors.store_sql import SqlFactorStore
from services.user.keys.domain import SigningKey
from services.user.mail.compose import Composer
from services.user.mail.outbox_sql import SqlMailOutbox
from services.user.passwords import Passwords
from services.user.sessions.access import AccessTokens
from services.user.sessions.opening import SessionOpening
from services.user.sessions.proof import LoginProof
from services.user.sessions.servicer import SessionServicer
from services.user.sessions.store_sql import SqlSessionStore
from services.user.tables import audit, audit_head, mails
from services.user.tickets.store_sql import SqlTicketStore
from services.user.workspaces.servicer import WorkspaceServicer
from services.user.workspaces.store_sql import SqlWorkspaceStore

PASSWORD = "correct horse"
SECRET = bytes(32)


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


class OneKey:
    """A ring with one key in it."""

    def __init__(self, now: datetime) -> None:
        self.key = SigningKey.of(Ed25519PrivateKey.generate(), now)

    async def signer(self) -> SigningKey:
        return self.key


class World:
    def __init__(self, database: Database, pool: ThreadPoolExecutor) -> None:
        self.database = database
        self.pool = pool
        self.now = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
        self.hasher = CountingHasher()
        self.passwords = Passwords(self.hasher, pool, limit=10)
        self.trail = open_trail("user", audit, audit_head, SECRET)
        self.mails = SqlMailOutbox(database, Sealer(SECRET, "mails"), keep=200)
        numbers, mail_numbers = count(1), count(1)

        def clock() -> datetime:
            return self.now

        def ids() -> str:
            return f"id-{next(numbers)}"

        cursors = CursorCodec(SECRET)
        composer = Composer("https://chat.example.com", "chat@example.com")
        letters = Letters(composer, random=secrets.token_bytes, ids=lambda: f"mail-{next(mail_numbers):04}")
        self.store = SqlAccountStore(database, self.trail, self.mails)
        self.attempts = Attempts(SqlAttemptStore(database, self.trail, self.mails, letters), clock=clock)
        self.proof = OwnerProof(self.store, self.passwords, self.attempts)
        self.accounts = AccountServicer(
            self.store, self.passwords, proof=self.proof, letters=letters, cursors=cursors, clock=clock, ids=ids
        )
        self.credentials = CredentialServicer(
            SqlCredentialStore(database, self.trail, self.mails),
            self.store,
            self.passwords,
            proof=self.proof,
            letters=letters,
            clock=clock,
        )
        self.blocks = BlockServicer(SqlBlockStore(database), cursors, clock=clock)
        self.audit = SqlAuditStore(database, self.trail)
        self.administration = AdministrationServicer(
            SqlAdministrationStore(database, self.trail),
            self.store,
            AuditReader(self.audit, cursors, clock=clock),
            clock=clock,
        )
        self.workspaces = WorkspaceServicer(SqlWorkspaceStore(database, self.trail), cursors, clock=clock)
        self.ring = OneKey(self.now)
        self._open_sessions(clock, ids, cursors)

    def _open_sessions(self, clock: Any, ids: Any, cursors: CursorCodec) -> None:
        sessions = SqlSessionStore(self.database, self.trail)
        access = AccessTokens(self.ring, ids)  # type: ignore[arg-type]
        factor = SecondFactorCheck(SqlFactorStore(self.database, self.trail), Sealer(SECRET, "second factors"))
        self.sessions = SessionServicer(
            sessions,
            self.store,
            SqlTicketStore(self.database),
            proof=LoginProof(self.store, self.passwords, self.attempts, factor, sessions.refuse),
            opening=SessionOpening(sessions, access, ids),
            access=access,
            cursors=cursors,
            clock=clock,
        )

    async def register(self, username: str = "anna", **fields: str) -> Account:
        fields = {"email": f"{username}@example.com", "password": PASSWORD, **fields}
        response = await self.accounts.Register(accounts_pb.RegisterRequest(username=username, **fields), None)
        return response.account

    async def login(self, username: str = "anna", password: str = PASSWORD, **fields: str) -> sessions_pb.LoginResponse:
        request = sessions_pb.LoginRequest(username=username, password=password, device="phone", **fields)
        return await self.sessions.Login(request, None)

    async def refresh(self, token: str) -> sessions_pb.RefreshResponse:
        return await self.sessions.Refresh(sessions_pb.RefreshRequest(refresh_token=token), None)

    async def logout(self, session_id: str) -> None:
        with calling_as("id-1", session_id):
            await self.sessions.Logout(sessions_pb.LogoutRequest(), None)

    def principal(self, access_token: str) -> Principal:
        """Whom an access token proves, as any service sees it."""
        assert tokens.key_id(access_token) == self.ring.key.kid
        return tokens.verify(access_token, self.ring.key.private.public_key(), self.now.timestamp())

    async def mailed(self) -> list[tuple[str, str, str]]:
        """To whom, about what, and the token in its link, of all mails that wait; oldest first."""
        query = select(mails.c.id, mails.c.sealed).order_by(mails.c.id)
        rows = await self.database.read(lambda connection: connection.execute(query).all())
        found = []
        for row in rows:
            message = message_from_bytes(Sealer(SECRET, "mails").open(row.sealed, row.id), policy=policy.default)
            body = message.get_body(("plain",))
            assert body is not None
            text = body.get_content()
            link = re.search(r"#token=(\S+)", text)
            found.append((message["To"], message["Subject"], link[1] if link else ""))
        return found

    async def last_link(self) -> str:
        """The token of the last mail that was written."""
        return (await self.mailed())[-1][2]

    async def noted(self) -> list[str]:
        """The actions in the audit log, oldest first."""
        query = select(audit.c.action).order_by(audit.c.seq)
        return list(await self.database.read(lambda connection: connection.execute(query).scalars().all()))


@contextmanager
def calling_as(
    user_id: str, session_id: str = "s-1", *, role: str = "user", workspace_id: str = DEFAULT_WORKSPACE
) -> Iterator[None]:
    bound = bind(RequestContext(principal=Principal(user_id, session_id, role, 0, workspace_id)))
    try:
        yield
    finally:
        unbind(bound)
