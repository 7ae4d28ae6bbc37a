"""The part of the user service that is about people: accounts, passwords, factors, mails, admins; wired."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chat.user.v1.account_service_pb2_grpc import add_AccountServiceServicer_to_server
from chat.user.v1.administration_service_pb2_grpc import add_AdministrationServiceServicer_to_server
from chat.user.v1.block_service_pb2_grpc import add_BlockServiceServicer_to_server
from chat.user.v1.credential_service_pb2_grpc import add_CredentialServiceServicer_to_server
from chat.user.v1.second_factor_service_pb2_grpc import add_SecondFactorServiceServicer_to_server
from chat.user.v1.workspace_service_pb2_grpc import add_WorkspaceServiceServicer_to_server
from mesh.audit.log import Trail
from mesh.cursor import open_cursors
from mesh.database import Database
from mesh.sealing import Sealer
from mesh.service import Mesh, Register
from mesh.sweeper import sweeping
from services.user.accounts.servicer import AccountServicer
from services.user.accounts.store import AccountStore
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
from services.user.factors.servicer import SecondFactorServicer
from services.user.factors.store_sql import SqlFactorStore
from services.user.mail.choice import choose_mail
from services.user.mail.outbox_sql import SqlMailOutbox
from services.user.mail.sender import MailSender
from services.user.mail.transport_dev import KEEP, shown
from services.user.passwords import Passwords
from services.user.workspaces.servicer import WorkspaceServicer
from services.user.workspaces.store_sql import SqlWorkspaceStore


@dataclass(frozen=True, slots=True)
class People:
    """What the rest of the service needs of it."""

    accounts: AccountStore
    attempts: Attempts
    second_factor: SecondFactorCheck
    register: Register


@asynccontextmanager
async def open_people(
    mesh: Mesh,
    database: Database,
    trail: Trail,
    *,
    passwords: Passwords,
    clock: Callable[[], datetime],
    ids: Callable[[], str],
) -> AsyncIterator[People]:
    """Runs what it needs beside the servicers until the context is left."""
    settings = mesh.settings
    is_shown = not settings.smtp_url
    mails = SqlMailOutbox(database, Sealer(mesh.secret, "mails"), keep=KEEP if is_shown else 0)
    if is_shown:
        mesh.show("mails", shown(mails.kept))
    transport, composer = choose_mail(settings)
    letters = Letters(composer, random=secrets.token_bytes, ids=ids)
    cursors = open_cursors(mesh.secret)

    accounts = SqlAccountStore(database, trail, mails)
    failures = SqlAttemptStore(database, trail, mails, letters)
    credentials = SqlCredentialStore(database, trail, mails)
    attempts = Attempts(failures, clock=clock)
    proof = OwnerProof(accounts, passwords, attempts)
    factors, sealer = SqlFactorStore(database, trail), Sealer(mesh.secret, "second factors")
    second_factor = SecondFactorCheck(factors, sealer)

    def register(server: Any) -> None:
        add_AccountServiceServicer_to_server(
            AccountServicer(accounts, passwords, proof=proof, letters=letters, cursors=cursors, clock=clock, ids=ids),
            server,
        )
        add_CredentialServiceServicer_to_server(
            CredentialServicer(credentials, accounts, passwords, proof=proof, letters=letters, clock=clock), server
        )
        add_SecondFactorServiceServicer_to_server(
            SecondFactorServicer(factors, second_factor, proof=proof, attempts=attempts, sealer=sealer, clock=clock),
            server,
        )
        add_BlockServiceServicer_to_server(BlockServicer(SqlBlockStore(database), cursors, clock=clock), server)
        add_AdministrationServiceServicer_to_server(
            AdministrationServicer(
                SqlAdministrationStore(database, trail),
                accounts,
                AuditReader(SqlAuditStore(database, trail), cursors, clock=clock),
                clock=clock,
            ),
            server,
        )
        add_WorkspaceServiceServicer_to_server(
            WorkspaceServicer(SqlWorkspaceStore(database, trail), cursors, clock=clock), server
        )

    async with (
        MailSender(mails, transport, clock=clock, waiting=mesh.metrics.mails_waiting.set),
        sweeping([failures.sweep, credentials.sweep], clock=clock),
    ):
        yield People(accounts, attempts, second_factor, register)
